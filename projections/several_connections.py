"""Have several connections share a piece of work: PostgreSQL serves each on a core of its own.

Owns how they are opened, how they come to see one moment, and who does what; what is done is the
caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from psycopg import sql

from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.settings import Settings

T = TypeVar("T")
Part = Callable[[Connection], Awaitable[T]]


@asynccontextmanager
async def several(settings: Settings, count: int, name: str) -> AsyncIterator[list[Connection]]:
    """So many connections, each statement a transaction of its own."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                postgres.connected(settings, name=name, autocommit=True)
            )
            for _ in range(count)
        ]


@asynccontextmanager
async def at_one_moment(connections: Sequence[Connection]) -> AsyncIterator[None]:
    """All of them see the database as it is now, and change nothing, until the block ends."""
    first, *others = connections
    async with AsyncExitStack() as stack:
        for connection in connections:
            await stack.enter_async_context(connection.transaction())
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor = await first.execute("SELECT pg_export_snapshot()")
        moment = sql.Literal((await cursor.fetchall())[0][0])
        for connection in others:
            await connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(moment))
        yield


async def shared_out(connections: Sequence[Connection], parts: Sequence[Part[T]]) -> list[T]:
    """What each part gives, in their order; whoever has done one begins the next."""
    numbered = iter(enumerate(parts))
    found: dict[int, T] = {}

    async def work(connection: Connection) -> None:
        for number, part in numbered:
            found[number] = await part(connection)

    await asyncio.gather(*map(work, connections))
    return [found[number] for number in range(len(parts))]
