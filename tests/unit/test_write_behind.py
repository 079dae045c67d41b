"""While one write goes on the next is made ready, and none is lost sight of."""

from __future__ import annotations

import asyncio

import pytest

from consumers.rebuilding.write_behind import WriteBehind


class Failed(Exception):
    """What a write or a block fails with."""


def test_writes_end_in_their_order_and_before_the_block_does() -> None:
    done: list[str] = []

    async def scenario() -> None:
        may_end = asyncio.Event()

        async def first() -> None:
            await may_end.wait()
            done.append("first")

        async def second() -> None:
            done.append("second")

        async with WriteBehind() as behind:
            await behind.begin(first())
            done.append("made ready")
            may_end.set()
            await behind.begin(second())
        done.append("after")

    asyncio.run(scenario())
    assert done == ["made ready", "first", "second", "after"]


def test_a_write_that_failed_is_told_by_the_next_one() -> None:
    begun: list[str] = []

    async def failing() -> None:
        raise Failed

    async def never() -> None:
        begun.append("next")

    async def scenario() -> None:
        async with WriteBehind() as behind:
            await behind.begin(failing())
            await behind.begin(never())

    with pytest.raises(Failed):
        asyncio.run(scenario())
    assert begun == []


def test_the_last_write_that_failed_is_told_at_the_end_of_the_block() -> None:
    async def failing() -> None:
        raise Failed

    async def scenario() -> None:
        async with WriteBehind() as behind:
            await behind.begin(failing())

    with pytest.raises(Failed):
        asyncio.run(scenario())


@pytest.mark.parametrize("outcome", [None, LookupError()])
def test_a_block_that_fails_tells_so_when_its_write_has_ended(outcome: Exception | None) -> None:
    ended: list[str] = []

    async def slow() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        ended.append("write")
        if outcome is not None:
            raise outcome

    async def scenario() -> None:
        async with WriteBehind() as behind:
            await behind.begin(slow())
            raise Failed

    with pytest.raises(Failed):
        asyncio.run(scenario())
    assert ended == ["write"]
