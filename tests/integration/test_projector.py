"""The projector against real Kafka and PostgreSQL: nothing lost, nothing twice, nothing silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from consumers import model_writer
from consumers.projector import Projector
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters import kafka
from runut.adapters.postgres import Connection, connected
from runut.errors import FencedOut, LedgerMismatch
from runut.json_form import from_json
from runut.settings import Settings
from tests.builders import SCENARIOS
from tests.fold_check import check_against_fold
from tests.histories import Author
from tests.integration.logs import read_log
from tests.integration.odd_records import ODD, send_odd

DEADLINE_S = 60.0
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'runut projector'"
)
CONNECTED = (
    "SELECT coalesce(min(backend_start) > '{}', false) FROM pg_stat_activity "
    "WHERE application_name = 'runut projector'"
)
"""All of the projector's connections are newer than that."""


@asynccontextmanager
async def projecting(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A projector in this process, stopped at the end of the block."""
    task = asyncio.create_task(Projector(settings).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.05)


async def emit_all(settings: Settings, objects: Sequence[Any]) -> dict[int, int]:
    """Send events; gives the highest offset written in each partition."""
    ends: dict[int, int] = {}
    async with Producer(settings, require_keys=False) as producer:
        receipts = [await producer.send(from_json(one, derive_id=True)) for one in objects]
        for receipt in receipts:
            stored = await receipt
            ends[stored.partition] = max(stored.offset, ends.get(stored.partition, -1))
    return ends


def scenario_lines(*names: str) -> list[str]:
    return [
        line
        for name in names
        for line in (SCENARIOS / f"{name}.jsonl").read_text().split("\n")
        if line
    ]


def random_objects(seeds: range, length: int) -> list[dict[str, Any]]:
    """Random histories, each on a case of its own, interleaved."""
    histories = []
    for seed in seeds:
        events = [one.event for one in Author(seed).write(length)]
        histories.append(
            [
                {
                    **{k: v for k, v in e.meta.items() if v is not None},
                    "type": e.type,
                    "subject": f"case/RANDOM-{seed}",
                    "data": e.data,
                }
                for e in events
            ]
        )
    return [history[n] for n in range(length) for history in histories]


async def test_what_agencies_emit_is_projected_as_an_offline_fold_has_it(
    ledger: Settings, connection: Connection
) -> None:
    lines = scenario_lines(
        "01-unpaid-wages", "05-two-silos-merged", "06-agreement-breached-and-fined"
    )
    async with projecting(ledger):
        ends = await emit_all(ledger, [*lines, *random_objects(range(8), 30)])
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
    await check_against_fold(connection, await read_log(ledger))


async def test_records_that_are_no_event_go_to_quarantine_and_the_partition_goes_on(
    ledger: Settings, connection: Connection
) -> None:
    rubbish = [
        b"",
        b"\x00",
        b"\x01\x00\x00\x00\x01{}",
        b"\x00\x00\x00\x00\x01\xff",
        b"\x00" * 300_000,
    ]
    async with projecting(ledger):
        producer = kafka.producer(ledger)
        async with kafka.connected(ledger, producer):
            for value in [*rubbish, None]:
                await producer.send_and_wait(ledger.events_topic, value, key=b"case/X", partition=1)
            await producer.send_and_wait(
                ledger.events_topic, b"\x00", key=b"directory/1", partition=1
            )
        await send_odd(ledger, 1)
        ends = await emit_all(ledger, random_objects(range(12), 4))
        last = {1: len(rubbish) + ODD + 1}
        assert await wait_until_projected(connection, last | ends, deadline_s=DEADLINE_S)
    log = await read_log(ledger)
    cursor = await connection.execute(
        "SELECT count(*), min(partition), max(partition) FROM quarantine"
    )
    assert await cursor.fetchone() == (len(rubbish) + ODD + 2, 1, 1)
    assert len(log.rejected) == len(rubbish) + ODD + 2
    await check_against_fold(connection, log)


async def test_a_projector_started_again_goes_on_where_the_last_one_was(
    ledger: Settings, connection: Connection
) -> None:
    objects = random_objects(range(6), 40)
    for at in range(0, len(objects), 80):
        ends = await emit_all(ledger, objects[at : at + 80])
        async with projecting(ledger):
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
    await check_against_fold(connection, await read_log(ledger))


async def test_of_two_projectors_that_own_one_partition_the_older_stops(
    ledger: Settings, connection: Connection
) -> None:
    """The second is in a group of its own, so that Kafka gives both all partitions."""
    async with projecting(ledger) as older:
        ends = await emit_all(ledger, random_objects(range(3), 10))
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        async with projecting(ledger.model_copy(update={"worker_group": "another"})):
            epochs = "SELECT min(epoch) FROM position"
            await until(lambda: _is(connection, epochs, 2))
            ends = await emit_all(ledger, random_objects(range(3, 9), 20))
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises(FencedOut):
                    await older
    await check_against_fold(connection, await read_log(ledger))


async def test_a_projector_that_loses_the_database_goes_on_by_itself(
    ledger: Settings, connection: Connection
) -> None:
    objects = random_objects(range(6), 40)
    async with projecting(ledger) as projector:
        for at in range(0, len(objects), 40):
            ends = await emit_all(ledger, objects[at : at + 40])
            await connection.execute(KILL)
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        assert not projector.done()
    await check_against_fold(connection, await read_log(ledger))


async def test_a_write_that_takes_too_long_is_given_up_and_begun_again(
    ledger: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a worker that was paused: its rows are not locked for ever."""
    monkeypatch.setattr(model_writer, "WRITTEN_WITHIN_S", 1)
    async with projecting(ledger) as projector:
        ends = await emit_all(ledger, random_objects(range(2), 10))
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        async with connected(ledger, name="tests") as other:
            cursor = await other.execute("SELECT now() FROM position LIMIT 1 FOR UPDATE")
            [(locked_at,)] = await cursor.fetchall()
            await other.execute("SELECT FROM position FOR UPDATE")
            ends = await emit_all(ledger, random_objects(range(2, 4), 10))
            await until(lambda: _is(connection, CONNECTED.format(locked_at), True))
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        assert not projector.done()
    await check_against_fold(connection, await read_log(ledger))


async def test_a_database_of_before_gets_the_directory_again(
    ledger: Settings, connection: Connection
) -> None:
    count = "SELECT count(*) FROM directory_record"
    async with projecting(ledger):
        ends = await emit_all(ledger, random_objects(range(2), 10))
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        cursor = await connection.execute(count)
        [(known,)] = await cursor.fetchall()
        await connection.execute('DELETE FROM directory_record WHERE "offset" > 2')
        await connection.execute(KILL)
        ends = await emit_all(ledger, random_objects(range(2, 4), 10))
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        await until(lambda: _is(connection, count, known))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE position SET leaf_hash = '\\x00' WHERE partition = 0", "not the one that was"),
        ("UPDATE position SET next_offset = 999 WHERE partition = 0", "lost its tail"),
    ],
)
async def test_another_log_than_the_one_read_before_stops_the_projector_with_a_clear_word(
    ledger: Settings, connection: Connection, change: str, words: str
) -> None:
    async with projecting(ledger):
        await until(lambda: _is(connection, "SELECT min(next_offset) > 1 FROM position", True))
    await connection.execute(change)
    async with projecting(ledger) as projector, asyncio.timeout(DEADLINE_S):
        with pytest.raises(LedgerMismatch, match=words):
            await projector


async def _is(connection: Connection, query: str, wanted: object) -> bool:
    cursor = await connection.execute(query)
    row = await cursor.fetchone()
    return row is not None and row[0] == wanted
