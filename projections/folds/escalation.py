"""The ladder that a breached commitment climbs, and when its next step is due.

Pure (events.md §6): level 1 is the debtor's own superior, level 2 the protocol's arbiter. A step
that would lead to nobody, or to the debtor itself, is left out. Only commitments that were recorded
before they were due climb: files of past events bring their own escalations.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from projections.folds.folding import Folding
from projections.folds.rows import Commitment
from runut.directory import Directory
from runut.protocol import Protocol

SUPERIOR: Final = 1
ARBITER: Final = 2
LIVE: Final = timedelta(days=1)
"""What was recorded within this of occurring is no file of past events."""


class Step(NamedTuple):
    """One step of the ladder."""

    level: int
    to: str


def next_step(
    directory: Directory, protocol: Protocol | None, debtor: str, level: int
) -> Step | None:
    """The step above a level (0: none was taken yet); None at the top."""
    if protocol is None:
        return None
    agency = directory.agency(debtor)
    ladder = {
        SUPERIOR: agency.escalates_to if agency else None,
        ARBITER: protocol.default_arbiter,
    }
    steps = (Step(above, to) for above, to in ladder.items() if above > level and to)
    return next((step for step in steps if step.to != debtor), None)


def after_breach(folding: Folding[Any], breached: Commitment) -> Commitment:
    """The foot of the ladder is due at once."""
    due_at, known_at = breached.due_at, breached.due_recorded_at
    if due_at is None or known_at is None or known_at >= due_at:
        return breached
    return _step_due(folding, breached, folding.at)


def after_escalation(folding: Folding[Any], raised: Commitment) -> Commitment:
    """The step above is due after the protocol's working days."""
    if raised.escalate_at is None:
        return raised
    protocol = folding.directory.protocol_at(folding.at)
    if protocol is None:
        return replace(raised, escalate_at=None)
    days = protocol.escalation.days_between_levels
    calendar = folding.directory.calendar
    due_at = calendar.end_of_nth_working_day(folding.at, days, protocol.timezone)
    return _step_due(folding, raised, due_at)


def _step_due(folding: Folding[Any], commitment: Commitment, at: datetime) -> Commitment:
    protocol = folding.directory.protocol_at(folding.at)
    debtor, level = commitment.debtor, commitment.escalation_level
    step = next_step(folding.directory, protocol, debtor, level)
    return replace(commitment, escalate_at=at if step else None)


def is_live(folding: Folding[Any]) -> bool:
    """Whether an event was recorded as it happened, not from a file of past ones."""
    return folding.recorded.recorded_at - folding.at <= LIVE
