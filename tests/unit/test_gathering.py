"""What waits for a signature waits on only while more comes, and not for long."""

from __future__ import annotations

import asyncio

from runut.gathering import LINGERS, Gathering

HOUR_S = 3600.0


class Stage:
    """What waits, and how many were signed together."""

    def __init__(self, linger_s: float) -> None:
        self.waiting: list[int] = []
        self.signed: list[int] = []
        self.gathering = Gathering(self.waiting, linger_s, self.sign)

    def sign(self) -> None:
        self.gathering.done()
        self.signed.append(len(self.waiting))
        self.waiting.clear()

    def send(self, *, is_alone: bool = False) -> None:
        self.waiting.append(1)
        if self.gathering.due is None:
            self.gathering.begin(is_alone=is_alone)


async def test_who_is_alone_waits_for_the_others_of_this_moment() -> None:
    stage = Stage(HOUR_S)
    for _ in range(3):
        stage.send(is_alone=True)
    await asyncio.sleep(0)
    assert stage.signed == [3]


async def test_when_no_more_comes_it_is_signed() -> None:
    stage = Stage(0)
    stage.send()
    while not stage.signed:
        await asyncio.sleep(0)
    assert stage.signed == [1]


async def test_while_more_comes_it_waits_a_few_times_as_long() -> None:
    stage = Stage(0)
    while not stage.signed:
        stage.send()
        await asyncio.sleep(0)  # a linger of no time ends at every turn of the loop
    assert LINGERS <= stage.signed[0] <= LINGERS + 1


async def test_what_was_signed_meanwhile_is_not_called_for() -> None:
    stage = Stage(0)
    stage.send()
    stage.sign()
    for _ in range(3):
        await asyncio.sleep(0)
    assert stage.signed == [1]
    assert stage.gathering.due is None
