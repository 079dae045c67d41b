"""How much may be under way at once."""

from __future__ import annotations

import asyncio

from runut.lanes import Room


async def enters_at_once(room: Room, size: int) -> bool:
    entering = asyncio.ensure_future(room.enter(size))
    await asyncio.sleep(0)
    if not entering.done():
        entering.cancel()
    return entering.done() and not entering.cancelled()


async def test_no_more_events_than_allowed_are_under_way() -> None:
    room = Room(max_events=2, max_bytes=1000)
    assert await enters_at_once(room, 1)
    assert await enters_at_once(room, 1)
    assert not await enters_at_once(room, 1)
    room.leave(1, 1)
    assert await enters_at_once(room, 1)


async def test_no_more_bytes_than_allowed_are_under_way() -> None:
    room = Room(max_events=100, max_bytes=10)
    assert await enters_at_once(room, 6)
    assert not await enters_at_once(room, 5)
    assert await enters_at_once(room, 4)


async def test_an_event_larger_than_all_room_goes_alone() -> None:
    room = Room(max_events=100, max_bytes=10)
    assert await enters_at_once(room, 50)
    assert not await enters_at_once(room, 1)
    room.leave(1, 50)
    assert await enters_at_once(room, 50)


async def test_who_waits_enters_when_there_is_room() -> None:
    room = Room(max_events=1, max_bytes=10)
    await room.enter(1)
    waiting = [asyncio.ensure_future(room.enter(1)) for _ in range(3)]
    for _ in waiting:
        await asyncio.sleep(0)
        room.leave(1, 1)
        await asyncio.wait(
            [one for one in waiting if not one.done()], return_when=asyncio.FIRST_COMPLETED
        )
    assert [one.done() for one in waiting] == [True] * 3
