"""Lead: of all workers that share a database, one at a time.

Owns a session lock of PostgreSQL on a connection that does nothing else but the leader's work.
Whoever's connection breaks leads no more, and finds out with the next thing it asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.settings import Settings

Prepare = Callable[[Connection, Settings], Awaitable[None]]

POLL_S: Final = 1.0


@asynccontextmanager
async def leading(
    settings: Settings, task: str, prepare: Prepare = install
) -> AsyncIterator[Connection]:
    """Wait until nobody else leads a task, and lead it for as long as the block runs.

    `prepare` makes the tables that the task needs.

    Gives the connection that holds the lock: an answer on it proves that we lead.

    Raises:
        Unreachable: PostgreSQL does not answer.
        psycopg.OperationalError: it went away.
    """
    async with connected(settings, name=f"runut {task}", autocommit=True) as connection:
        await prepare(connection, settings)
        # To wait inside PostgreSQL would keep a snapshot open, and vacuum from its work.
        while not await _is_free(connection, _lock_key(settings, task)):
            await asyncio.sleep(POLL_S)
        yield connection


async def _is_free(connection: Connection, key: int) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (key,))
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


def _lock_key(settings: Settings, task: str) -> int:
    """Who shares the operations shares the lock."""
    name = f"{settings.operations_schema} {task}".encode()
    return int.from_bytes(sha256(name).digest()[:8], signed=True)
