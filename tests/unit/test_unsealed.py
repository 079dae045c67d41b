"""What no seal has: awaited, or passed by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audit.unsealed import MadeSeal, Waiting, demand_none_passed_by, overdue
from runut.errors import BadInput
from runut.seals import Seal, TreeHead

START = datetime(2026, 1, 5, 1, tzinfo=UTC)
EVENTS = "runut.events"


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def made(index: int, minutes: float, *sizes: int) -> MadeSeal:
    """A seal of these sizes of partitions."""
    heads = tuple(TreeHead(EVENTS, n, size, b"r" * 32, b"m" * 32) for n, size in enumerate(sizes))
    moment = at(minutes)
    return MadeSeal(Seal(b"l" * 16, index, int(moment.timestamp() * 1000), heads), moment)


def test_a_record_that_seals_pass_by_is_missed() -> None:
    seals = [made(n, n, 10 + n, 5) for n in range(30)]  # one a minute; the second never grows
    left_out = Waiting(EVENTS, 1, 5, at(10))
    with pytest.raises(BadInput, match=r"record runut.events/1:5 of .*: expected in seal 19 of"):
        demand_none_passed_by([left_out], seals)


@pytest.mark.parametrize(
    "waiting",
    [
        Waiting(EVENTS, 0, 39, at(10)),  # grows all the time: much is to be caught up
        Waiting(EVENTS, 1, 5, at(29)),  # came after the newest seal
        Waiting(EVENTS, 1, 5, at(24)),  # the same, by a broker's clock that is behind
        Waiting(EVENTS, 1, 5, at(18)),  # not so long ago that a seal was promised
    ],
)
def test_what_an_honest_sealer_may_not_have_come_to_is_awaited(waiting: Waiting) -> None:
    demand_none_passed_by([waiting], [made(n, n, 10 + n, 5) for n in range(30)])


def test_after_an_outage_the_first_seals_need_not_have_everything() -> None:
    seals = [made(0, 0, 0, 0), made(1, 300, 20_000, 0), made(2, 301, 220_000, 0)]
    demand_none_passed_by([Waiting(EVENTS, 1, 0, at(60))], seals)
    demand_none_passed_by([Waiting(EVENTS, 1, 0, at(60))], seals[1:])
    late = [*seals, made(3, 312, 420_000, 0)]
    with pytest.raises(BadInput, match="expected in seal 2 of"):
        demand_none_passed_by([Waiting(EVENTS, 1, 0, at(60))], late)


def test_records_are_overdue_when_the_promise_is_over_by_more_than_clocks_differ() -> None:
    one = Waiting(EVENTS, 1, 5, at(0))
    assert not overdue([one], at(15))
    assert overdue([one], at(16)) == [one]
