"""Fold one event: the stages of a verdict, for every kind of subject.

Pure: state, event and what was seen in; state, verdict and rows out. Stages as in events.md §3:
signature and agency, duplicate, time, subject, the event's own guards. Corrections need the whole
subject again and are `projections.folds.subject`'s.
"""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import Final, cast

from projections.folds import case
from projections.folds.case_state import CaseState
from projections.folds.folding import (
    NOTHING_NEEDED,
    Folded,
    Folding,
    Needs,
    Rule,
    Seen,
)
from projections.folds.guards import names_unknown_agency
from runut.directory import Directory
from runut.event import Event, Recorded, SignatureStatus, subject_kind

State = CaseState
"""State of a subject, of whatever kind."""

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
CREATING: Final = {"case": "CaseReported"}
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
    rules = _RULES.get(subject_kind(recorded.event.subject))
    if rules is None:
        return Folded(state, "EFFECTIVE")
    return _by_rules(rules, state, recorded, directory, seen)


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
    if not recorded.is_authentic:
        return irregular(state, _CODE_OF[recorded.signature])
    earlier = seen.content_of(event.agency, event.event_id)
    if earlier is not None:
        return Folded(state, "DUPLICATE", differs=earlier != recorded.content)
    if event.occurred_at > recorded.recorded_at + CLOCK_TOLERANCE:
        return irregular(state, "OCCURRED_IN_FUTURE")
    return None


def needs_of(event: Event) -> Needs:
    """What a store must load before the event is folded."""
    rule = _RULES.get(subject_kind(event.subject), {}).get(event.type)
    return rule.needs(event) if rule else NOTHING_NEEDED


def _by_rules(
    rules: dict[str, Rule],
    state: State | None,
    recorded: Recorded,
    directory: Directory,
    seen: Seen,
) -> Folded[State | None]:
    event = recorded.event
    code = _subject_code(state, event)
    if code is not None:
        return irregular(state, code)
    folding = Folding(state, recorded, directory, seen)
    if names_unknown_agency(folding):
        return irregular(state, "UNKNOWN_AGENCY")
    rule = rules[event.type]
    codes = set(rule.guard(folding))
    if codes:
        return irregular(state, *codes)
    folding.state = copy(state)
    rule.effect(folding)
    case.add_participants(cast("Folding[CaseState]", folding))
    return Folded(folding.state, "EFFECTIVE", rows=tuple(folding.written.values()))


def _subject_code(state: State | None, event: Event) -> str | None:
    """Stage 4: the subject exists, or does not yet, or takes this event no more."""
    creates = event.type == CREATING[subject_kind(event.subject)]
    if state is None:
        return None if creates else "UNKNOWN_SUBJECT"
    if creates:
        return "ALREADY_EXISTS"
    return None if case.admits(state, event) else "CASE_NOT_OPEN"


_RULES: Final = {"case": case.RULES}
