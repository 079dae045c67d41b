"""What a test sees of a ledger's read models, also while PostgreSQL comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from projections.install import install
from runut.adapters.postgres import Connection, connect, connected
from runut.errors import Unreachable
from runut.event import Event
from runut.json_form import from_json
from runut.settings import Settings
from tests.acceptance.processes import DEADLINE_S, POLL_S
from tests.fold_check import check_against_fold
from tests.integration.logs import Log, read_log


@asynccontextmanager
async def read_models(settings: Settings) -> AsyncIterator[ReadModels]:
    """The read models of these settings, empty at first."""
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
    models = ReadModels(settings)
    try:
        yield models
    finally:
        await models.close()


class ReadModels:
    """Questions to PostgreSQL; nothing is known while it does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    async def ask(self, query: str) -> list[tuple[Any, ...]] | None:
        """The rows of a query; None while PostgreSQL does not answer."""
        try:
            if self._connection is None:
                self._connection = await connect(self._settings, name="tests", autocommit=True)
            cursor = await self._connection.execute(query)
            return await cursor.fetchall() if cursor.description else []
        except (Unreachable, psycopg.OperationalError):
            await self.close()
            return None

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def projected(self) -> int:
        """How many records are behind the positions, as soon as PostgreSQL answers."""
        query = "SELECT coalesce(sum(next_offset), 0) FROM position"
        async with asyncio.timeout(DEADLINE_S):
            while (rows := await self.ask(query)) is None:
                await asyncio.sleep(POLL_S)
        return int(rows[0][0])

    async def is_claimed(self, times: int) -> bool:
        """Whether workers claimed each partition so often."""
        rows = await self.ask("SELECT coalesce(min(epoch), 0) FROM position")
        return rows is not None and bool(rows[0][0] >= times)

    async def has_moved(self, before: int) -> bool:
        """Whether more is projected than before."""
        return await self.projected() > before

    async def is_past(self, ends: Mapping[str, int]) -> bool:
        """Whether all is projected that an import wrote, by its `ends`."""
        rows = await self.ask("SELECT partition, next_offset FROM position")
        positions = dict(rows or [])
        return all(positions.get(int(at), 0) > offset for at, offset in ends.items())

    async def check(self, lines: Sequence[bytes]) -> Log:
        """The log holds every event of these lines and no other, the read models its fold."""
        log = await read_log(self._settings)
        assert {identity(one.event) for one in log.events} == {
            identity(from_json(line)) for line in lines
        }
        async with connected(self._settings, name="tests", autocommit=True) as connection:
            await check_against_fold(connection, log)
        return log


def identity(event: Event) -> tuple[str, str, str]:
    """By what an event is told from others."""
    return event.subject, event.agency, event.event_id
