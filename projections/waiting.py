"""Wait until what was published is projected, or until a projector is there to do it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import psycopg

from projections.queries import queries
from runut.adapters.postgres import Connection

POLL_S: Final = 0.03
PROJECTOR: Final = "runut projector"
"""Name of a projector's connection."""

_SQL: Final = queries("reading_positions")


async def wait_until_projected(
    connection: Connection,
    offsets: Mapping[int, int],
    *,
    deadline_s: float,
    progress: Callable[[int], None] = lambda _left: None,
) -> bool:
    """Wait until every partition is projected past the offset given for it.

    `progress` is told how many records are still to come. The deadline starts anew whenever
    something moved: long work may take long, standing still may not. False when it passed.
    """
    loop = asyncio.get_running_loop()
    moved_at, before = loop.time(), -1
    while True:
        cursor = await connection.execute(_SQL["positions"])
        projected: dict[int, int] = dict(await cursor.fetchall())
        left = sum(max(0, offset + 1 - projected.get(p, 0)) for p, offset in offsets.items())
        progress(left)
        if left == 0:
            return True
        if left != before:
            moved_at, before = loop.time(), left
        elif loop.time() - moved_at > deadline_s:
            return False
        await asyncio.sleep(POLL_S)


async def is_claimed(connection: Connection, partitions: int) -> bool:
    """Whether a projector is connected and every partition has been claimed."""
    try:
        cursor = await connection.execute(_SQL["claimed"], {"projector": PROJECTOR})
        row = await cursor.fetchone()
    except psycopg.errors.UndefinedTable:  # the projector makes the tables
        return False
    return row is not None and row[0] >= partitions
