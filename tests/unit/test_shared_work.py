"""Work that is cut into parts: all of it is there, and comes back in its order."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from projections.comparing_models import MAX_PARTITION, MIN_PARTITION, Stretch, stretches
from projections.several_connections import shared_out


def test_stretches_of_partitions_leave_no_number_out_and_hold_none_twice() -> None:
    assert stretches([]) == [Stretch(MIN_PARTITION, MAX_PARTITION)]
    assert stretches([3]) == [Stretch(MIN_PARTITION, MAX_PARTITION)]
    found = stretches([7, 0, 2])
    assert found == [Stretch(MIN_PARTITION, 1), Stretch(2, 6), Stretch(7, MAX_PARTITION)]


async def test_whoever_is_done_takes_the_next_part_and_results_keep_their_order() -> None:
    slow = asyncio.Event()
    done: list[tuple[Any, int]] = []

    async def part(number: int, connection: Any) -> int:
        if number == 0:
            await slow.wait()
        done.append((connection, number))
        if number == 3:
            slow.set()
        return number * number

    connections: Any = ["first", "second"]
    found = await shared_out(connections, [partial(part, number) for number in range(4)])
    assert found == [0, 1, 4, 9]
    assert done == [("second", 1), ("second", 2), ("second", 3), ("first", 0)]
