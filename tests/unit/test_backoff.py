"""Pauses between attempts grow, have a limit, and are drawn at random."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runut.backoff import full_jitter


def longest(failures: int) -> float:
    return full_jitter(failures, first_s=0.1, most_s=5.0, draw=lambda: 1.0)


def test_the_limit_doubles_until_it_is_the_longest_pause() -> None:
    limits = [longest(failures) for failures in range(1, 9)]
    assert limits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_day_of_failures_is_no_reason_to_wait_longer() -> None:
    assert longest(1_000_000) == 5.0


@given(failures=st.integers(1, 10_000), part=st.floats(0, 1, exclude_max=True))
def test_a_pause_is_the_part_of_the_limit_that_was_drawn(failures: int, part: float) -> None:
    pause = full_jitter(failures, first_s=0.1, most_s=5.0, draw=lambda: part)
    assert pause == part * longest(failures)
    assert 0 <= pause <= 5.0


def test_those_who_failed_together_do_not_come_back_together() -> None:
    assert len({full_jitter(5, first_s=0.1, most_s=5.0) for _ in range(100)}) > 90
