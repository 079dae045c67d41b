"""The read side of the web process: what it needs from other rooms, and connections that only read.

A question that takes too long is given up: nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final, Self

from fastapi import FastAPI

from cli.web_present import PresentStates
from dashboard.api import add_reads
from dashboard.checkpoint import KnownCheckpoint
from dashboard.feed import Feed
from dashboard.reads import Export, Reads
from projections import read_record
from projections.read_record import GuardedRead
from runut.adapters.postgres import Lend, Pool, connected
from runut.settings import Settings

CONNECTIONS: Final = 12
"""To PostgreSQL, at most, beside those of present states, of past moments, and of the feed."""
READY: Final = 4
"""Of them from the start: the first minute's pages need not wait until each is made."""
SESSION: Final = {
    "default_transaction_read_only": "on",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",  # a download that nobody takes
    "plan_cache_mode": "force_custom_plan",  # filters that are not asked for cost nothing
    "max_parallel_workers_per_gather": "0",  # to start another process takes longer than it gains
    "random_page_cost": "1.1",  # what is read is in memory, or on a disk without a head to move
}


class ReadSide:
    """Answers questions as long as it is entered."""

    def __init__(
        self,
        settings: Settings,
        writable: Lend,
        stopping: asyncio.Event,
        now: Callable[[], datetime],
        export: Export,
    ) -> None:
        """Take what it needs.

        Args:
            settings: where the read models are.
            writable: lends connections that may write down who read what is guarded.
            stopping: set when the process is told to stop.
            now: the clock.
            export: makes bundles.
        """
        self._writable = writable
        self._present = PresentStates(settings)
        self._pool = Pool(
            settings, name="runut web reading", size=CONNECTIONS, ready=READY, session=SESSION
        )
        self.feed = Feed(
            lambda: connected(settings, name="runut web feed", autocommit=True), stopping
        )
        self.reads = Reads(
            self._pool.lent,
            lambda: connected(settings, name="runut web past", autocommit=True, session=SESSION),
            settings.views_schema,
            now=now,
            present=self._present,
            record_reads=self._record,
            export=export,
            latest_checkpoint=KnownCheckpoint(self._pool.lent),
        )

    def add_to(self, app: FastAPI, prefix: str) -> None:
        """Have an application answer questions, below a path."""
        add_reads(app, self.reads, self.feed, prefix)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._pool)
            await stack.enter_async_context(self._present)
            stack.push_async_callback(self.reads.pasts.close)
            await stack.enter_async_context(self.feed)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._opened.aclose()

    async def _record(self, reads: Sequence[GuardedRead]) -> None:
        async with self._writable() as connection:
            await read_record.record(connection, reads)
