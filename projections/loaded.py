"""What the projector knows of a subject while it folds: state, counts, and the rows asked for.

Pure. `Loaded` is the `Seen` of live folding: it tells what is not there from what was not loaded,
so that a missing `Rule.needs` is an error and never a wrong verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import msgspec

from projections.folds.fold import State
from projections.folds.folding import NOTHING_NEEDED, Folded, Needs, R, RowKey, pending
from projections.folds.rows import Commitment, Row, commitment_source
from runut.event import AUTHENTIC, Recorded, Verdict

FORGOTTEN_BITS: Final = 2**24
"""Two megabytes: of a million forgotten subjects, one in seventeen new ones is taken for one."""
_COUNTED: Final[dict[Verdict, str]] = {
    "IRREGULAR": "irregular",
    "DUPLICATE": "duplicate",
    "CORRECTED": "corrected",
}


class Counts(msgspec.Struct):
    """How many events a subject has, and how many of each verdict but EFFECTIVE."""

    events: int = 0
    irregular: int = 0
    duplicate: int = 0
    corrected: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count one more event."""
        self.events += 1
        if verdict != "EFFECTIVE":
            name = _COUNTED[verdict]
            setattr(self, name, getattr(self, name) + 1)


class Loaded:
    """One subject as far as it was loaded.

    `is_new` says that the log held nothing of it before: whatever is absent does not exist.
    """

    __slots__ = (
        "contents",
        "counts",
        "has_unsettled",
        "is_new",
        "last_recorded_at",
        "rows",
        "sources",
        "state",
    )

    def __init__(self, *, is_new: bool = True) -> None:
        self.state: State | None = None
        self.counts = Counts()
        self.last_recorded_at: datetime | None = None
        self.is_new = is_new
        self.rows: dict[RowKey, Row | None] = {}
        self.sources: set[str] = set()
        self.has_unsettled = False
        self.contents: dict[tuple[str, str], bytes | None] = {}

    @property
    def weight(self) -> int:
        """How much memory it takes, in entries."""
        return 8 + len(self.rows) + len(self.contents) + len(self.sources)

    def content_of(self, agency: str, event_id: str) -> bytes | None:
        """Content of the earlier record with this emitter and id."""
        if self.is_new:
            return self.contents.get((agency, event_id))
        return self.contents[agency, event_id]

    def row(self, table: type[R], ident: str | int) -> R | None:
        """A row by its key.

        Raises:
            LookupError: nobody said that it would be needed.
        """
        found = self.rows.get((table, ident))
        if found is not None:
            return found  # type: ignore[return-value]
        if self.lacks((table, ident)):
            return None
        raise LookupError(f"{table.__name__} {ident} was not loaded")

    def lacks(self, key: RowKey) -> bool:
        """Whether it is known that there is no such row."""
        if key in self.rows:
            return self.rows[key] is None
        table, ident = key
        return self.is_new or (
            table is Commitment and commitment_source(str(ident)) in self.sources
        )

    def unsettled(self, table: type[R]) -> Iterable[R]:
        """Rows of a table on which something is still pending."""
        if not (self.is_new or self.has_unsettled):
            raise LookupError(f"unsettled {table.__name__} rows were not loaded")
        return [row for row in self.rows.values() if isinstance(row, table) and pending(row)]

    def missing(self, needs: Needs) -> Needs:
        """What of `needs` is still to be loaded."""
        if self.is_new:
            return NOTHING_NEEDED
        keys = [key for key in needs.keys if key not in self.rows]
        sources = [source for source in needs.sources if source not in self.sources]
        return Needs(tuple(keys), tuple(sources), needs.unsettled and not self.has_unsettled)

    def learn(self, row: Row) -> None:
        """Take a row from the store; what is already here is newer."""
        self.rows.setdefault((type(row), row.ident), row)

    def take(self, recorded: Recorded, folded: Folded[State | None]) -> None:
        """Move on past an event."""
        self.state = folded.state
        verdict = folded.verdict
        if verdict == "EFFECTIVE":
            self.counts.events += 1
        else:
            self.counts.add(verdict)
        self.last_recorded_at = recorded.recorded_at
        if folded.rows:
            self.rows.update(folded.rows)
        if verdict != "DUPLICATE" and recorded.signature in AUTHENTIC:
            event = recorded.event
            self.contents[event.agency, event.event_id] = recorded.content


class Forgotten:
    """Names of subjects in little room: none is missed, but others may be taken for one."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def __contains__(self, subject: str) -> bool:
        place = hash(subject) % FORGOTTEN_BITS
        return bool(self._bits and self._bits[place >> 3] & 1 << (place & 7))

    def add(self, subject: str) -> None:
        """Take a name."""
        self._bits = self._bits or bytearray(FORGOTTEN_BITS // 8)
        place = hash(subject) % FORGOTTEN_BITS
        self._bits[place >> 3] |= 1 << (place & 7)


class Subjects:
    """Loaded subjects, least recently used first, bounded by their weight."""

    def __init__(self, max_weight: int = 1_000_000) -> None:
        self._max_weight = max_weight
        self._loaded: dict[str, Loaded] = {}
        self._weighed: dict[str, int] = {}
        self._weight = 0
        self._whole: frozenset[int] = frozenset()
        self._forgotten = Forgotten()

    def __contains__(self, subject: str) -> bool:
        return subject in self._loaded

    def __len__(self) -> int:
        return len(self._loaded)

    def get(self, subject: str) -> Loaded:
        """A subject that was loaded or put; it counts as used."""
        loaded = self._loaded.pop(subject)
        self._loaded[subject] = loaded
        return loaded

    def put(self, subject: str, loaded: Loaded) -> None:
        """Keep a subject."""
        self._loaded[subject] = loaded
        self._weigh(subject)

    def is_new(self, subject: str, partition: int) -> bool:
        """Whether nothing has to be loaded to fold what is recorded of it in its partition.

        One that nobody knows in a partition of which everything was here begins now.
        """
        loaded = self._loaded.get(subject)
        if loaded is not None:
            return loaded.is_new
        if partition not in self._whole or subject in self._forgotten:
            return False
        self.put(subject, Loaded())
        return True

    def forget(self, whole: Collection[int] = ()) -> None:
        """Forget everything: what was folded after the last commit must not be believed.

        Of the partitions that are `whole` the store has nothing: what is put is all there is.
        """
        self._whole = frozenset(whole)
        self._forgotten = Forgotten()
        self._loaded.clear()
        self._weighed.clear()
        self._weight = 0

    def evict(self, unwritten: Collection[str]) -> None:
        """Forget the least recently used until the rest weighs little enough.

        The `unwritten`, those that a batch was about, are kept: loaded again now, they would be
        as they were before. They alone are weighed anew.
        """
        for subject in unwritten:
            self._weigh(subject)
        if self._weight <= self._max_weight:
            return
        for subject in list(self._loaded):
            if subject not in unwritten:
                del self._loaded[subject]
                self._forgotten.add(subject)
                self._weight -= self._weighed.pop(subject, 0)
                if self._weight <= self._max_weight:
                    return

    def _weigh(self, subject: str) -> None:
        weight = self._loaded[subject].weight
        self._weight += weight - self._weighed.get(subject, 0)
        self._weighed[subject] = weight
