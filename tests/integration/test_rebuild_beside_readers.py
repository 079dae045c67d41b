"""Rebuild and swap while people read over HTTP: they see no error, and nothing older again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import cycle

import httpx

from consumers.rebuilding.rebuild import Wanted, rebuild
from projections.folds.fold import CORRECTION
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters.postgres import Connection
from runut.json_form import from_json
from runut.settings import Settings
from tests.acceptance.many_cases import case_lines
from tests.integration.outbox_stage import projecting
from tests.read_stage import read_side, served

DEADLINE_S = 120.0
READERS = 8
PAUSE_S = READERS / 200
"""Between two questions of one reader: all of them ask up to 200 times a second."""
LINES = [line for line in case_lines(copies=1) if from_json(line).type != CORRECTION]
"""2,000 events of 50 cases, but for corrections: one may take away what created a case."""
STATES = "SELECT subject FROM subject WHERE state IS NOT NULL ORDER BY subject"


class Readers:
    """Ask for states and histories, and hold every answer against all that came before it."""

    def __init__(self, address: str, subjects: Sequence[str]) -> None:
        self.answers = 0
        self._address = address
        self._next = cycle(
            [f"/subjects/{one}{more}" for one in subjects for more in ("", "/history?limit=1000")]
        )
        self._seen: dict[int, int] = {}
        self._lengths: dict[str, int] = {}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """All of them, until the block ends; what one finds wrong ends it."""
        async with (
            httpx.AsyncClient(
                base_url=self._address,
                headers={"Authorization": "Bearer auditor"},
                trust_env=False,
                timeout=DEADLINE_S,
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            asking = [tasks.create_task(self._ask_on(client)) for _ in range(READERS)]
            try:
                yield
            finally:
                for one in asking:
                    one.cancel()

    async def some_more(self) -> None:
        """Wait until each has been told something that it asked for after this call."""
        enough = self.answers + 2 * READERS
        async with asyncio.timeout(DEADLINE_S):
            while self.answers < enough:
                await asyncio.sleep(0.01)

    async def _ask_on(self, client: httpx.AsyncClient) -> None:
        while True:
            await self._ask(client, next(self._next))
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, client: httpx.AsyncClient, path: str) -> None:
        seen, length = dict(self._seen), self._lengths.get(path, 0)
        answer = await client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        found = _positions(answer.headers["Runut-Positions"])
        older = {one: at for one, at in seen.items() if found.get(one, -1) < at}
        assert not older, f"{path}: expected no positions before {older}, found {found}"
        there = _length(answer)
        assert there >= length, f"{path}: expected {length} events or more, found {there}"
        self._seen = _later(self._seen, found)
        self._lengths[path] = max(there, self._lengths.get(path, 0))
        self.answers += 1


def _positions(header: str) -> dict[int, int]:
    pairs = (one.split(":") for one in header.split(","))
    return {int(partition): int(offset) for partition, offset in pairs}


def _length(answer: httpx.Response) -> int:
    """How many events a state counts, or a history lists."""
    document = answer.json()
    found: int = len(document) if isinstance(document, list) else document["counts"]["events"]
    return found


def _later(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {place: max(one.get(place, 0), other.get(place, 0)) for place in {*one, *other}}


async def send(settings: Settings, lines: Sequence[bytes]) -> dict[int, int]:
    """Send events; gives the highest offset written in each partition."""
    async with Producer(settings, require_keys=False) as producer:
        receipts = [await producer.send(from_json(line)) for line in lines]
        stored = [await receipt for receipt in receipts]
    return dict(sorted((one.partition, one.offset) for one in stored))


async def test_readers_over_http_see_no_error_and_nothing_older_during_rebuild_and_swap(
    ledger: Settings, connection: Connection
) -> None:
    half = len(LINES) // 2
    async with projecting(ledger), read_side(ledger) as side, served(side) as address:
        ends = await send(ledger, LINES[:half])
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        cursor = await connection.execute(STATES)
        readers = Readers(address, [row[0] for row in await cursor.fetchall()])
        async with readers.reading():
            await readers.some_more()
            before = readers.answers
            sending = asyncio.create_task(send(ledger, LINES[half:]))
            found = await rebuild(ledger, Wanted(processes=1), lambda _phase, _done, _total: None)
            during = readers.answers
            await readers.some_more()
            ends = await sending
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
            await readers.some_more()
    assert (found.swapped, found.compared, found.differences) == (True, True, [])
    assert during > before
