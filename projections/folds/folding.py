"""What the rules of every subject kind work with: one event being folded.

Pure: no clock, no sockets. A rule reads the state, the directory and the rows seen so far, and
either names the codes that forbid the event or applies its effect. Rules are in the modules named
after what they are about; `projections.folds.fold` puts the stages together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from projections.folds.rows import (
    UNSETTLED,
    Assistance,
    Commitment,
    DepositDraw,
    Row,
    Sanction,
    Transfer,
    commitment_source,
)
from runut.directory import Directory
from runut.event import Event, Recorded, Verdict

R = TypeVar("R", bound=Row)
S = TypeVar("S")

RowKey = tuple[type[Row], str | int]


class Seen(Protocol):
    """The subject's past as far as rules ask for it.

    A store must have loaded what `Rule.needs` names before an event is folded.
    """

    def content_of(self, agency: str, event_id: str) -> bytes | None:
        """Content hash of the earlier record with this emitter and id, if there was one."""

    def row(self, table: type[R], ident: str | int) -> R | None:
        """A row of this subject by its key."""

    def unsettled(self, table: type[R]) -> Iterable[R]:
        """The subject's rows of a table on which something is still pending."""


NO_ROWS: Final[Mapping[RowKey, Row]] = MappingProxyType({})


class Folded(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """What folding one event gave: the state after it, its verdict, and the rows it wrote."""

    state: S
    verdict: Verdict
    codes: tuple[str, ...] = ()
    rows: Mapping[RowKey, Row] = NO_ROWS
    differs: bool = False
    """A DUPLICATE whose content is another than that of the first."""


class Folding(Generic[S]):
    """One event being folded: inputs, the state in the making and the rows written so far."""

    __slots__ = (
        *("agency", "at", "data", "directory", "event", "recorded", "seen", "state", "subject"),
        "written",
    )

    def __init__(self, state: S, recorded: Recorded, directory: Directory, seen: Seen) -> None:
        event = recorded.event
        self.state = state
        self.recorded = recorded
        self.directory = directory
        self.seen = seen
        self.event: Event = event
        self.data: Mapping[str, Any] = event.data
        self.agency: str = event.agency
        """Its emitter."""
        self.at: datetime = event.occurred_at
        """When it happened, as the emitter says."""
        self.subject: str = event.subject
        self.written: dict[RowKey, Row] = {}

    def find(self, table: type[R], ident: str | int) -> R | None:
        """A row by its key, this event's own writes first."""
        if self.written:
            written = self.written.get((table, ident))
            if written is not None:
                return written  # type: ignore[return-value]
        return self.seen.row(table, ident)

    def get(self, table: type[R], ident: str | int) -> R:
        """A row that a guard has already shown to exist."""
        found = self.find(table, ident)
        if found is None:
            raise LookupError(
                f"{table.__name__} {ident} of {self.subject} was not checked by a guard"
            )
        return found

    def put(self, row: Row) -> None:
        """Write a row."""
        self.written[(type(row), row.ident)] = row

    def unsettled_commitments(self) -> Iterator[Commitment]:
        """Commitments that are PROPOSED, OPEN or REPORTED at this moment, by id."""
        known = {row.ident: row for row in self.seen.unsettled(Commitment)}
        known.update((k[1], r) for k, r in self.written.items() if isinstance(r, Commitment))
        return (known[ident] for ident in sorted(known) if known[ident].status in UNSETTLED)

    def is_system(self, agency: str) -> bool:
        """Whether an agency is of kind SYSTEM: the ledger itself, never a participant."""
        found = self.directory.agency(agency)
        return found is not None and found.kind == "SYSTEM"


Codes = Iterator[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an event of one type needs, may and does.

    `guard` yields every code that forbids it (stage 5 of events.md §3); `effect` is applied where
    it yields none; `needs` names the rows that both may ask for.
    """

    guard: Callable[[Any], Codes]
    effect: Callable[[Any], None]
    needs: Callable[[Event], Needs]


def admits_everything(_state: Any, _event: Event) -> bool:
    """For kinds of subject that never close."""
    return True


def no_effect(_folding: Any) -> None:
    """For events whose place in the history is all there is to them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of subject is made of.

    `admits` says whether a subject in some state takes an event at all (stage 4), `after` runs
    behind the effect of every effective event.
    """

    state: type[Any]
    created_by: frozenset[str]
    rules: Mapping[str, Rule]
    created_once: bool = True
    """Whether another creating event on a subject that exists is ALREADY_EXISTS."""
    admits: Callable[[Any, Event], bool] = admits_everything
    after: Callable[[Folding[Any]], None] = no_effect


class Needs(msgspec.Struct, frozen=True, gc=False):
    """Rows to load before an event is folded.

    `sources` are the SOURCE_IDs whose commitments are wanted; `unsettled` asks for every row on
    which something is pending.
    """

    keys: tuple[RowKey, ...] = ()
    sources: tuple[str, ...] = ()
    unsettled: bool = False


NOTHING_NEEDED = Needs()


def nothing_needed(_event: Event) -> Needs:
    """For rules that look at the state alone."""
    return NOTHING_NEEDED


def needs_unsettled(_event: Event) -> Needs:
    """For rules that may cancel whatever is still pending."""
    return Needs(unsettled=True)


def no_guard(_folding: Any) -> Codes:
    """For events that any agency may emit at any time."""
    return iter(())


def is_blank(text: str | None) -> bool:
    """Whether a reason is missing: absent, empty or only spaces."""
    return text is None or not text.strip()


def sorted_set(names: Sequence[str]) -> tuple[str, ...]:
    """Each once, in order; mostly it is one or none."""
    return tuple(sorted(set(names))) if len(names) > 1 else tuple(names)


def pending(row: Row) -> bool:
    """Whether something is still to come on a row: what `Seen.unsettled` gives."""
    if isinstance(row, Commitment):
        return row.status in UNSETTLED
    if isinstance(row, Assistance):
        return row.status in {"REQUESTED", "ACCEPTED"}
    if isinstance(row, Sanction):
        return row.status == "IN_FORCE"
    if isinstance(row, DepositDraw):
        return row.status == "PROPOSED"
    return isinstance(row, Transfer) and row.status == "OPEN"


def needs_commitment(event: Event) -> Needs:
    """The commitment that an event names, and the assistance that it may be about."""
    commitment_id = event.data["commitment_id"]
    source = commitment_source(commitment_id)
    about_assistance = commitment_id.startswith("ASSISTANCE_")
    return Needs(((Assistance, source),) if about_assistance else (), (source,))
