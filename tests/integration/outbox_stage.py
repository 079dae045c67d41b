"""A ledger whose directory is projected, its outbox, and those who empty it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from psycopg import sql

from consumers import leadership
from consumers import notices as service
from consumers.notices import Notices, Offer
from consumers.projector import Projector
from projections import notice_outbox as outbox
from projections.notice_endpoints import set_endpoint
from projections.notice_outbox import EndpointKind
from projections.notices import Notice, NoticeKind, enqueue
from runut.adapters.postgres import Connection
from runut.settings import Settings

DEADLINE_S = 60.0
PROMPTLY = [timedelta(0)] * 2
"""Pauses that need no waiting: three attempts in all."""
NEVER = [timedelta(days=1)]
DUE_AT = datetime(2026, 1, 5, 16, 59, 59, tzinfo=UTC)


class Stage:
    """The outbox of a ledger whose directory is projected."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.settings = settings
        self.connection = connection

    async def tell(self, agency: str, kind: NoticeKind = "LETTER", about: str = "L1") -> str:
        """Put a notice into the outbox; gives its id."""
        notice = Notice(
            str(uuid4()), agency, kind, "case/X", about, due_at=DUE_AT, made_at=datetime.now(UTC)
        )
        await enqueue(self.connection, [notice])
        return notice.notice_id

    async def send_to(self, agency: str, kind: EndpointKind, address: str) -> None:
        await set_endpoint(self.connection, agency, kind, address, datetime.now(UTC))

    async def listed(self) -> list[dict[str, Any]]:
        return await outbox.listed(self.connection, datetime.now(UTC))

    async def the_notice(self) -> dict[str, Any]:
        [found] = await self.listed()
        return found

    async def until_all_are(self, state: str) -> None:
        async def so() -> bool:
            return {one["state"] for one in await self.listed()} == {state}

        await until(so)

    async def until_tried(self, times: int) -> None:
        async def so() -> bool:
            return all(one["attempts"] >= times for one in await self.listed())

        await until(so)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def until_true(condition: Callable[[], object]) -> None:
    async def so() -> bool:
        return bool(condition())

    await until(so)


async def is_size(connection: Connection, table: str, size: int) -> bool:
    """Whether a table has so many rows."""
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    cursor = await connection.execute(query)
    return await cursor.fetchone() == (size,)


@asynccontextmanager
async def projecting(settings: Settings) -> AsyncIterator[None]:
    projector = asyncio.create_task(Projector(settings).run())
    try:
        yield
    finally:
        projector.cancel()
        await asyncio.wait([projector])


@asynccontextmanager
async def delivering(
    settings: Settings, pauses: Sequence[timedelta] = NEVER
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """The service and its agent's loop in this process, stopped at the end of the block."""
    offers: asyncio.Queue[Offer] = asyncio.Queue()
    notices = Notices(settings, offers.put, pauses)

    async def stream() -> AsyncIterator[Offer]:
        while True:
            yield await offers.get()

    # A new leader takes over soon, and looks often.
    with patch.object(service, "TICK_S", 0.05), patch.object(leadership, "POLL_S", 0.05):
        async with _running(notices.run(), notices.deliver(stream())) as tasks:
            yield tasks


@asynccontextmanager
async def _running(*services: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(one) for one in services]
    try:
        yield tasks
        ended = [task for task in tasks if task.done() and not task.cancelled()]
        assert [task.exception() for task in ended] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
