"""Events kept on this machine until the ledger can be reached: one SQLite file.

Owns that nothing accepted is lost: what `keep` returned from is on the disk, and leaves the file
only when it is in the log, or when a person takes it out. An event keeps its id, so that to send it
again is harmless. Refuses what is no well-formed event at once, while its sender is still there;
knows neither Kafka nor the directory. Sending is `runut.spool_sender`.

Several processes may keep events in one file; one at a time sends. A local disk is needed: locks
of network file systems are not to be trusted. Connections do not survive a fork.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType
from typing import Final, NamedTuple, Self, TypedDict

import msgspec
import orjson

from runut.errors import NotFound, SpoolFull
from runut.event import AgencyCode, Event, EventId, Subject
from runut.json_form import from_json, json_bytes
from runut.named_queries import read_queries
from runut.outgoing import demand_agencys, draft_of
from runut.spool_file import SpoolFile
from runut.tracing import current_traceparent

MAX_BYTES: Final = 256 * 1024 * 1024
BATCH_BYTES: Final = 8 * 1024 * 1024
"""Content that is read at once."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUERIES: Final = read_queries(Path(__file__).with_name("spool.sql"))


class Kept(msgspec.Struct, frozen=True):
    """An event is on this machine's disk, and goes to the log when that can be reached."""

    event_id: EventId
    subject: Subject


class Entry(NamedTuple):
    """An event as it lies in the file."""

    number: int
    subject: Subject
    content: bytes
    traceparent: bytes | None

    def event(self) -> Event:
        """The event, as it was accepted.

        Raises:
            FieldError: this release knows no such event.
        """
        return from_json(orjson.loads(self.content))


class Row(TypedDict):
    """An event as it goes into the file."""

    event_id: EventId
    type: str
    subject: Subject
    agency: AgencyCode
    content: bytes
    """Its JSON form."""
    traceparent: bytes | None
    kept_ms: int


class Parked(msgspec.Struct, frozen=True):
    """An event that could not be sent, and holds up the later ones of its subject."""

    event_id: EventId
    type: str
    subject: Subject
    agency: AgencyCode
    kept_at: datetime
    reason: str


class Standing(msgspec.Struct, frozen=True):
    """What is in a spool."""

    path: str
    waiting: int
    """Events that go as soon as the ledger can be reached."""
    held: int
    """Events that wait behind a parked one of their subject."""
    oldest: datetime | None
    """When the oldest of all came."""
    used_bytes: int
    parked: Sequence[Parked]


class Spool:
    """A file of events that are to be sent. May be used from several threads."""

    def __init__(
        self, path: Path | str, *, max_bytes: int = MAX_BYTES, create: bool = True
    ) -> None:
        """Open the file, by default making it where there is none.

        Raises:
            BadFile: it is no spool, is damaged, or cannot be read and written.
            NotFound: there is none, and none is to be made.
        """
        self.path = Path(path)
        self._max_bytes = max_bytes
        if not create and not self.path.exists():
            raise NotFound(f"spool {self.path}", "there is no such file")
        self._file = SpoolFile(self.path, max_bytes, [_QUERIES["create"], _QUERIES["index"]])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What is in it stays there."""
        self._file.close()

    def keep(self, *events: Event) -> list[Kept]:
        """Put events into the file, all or none; when this returns they are on the disk.

        Raises:
            BadInput: one is no well-formed event of an agency, naming the field.
            SpoolFull: there is no room for them.
        """
        return self.keep_rows([row_of(event) for event in events])

    def keep_rows(self, rows: Sequence[Row]) -> list[Kept]:
        """The same for events that `row_of` has checked."""
        with self._file.transaction() as run:
            run.executemany(_QUERIES["keep"], rows)
            if self._used(run) > self._max_bytes:
                raise SpoolFull(self.path, self._max_bytes)
        return [Kept(row["event_id"], row["subject"]) for row in rows]

    def waiting(self, limit: int) -> list[Entry]:
        """The first events that can be sent, some megabytes of them at most."""
        found: list[Entry] = []
        with self._file.transaction() as run:
            left = BATCH_BYTES
            for row in run.execute(_QUERIES["waiting"], {"limit": limit}):
                found.append(Entry(*row))
                left -= len(found[-1].content)
                if left <= 0:
                    break
        return found

    def recorded(self, numbers: Iterable[int]) -> None:
        """Let go of events that are in the log."""
        with self._file.transaction() as run:
            run.executemany(_QUERIES["recorded"], [{"number": number} for number in numbers])

    def park(self, reasons: dict[int, str]) -> None:
        """Say why events cannot be sent; what follows on their subjects waits from now on."""
        rows = [{"number": number, "reason": reason} for number, reason in reasons.items()]
        with self._file.transaction() as run:
            run.executemany(_QUERIES["park"], rows)

    def retry(self) -> None:
        """Let what is parked be tried again."""
        with self._file.transaction() as run:
            run.execute(_QUERIES["retry"])

    @contextmanager
    def removing(self, event_id: str) -> Iterator[bytes]:
        """Take a parked event out, so that the later ones of its subject go; gives its JSON.

        It stays where it is if the block fails.

        Raises:
            NotFound: no event with this id is parked.
        """
        with self._file.transaction() as run:
            found = run.execute(_QUERIES["remove"], {"event_id": event_id}).fetchone()
            if found is None:
                raise NotFound(f"event {event_id}", f"it is not parked in the spool {self.path}")
            yield bytes(found[0])

    def standing(self) -> Standing:
        """What is in the file."""
        with self._file.transaction() as run:
            waiting, held, oldest_ms = run.execute(_QUERIES["standing"]).fetchone()
            parked = [
                Parked(event_id, kind, subject, agency, _time(kept_ms), reason)
                for event_id, kind, subject, agency, kept_ms, reason in run.execute(
                    _QUERIES["parked"]
                )
            ]
            used = self._used(run)
        oldest = None if oldest_ms is None else _time(oldest_ms)
        return Standing(str(self.path), waiting, held, oldest, used, parked)

    def sole_sender(self) -> AbstractContextManager[bool]:
        """Whether nobody else sends from this file, and keep it so as long as the block lasts."""
        return self._file.lock("sender")

    def _used(self, run: Connection) -> int:
        return int(run.execute(_QUERIES["used"]).fetchone()[0])


def row_of(event: Event) -> Row:
    """Check an event, and note the trace in which it was accepted.

    Raises:
        BadInput: it is no well-formed event of an agency, naming the field.
    """
    demand_agencys(draft_of(event))
    return {
        "event_id": event.event_id,
        "type": event.type,
        "subject": event.subject,
        "agency": event.agency,
        "content": json_bytes(event),
        "traceparent": current_traceparent(),
        "kept_ms": time.time_ns() // 1_000_000,
    }


def _time(stamp_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=stamp_ms)
