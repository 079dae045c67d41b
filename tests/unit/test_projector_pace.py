"""When the projector begins its next batch."""

from __future__ import annotations

import pytest

from consumers.projector import GATHER_S, MANY, MAX_RECORDS, pause_s


@pytest.mark.parametrize("records", [0, 1, MANY - 1])
def test_after_few_records_the_next_batch_begins_at_once(records: int) -> None:
    assert pause_s(records, 0.0) == 0


def test_after_many_records_the_next_batch_begins_when_others_had_time_to_gather() -> None:
    assert pause_s(MANY, 0.0) == GATHER_S
    assert pause_s(MANY, 0.75 * GATHER_S) == pytest.approx(0.25 * GATHER_S)


@pytest.mark.parametrize("took_s", [GATHER_S, 2 * GATHER_S, 1.0])
def test_a_projector_that_is_behind_does_not_pause(took_s: float) -> None:
    assert pause_s(MAX_RECORDS, took_s) == 0
