"""Rebuild beside and swap, on real Kafka and PostgreSQL: nobody notices, and nothing is other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from consumers.projector import Projector
from consumers.rebuilding import share
from consumers.rebuilding.one_subject import rebuild_subject
from consumers.rebuilding.rebuild import Rebuilt, Wanted, alone, clean, rebuild
from projections import install as installing
from projections import rebuilding
from projections.reading import snapshot
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters import kafka
from runut.adapters.postgres import Connection, connected
from runut.errors import FencedOut, PlatformError
from runut.json_form import from_json
from runut.settings import Settings
from tests.acceptance.many_cases import case_lines
from tests.fold_check import check_against_fold
from tests.integration.logs import read_log

DEADLINE_S = 120.0
ONE = Wanted(processes=1)
LINES = case_lines(copies=1)
"""2,000 events of 50 cases; what was corrected is among them."""


async def emit(settings: Settings, lines: Sequence[bytes]) -> dict[int, int]:
    """Send events, and what is none; gives the highest offset written in each partition."""
    ends: dict[int, int] = {}
    async with Producer(settings, require_keys=False) as producer:
        receipts = [await producer.send(from_json(line)) for line in lines]
        for receipt in receipts:
            stored = await receipt
            ends[stored.partition] = max(stored.offset, ends.get(stored.partition, -1))
    plain = kafka.producer(settings)
    async with kafka.connected(settings, plain):
        await plain.send_and_wait(settings.events_topic, b"no event", key=b"case/X", partition=1)
    return {**ends, 1: ends[1] + 1}


@asynccontextmanager
async def projecting(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A projector in this process, stopped at the end of the block."""
    task = asyncio.create_task(Projector(settings).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def do(settings: Settings, wanted: Wanted = ONE) -> Rebuilt:
    return await rebuild(settings, wanted, lambda _phase, _done, _total: None)


async def project(settings: Settings, connection: Connection, lines: Sequence[bytes]) -> None:
    ends = await emit(settings, lines)
    assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)


async def schemas(connection: Connection, settings: Settings) -> set[str]:
    """Endings of the names of this ledger's schemas of read models."""
    like = f"{settings.model_schema}%"
    cursor = await connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [like]
    )
    return {row[0].removeprefix(settings.model_schema) for row in await cursor.fetchall()}


async def definitions(connection: Connection) -> list[tuple[Any, ...]]:
    """Everything that the schema of the read models holds, as it is defined."""
    cursor = await connection.execute(
        "SELECT relname, relkind::text, pg_get_indexdef(oid), NULL FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i')"
        " UNION ALL SELECT conname, contype::text, pg_get_constraintdef(oid), NULL"
        " FROM pg_constraint WHERE connamespace = current_schema()::regnamespace"
        " UNION ALL SELECT stxname, 's', pg_get_statisticsobjdef(oid), NULL"
        " FROM pg_statistic_ext WHERE stxnamespace = current_schema()::regnamespace"
        " ORDER BY 1, 2"
    )
    return await cursor.fetchall()


class Reader:
    """Reads on and on, over connections of its own, and remembers how far the read models were."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[int, int] = {}
        self.reads = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._read())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _read(self) -> None:
        view = sql.SQL("SELECT count(*) FROM {}").format(
            sql.Identifier(self._settings.views_schema, "case_history")
        )
        async with connected(self._settings, name="reader", autocommit=True) as connection:
            before = 0
            while True:
                async with snapshot(connection):
                    self._look(
                        await _rows(connection, "SELECT partition, next_offset FROM position")
                    )
                    [(there,)] = await _rows(connection, "SELECT count(*) FROM history")
                    [(lines,)] = await _rows(connection, "SELECT sum(events) FROM subject")
                    assert there == (lines or 0)
                [(told,)] = await _rows(connection, view)
                assert told >= before
                before = told
                self.reads += 1

    def _look(self, rows: Sequence[tuple[Any, ...]]) -> None:
        positions: dict[int, int] = dict(rows)
        older = {one: at for one, at in self._seen.items() if positions.get(one, -1) < at}
        assert not older, f"expected no older positions than {older}, found {positions}"
        self._seen = positions


async def _rows(connection: Connection, query: Any) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query)
    return await cursor.fetchall()


async def test_readers_and_the_worker_go_on_while_read_models_are_rebuilt_and_swapped(
    ledger: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await definitions(connection)
    half, readers = len(LINES) // 2, [Reader(ledger) for _ in range(2)]
    async with projecting(ledger) as projector:
        await project(ledger, connection, LINES[:half])
        async with readers[0].reading(), readers[1].reading():
            emitting = asyncio.create_task(emit(ledger, LINES[half:]))
            found = await do(ledger)
            ends = await emitting
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
            await project(ledger, connection, LINES[:200])
        assert not projector.done()
    assert (found.swapped, found.compared, found.differences) == (True, True, [])
    assert min(reader.reads for reader in readers) > 1
    assert await schemas(connection, ledger) == {"", "_old"}
    assert await definitions(connection) == made
    await check_against_fold(connection, await read_log(ledger))
