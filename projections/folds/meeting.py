"""Rules of a meeting: scheduled, held or cancelled, its decisions, its minutes.

Pure (events.md §4, `meeting/`). A decision about one case is recorded on that case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from projections.folds import commitments
from projections.folds.folding import (
    Codes,
    Folding,
    Kind,
    Needs,
    Rule,
    no_guard,
    nothing_needed,
    sorted_set,
)
from projections.folds.letters import decision_is_new, needs_decision, record_decision
from projections.folds.obligations import fulfil, open_commitment
from runut.event import Event, subject_id

MeetingStatus = Literal["SCHEDULED", "HELD", "CANCELLED", "MINUTES_ADOPTED"]


class Attendance(msgspec.Struct, frozen=True, gc=False):
    """Whether an agency came."""

    agency: str
    officer_role: str | None
    status: str


class MeetingState(msgspec.Struct, gc=False):
    """What is so about a meeting."""

    status: MeetingStatus
    title: str
    series: str | None
    chair: str
    mode: str
    starts_at: datetime
    invitees: tuple[str, ...]
    agenda: tuple[str, ...]
    cases: tuple[str, ...]
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attendance: tuple[Attendance, ...] = ()
    minutes_adopters: tuple[str, ...] = ()
    open_commitments: int = 0


MeetingFolding = Folding[MeetingState]


def only_chair(folding: MeetingFolding) -> Codes:
    """Events that belong to the chair."""
    if folding.agency != folding.state.chair:
        yield "NOT_CHAIR"


def _scheduled(folding: MeetingFolding) -> None:
    data = folding.data
    folding.state = MeetingState(
        status="SCHEDULED",
        title=data["title"],
        series=data["series"],
        chair=data["chair"],
        mode=data["mode"],
        starts_at=data["starts_at"],
        invitees=sorted_set(data["invitees"]),
        agenda=tuple(data["agenda"]),
        cases=tuple(data["cases"]),
    )


def _still_scheduled(folding: MeetingFolding) -> Codes:
    yield from only_chair(folding)
    if folding.state.status != "SCHEDULED":
        yield "NOT_ACTIVE"


def _held(folding: MeetingFolding) -> None:
    state, data = folding.state, folding.data
    state.status = "HELD"
    state.started_at, state.ended_at = data["started_at"], data["ended_at"]
    state.attendance = tuple(Attendance(**one) for one in data["attendance"])
    ident = subject_id(folding.subject)
    open_commitment(folding, "MINUTES", ident, state.chair, folding.subject, state.title)


def _cancelled(folding: MeetingFolding) -> None:
    folding.state.status = "CANCELLED"


def _adopted_guard(folding: MeetingFolding) -> Codes:
    yield from only_chair(folding)
    if folding.state.status != "HELD":
        yield "NOT_ACTIVE"


def _adopted(folding: MeetingFolding) -> None:
    state = folding.state
    state.status = "MINUTES_ADOPTED"
    state.minutes_adopters = sorted_set(folding.data["adopters"])
    fulfil(folding, f"MINUTES:{subject_id(folding.subject)}:{state.chair}")


def _decision_guard(folding: MeetingFolding) -> Codes:
    yield from only_chair(folding)
    yield from decision_is_new(folding)


def _needs_minutes(event: Event) -> Needs:
    return Needs(sources=(subject_id(event.subject),))


RULES: Final[dict[str, Rule]] = {
    "MeetingScheduled": Rule(no_guard, _scheduled, nothing_needed),
    "MeetingHeld": Rule(_still_scheduled, _held, _needs_minutes),
    "MeetingCancelled": Rule(_still_scheduled, _cancelled, nothing_needed),
    "MinutesAdopted": Rule(_adopted_guard, _adopted, _needs_minutes),
    "DecisionRecorded": Rule(_decision_guard, record_decision, needs_decision),
    **commitments.RULES,
}
KIND: Final = Kind(MeetingState, frozenset({"MeetingScheduled"}), RULES)
