"""Have read models that were made beside take the place and the name of the live ones.

Owns the one transaction in which that happens, and that nobody notices: who reads sees the same
offsets before and after, who writes waits and goes on (docs/decisions/0231). Whatever takes too
long leaves everything as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from psycopg import sql

from projections.comparing_models import Models, positions_in
from projections.install import INSTALL_LOCK, install_views
from projections.queries import queries
from projections.rebuilding import before, forget_plan, remove, somebody_elses
from runut.adapters.postgres import Connection
from runut.errors import Busy
from runut.settings import Settings

WRITERS_S: Final = 5.0
"""How long the end of what is being written may take."""
SNAPSHOTS_S: Final = 3.0
"""How long writers wait for the end of what others read."""
VIEWS_S: Final = 0.5
"""How long readers of the stable views wait: shorter than PostgreSQL looks for a deadlock."""
POLL_S: Final = 0.01
TRY_AGAIN_S: Final = 1.0

_SQL: Final = queries("swapping")


class Swap:
    """A swap under way: writers wait, readers read on."""

    def __init__(self, connection: Connection, settings: Settings, made: str) -> None:
        self._connection = connection
        self._settings = settings
        self._models = Models(settings.model_schema, made)

    async def lock_writers(self) -> dict[int, int]:
        """From now on the live read models stay at these offsets, until the transaction ends."""
        await self._limit_waiting(WRITERS_S)
        await self._connection.execute(self._query("lock_writers"))
        return await positions_in(self._connection, self._models.live)

    async def wait_for_snapshots(self, watching: Connection) -> None:
        """Wait for the end of whoever may still see the new tables as they were before.

        Raises:
            Busy: somebody reads for longer than writers are to wait.
        """
        cursor = await self._connection.execute(_SQL["snapshots"])
        seen = [row[0] for row in await cursor.fetchall()]
        asked = {"snapshots": seen, "swapping": self._connection.info.backend_pid}
        deadline = asyncio.get_running_loop().time() + SNAPSHOTS_S
        while True:
            cursor = await watching.execute(_SQL["snapshots_left"], asked)
            left = await cursor.fetchall()
            if not left:
                return
            if asyncio.get_running_loop().time() > deadline:
                names = ", ".join(f"{name or 'a session'} (pid {pid})" for pid, name in left)
                raise Busy(f"the swap: a transaction does not end: {names}", TRY_AGAIN_S)
            await asyncio.sleep(POLL_S)

    async def rename(self, *, has_live: bool, are_same: bool) -> None:
        """Change the names, and have the stable views follow."""
        live, made, old = self._models.live, self._models.made, before(self._settings)
        await self._limit_waiting(VIEWS_S)
        await forget_plan(self._connection, made)
        if has_live:
            await self._connection.execute(self._query("take_epochs_over"), {"are_same": are_same})
            await remove(self._connection, old)
            await self._execute("ALTER SCHEMA {} RENAME TO {}", live, old)
        await self._execute("ALTER SCHEMA {} RENAME TO {}", made, live)
        await install_views(self._connection, self._settings)

    async def _limit_waiting(self, seconds: float) -> None:
        await self._connection.execute(
            "SELECT set_config('lock_timeout', %s, true)", (f"{seconds * 1000:.0f}ms",)
        )

    async def _execute(self, statement: str, *names: str) -> None:
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        await self._connection.execute(composed)

    def _query(self, name: str) -> sql.Composed:
        schemas = {"live": self._models.live, "made": self._models.made}
        named = {which: sql.Identifier(schema) for which, schema in schemas.items()}
        return sql.SQL(_SQL[name]).format(**named)


@asynccontextmanager
async def swapping(connection: Connection, settings: Settings, made: str) -> AsyncIterator[Swap]:
    """A swap that takes place at the end of the block, or not at all.

    Raises:
        Busy: something took too long; everything is as it was.
        LedgerMismatch: the schema of the live ones is somebody else's.
    """
    try:
        async with connection.transaction():
            # Whoever would make the tables meanwhile waits, and finds the new ones.
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (INSTALL_LOCK,))
            yield Swap(connection, settings, made)
    except psycopg.errors.DuplicateSchema:
        raise somebody_elses(f"{settings.model_schema} or {before(settings)}") from None
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise Busy(f"the swap: {str(error).strip()}", TRY_AGAIN_S) from None
