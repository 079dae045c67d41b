"""The ledger's own events are derived from what they are about, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from consumers.deadline_events import DeadlineEvents
from projections.due import Due, ToBreach, ToEscalate, ToLapse, TransferToEscalate
from runut.event_ids import DerivedIds
from tests.builders import LEDGER_ID, directory_log

LIMIT = datetime(2025, 5, 8, 16, 59, 59, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
CAUSE = "6f7c2f0e-0f5e-4f0e-8a55-6d7f2f0a1e11"
NOTHING = Due([], [], [], [])


@pytest.fixture
def events() -> DeadlineEvents:
    return DeadlineEvents(directory_log().latest)


def breach(due_at: datetime = LIMIT) -> ToBreach:
    return ToBreach("case/X", "P1", due_at, None, CAUSE)


def step(debtor: str, level: int = 0) -> ToEscalate:
    return ToEscalate("case/X", "P1", debtor, LIMIT, LIMIT + A_SECOND, level, CAUSE)


def test_the_same_breach_is_the_same_event_by_whomever_it_is_emitted(
    events: DeadlineEvents,
) -> None:
    [first] = events.of(NOTHING._replace(breaches=[breach()]))
    [again] = DeadlineEvents(directory_log().latest).of(NOTHING._replace(breaches=[breach()]))
    assert first == again
    about = "CommitmentBreached case/X P1 2025-05-08T16:59:59Z"
    assert first.event_id == str(uuid5(UUID(bytes=LEDGER_ID), about))
    assert (first.occurred_at, first.meta["causation_id"]) == (LIMIT + A_SECOND, CAUSE)


def test_another_ledger_limit_or_level_is_another_event(events: DeadlineEvents) -> None:
    later = breach(LIMIT + A_SECOND)
    found = events.of(
        Due(
            [breach(), later],
            [ToLapse("case/X", "P1", "P1", LIMIT, CAUSE)],
            [step("kbri-kl"), step("kbri-kl", level=1)],
            [TransferToEscalate("case/X", "P1", LIMIT)],
        )
    )
    ids = [event.event_id for event in found]
    assert len(set(ids)) == len(ids) == 6
    assert DerivedIds(LEDGER_ID).of("a") != DerivedIds(bytes(16)).of("a")


def test_events_come_by_when_they_happened_whatever_their_kind(events: DeadlineEvents) -> None:
    late = breach(LIMIT + timedelta(days=1))
    due = Due([late, breach()], [], [step("kbri-kl")], [])
    found = events.of(due)
    assert [event.type for event in found] == [
        "CommitmentBreached",
        "EscalationRaised",
        "CommitmentBreached",
    ]


@pytest.mark.parametrize(
    ("debtor", "level", "to"),
    [
        ("kbri-kl", 0, ("kemlu", 1)),
        ("kbri-kl", 1, ("kp2mi", 2)),
        ("polri", 0, ("kp2mi", 2)),  # has no superior
        ("bp3mi-ntt", 0, ("kp2mi", 1)),
        ("kp2mi", 0, None),  # is the arbiter itself
        ("kbri-kl", 2, None),
    ],
)
def test_a_step_of_the_ladder_leads_to_somebody_else_or_is_left_out(
    events: DeadlineEvents, debtor: str, level: int, to: tuple[str, int] | None
) -> None:
    found = events.of(NOTHING._replace(escalations=[step(debtor, level)]))
    raised = [(event.data["to"], event.data["level"]) for event in found]
    assert raised == ([to] if to else [])


def test_before_any_protocol_was_published_nothing_is_escalated(events: DeadlineEvents) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    transfer = TransferToEscalate("case/X", "T1", long_ago)
    ladder = step("kbri-kl")._replace(escalate_at=long_ago)
    assert events.of(NOTHING._replace(transfers=[transfer], escalations=[ladder])) == []
