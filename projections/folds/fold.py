"""Fold one event: the stages of a verdict, for every kind of subject.

Pure: state, event and what was seen in; state, verdict and rows out. Stages as in events.md §3:
signature and agency, duplicate, time, subject, the event's own guards. Corrections need the whole
subject again and are `projections.folds.subject`'s.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from projections.folds import agent, agreement, case, meeting, programme
from projections.folds.agent import AgentState
from projections.folds.agreement_state import AgreementState
from projections.folds.case_state import CaseState
from projections.folds.folding import (
    NOTHING_NEEDED,
    Folded,
    Folding,
    Kind,
    Needs,
    Seen,
)
from projections.folds.guards import named_agencies
from projections.folds.meeting import MeetingState
from projections.folds.programme import ProgrammeState
from runut.directory import Directory
from runut.event import AUTHENTIC, Event, Recorded, SignatureStatus, subject_kind

State = CaseState | MeetingState | AgreementState | AgentState | ProgrammeState
"""State of a subject, of whatever kind."""

KINDS: Final[dict[str, Kind]] = {
    "case": case.KIND,
    "meeting": meeting.KIND,
    "agreement": agreement.KIND,
    "agent": agent.KIND,
    "programme": programme.KIND,
}
_KIND_OF: Final = {kind.state: kind for kind in KINDS.values()}
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
CORRECTION: Final = "EventCorrected"

_CODE_OF: Final[dict[SignatureStatus, str]] = {
    "UNKNOWN_AGENCY": "UNKNOWN_AGENCY",
    "MISSING": "SIGNATURE_MISSING",
    "KEY_UNKNOWN": "KEY_UNKNOWN",
    "KEY_REVOKED": "KEY_REVOKED",
    "INVALID": "SIGNATURE_INVALID",
}


def fold(
    state: State | None, recorded: Recorded, directory: Directory, seen: Seen
) -> Folded[State | None]:
    """Fold one event that is no correction.

    `directory` is the one announced at the event's place, `seen` the subject's past. The given
    state is left as it was.
    """
    before_subject = judge_record(state, recorded, seen)
    if before_subject is not None:
        return before_subject
    event = recorded.event
    kind = kind_of(event) if state is None else _KIND_OF[type(state)]
    code = _subject_code(kind, state, event)
    if code is not None:
        return irregular(state, code)
    return _by_rule(kind, Folding(state, recorded, directory, seen))


def kind_of(event: Event) -> Kind:
    """What the kind of subject that an event is about is made of."""
    return KINDS[subject_kind(event.subject)]


def irregular(state: State | None, *codes: str) -> Folded[State | None]:
    """Kept in the history, without effect."""
    return Folded(state, "IRREGULAR", tuple(sorted(set(codes))))


def judge_record(
    state: State | None, recorded: Recorded, seen: Seen
) -> Folded[State | None] | None:
    """Stages 1 to 3, the same for every type: signature and agency, duplicate, time.

    None if the record passes them.
    """
    event = recorded.event
    if recorded.signature not in AUTHENTIC:
        return irregular(state, _CODE_OF[recorded.signature])
    earlier = seen.content_of(event.agency, event.event_id)
    if earlier is not None:
        return Folded(state, "DUPLICATE", differs=earlier != recorded.content)
    occurred_at, recorded_at = event.occurred_at, recorded.recorded_at
    if occurred_at > recorded_at and occurred_at - recorded_at > CLOCK_TOLERANCE:
        return irregular(state, "OCCURRED_IN_FUTURE")
    return None


def needs_of(event: Event) -> Needs:
    """What a store must load before the event is folded."""
    rule = kind_of(event).rules.get(event.type)
    return rule.needs(event) if rule else NOTHING_NEEDED


def _subject_code(kind: Kind, state: State | None, event: Event) -> str | None:
    """Stage 4: the subject exists, or does not yet, or takes this event no more."""
    creates = event.type in kind.created_by
    if state is None:
        return None if creates else "UNKNOWN_SUBJECT"
    if creates and kind.created_once:
        return "ALREADY_EXISTS"
    return None if kind.admits(state, event) else "CASE_NOT_OPEN"


def _by_rule(kind: Kind, folding: Folding[State | None]) -> Folded[State | None]:
    """Stage 5, and the effect of what passes it."""
    before = folding.state
    named = named_agencies(folding.event)
    if named and not folding.directory.codes.issuperset(named):
        return irregular(before, "UNKNOWN_AGENCY")
    rule = kind.rules[folding.event.type]
    codes = tuple(rule.guard(folding))
    if codes:
        return irregular(before, *codes)
    if before is not None:
        folding.state = replace(before)
    rule.effect(folding)
    kind.after(folding)
    return Folded(folding.state, "EFFECTIVE", (), folding.written)
