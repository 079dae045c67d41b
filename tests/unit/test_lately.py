"""Figures are made once for all who ask, given while they are usable, and made anew behind them."""

from __future__ import annotations

import asyncio

import pytest

from dashboard import lately as module
from dashboard.lately import KEPT, Lately
from runut.errors import Busy


class Figures:
    """Made as often as it is asked for; each time another number."""

    def __init__(self) -> None:
        self.made = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self) -> int:
        self.made += 1
        await self.may_go_on.wait()
        return self.made


async def test_who_asks_meanwhile_or_soon_after_gets_the_same() -> None:
    lately, figures = Lately(), Figures()
    figures.may_go_on.clear()
    asking = [asyncio.create_task(lately.get("ties", figures)) for _ in range(5)]
    while not figures.made:
        await asyncio.sleep(0)
    figures.may_go_on.set()
    assert await asyncio.gather(*asking) == [1] * 5
    assert await lately.get("ties", figures) == 1
    assert await lately.get("months", figures) == 2


async def test_who_gives_up_does_not_spoil_it_for_others() -> None:
    lately, figures = Lately(), Figures()
    figures.may_go_on.clear()
    first = asyncio.create_task(lately.get("ties", figures))
    while not figures.made:
        await asyncio.sleep(0)
    second = asyncio.create_task(lately.get("ties", figures))
    first.cancel()
    figures.may_go_on.set()
    assert await second == 1


async def test_what_is_stale_is_given_and_made_anew_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lately, figures = Lately(), Figures()
    assert await lately.get("ties", figures) == 1
    monkeypatch.setattr(module, "FRESH_S", -1)
    assert await lately.get("ties", figures) == 1
    while figures.made < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    monkeypatch.setattr(module, "FRESH_S", 60)
    assert await lately.get("ties", figures) == 2


async def test_what_is_too_old_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lately, figures = Lately(), Figures()
    assert await lately.get("ties", figures) == 1
    monkeypatch.setattr(module, "USABLE_S", -1)
    assert await lately.get("ties", figures) == 2


async def test_what_fails_is_told_to_who_waits_and_tried_again() -> None:
    async def fails() -> int:
        raise Busy("a connection", 1)

    lately = Lately()
    with pytest.raises(Busy):
        await lately.get("ties", fails)
    assert await lately.get("ties", Figures()) == 1


async def test_only_what_was_asked_last_is_kept() -> None:
    lately, figures = Lately(), Figures()
    for question in range(KEPT + 1):
        await lately.get(question, figures)
    assert await lately.get(KEPT, figures) == KEPT + 1
    assert await lately.get(0, figures) == KEPT + 2


async def test_what_nobody_waits_for_is_made_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lately, ties, months = Lately(), Figures(), Figures()
    assert (await lately.get("ties", ties), await lately.get("months", months)) == (1, 1)
    monkeypatch.setattr(module, "FRESH_S", -1)
    ties.may_go_on.clear()
    assert (await lately.get("ties", ties), await lately.get("months", months)) == (1, 1)
    assert await lately.get("kinds", Figures()) == 1
    while ties.made < 2:
        await asyncio.sleep(0)
    assert months.made == 1
    ties.may_go_on.set()
    while months.made < 2:
        await asyncio.sleep(0)
