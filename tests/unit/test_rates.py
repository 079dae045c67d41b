"""Shares of agencies: how many events each may send, and when more."""

from __future__ import annotations

import pytest

from runut.errors import TooManyRequests
from runut.rates import Rates


def test_a_share_is_there_at_once_and_then_comes_back_second_by_second() -> None:
    rates = Rates(per_s=10, at_once=10)
    rates.spend("kemlu", 10, now=0)
    with pytest.raises(TooManyRequests) as refused:
        rates.spend("kemlu", 5, now=0.2)
    assert refused.value.retry_after_s == pytest.approx(0.3)
    rates.spend("kemlu", 5, now=0.5)


def test_what_is_refused_takes_nothing() -> None:
    rates = Rates(per_s=1, at_once=10)
    rates.spend("kemlu", 9, now=0)
    for _ in range(100):
        with pytest.raises(TooManyRequests):
            rates.spend("kemlu", 2, now=0)
    rates.spend("kemlu", 1, now=0)


def test_a_share_never_grows_beyond_what_is_there_at_once() -> None:
    rates = Rates(per_s=10, at_once=10)
    rates.spend("kemlu", 1, now=0)
    rates.spend("kemlu", 10, now=1_000_000)
    with pytest.raises(TooManyRequests):
        rates.spend("kemlu", 1, now=1_000_000)


def test_the_share_of_one_is_not_that_of_another() -> None:
    rates = Rates(per_s=10, at_once=10)
    rates.spend("kemlu", 10, now=0)
    rates.spend("kbri-kl", 10, now=0)


def test_more_than_a_share_at_once_goes_through_a_whole_one_and_is_paid_afterwards() -> None:
    rates = Rates(per_s=10, at_once=10)
    rates.spend("kemlu", 30, now=0)
    with pytest.raises(TooManyRequests) as refused:
        rates.spend("kemlu", 1, now=0)
    assert refused.value.retry_after_s == pytest.approx(2.1)


def test_what_is_borrowed_is_waited_for() -> None:
    rates = Rates(per_s=10, at_once=10)
    assert rates.borrow("kemlu", 10, now=0) == 0
    assert rates.borrow("kemlu", 5, now=0) == pytest.approx(0.5)
    assert rates.borrow("kemlu", 5, now=0.5) == pytest.approx(0.5)
    assert rates.borrow("kemlu", 5, now=5) == 0
