"""The real projector: how fast it catches up, and how soon an event is visible when it has.

An event is visible from the commit of the transaction that writes its rows and moves its
partition's position.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from bench.asleep import sleeper
from bench.ground import PARTITIONS, Ground, workers
from bench.measured import Measured, Meter, unsearched
from projections.waiting import is_claimed, wait_until_projected
from runut import Producer, Receipt
from runut.adapters import kafka, postgres
from runut.adapters.postgres import Connection
from runut.event import Event
from runut.settings import Settings

START_S: Final = 60.0
STANDSTILL_S: Final = 60.0
POLL_S: Final = 0.005
RUN_IN_S: Final = 2
"""For which a sender and a worker that were just started take longer, and Kafka if it was, too."""


class Latency(msgspec.Struct, frozen=True):
    """Of so many events, in milliseconds."""

    events: int
    p50: float
    p95: float
    p99: float
    max: float


class Latencies(msgspec.Struct, frozen=True):
    """From the moment at which an event was due to be sent."""

    acknowledged: Latency
    """To the receipt."""
    visible: Latency
    """To its rows being there for other connections."""
    run_in: Latency
    """The same, of the first `RUN_IN_S`, which the others leave out."""
    asleep: Latency
    """Of a process that only slept meanwhile, from when it was to wake."""


async def catch_up(
    ground: Ground, settings: Settings, count: int, ends: Mapping[int, int], events: int
) -> Measured:
    """Let so many workers project all events into read models that are empty.

    Measured from the moment at which all of them have their partitions: what the first of them
    projected until then is not counted, unless that is all.
    """
    async with workers(settings, count) as pids:
        await until_claimed(settings)
        async with postgres.connected(settings, name="bench", autocommit=True) as connection:
            meter, before = Meter(pids, ground.postgres), 0
            done = asyncio.create_task(
                wait_until_projected(connection, ends, deadline_s=STANDSTILL_S)
            )
            if count > 1 and await _are_joined(settings, count, done):
                so_far = await _rows(connection)
                if so_far < events:
                    meter.start()
                    before = so_far
            if not await done:
                raise TimeoutError((settings.data / "worker.log").read_text())
            return meter.stop(events - before).with_rows(await _rows(connection))


async def until_claimed(settings: Settings) -> None:
    """Wait until a worker that was started has claimed all partitions."""
    async with (
        postgres.connected(settings, name="bench", autocommit=True) as connection,
        asyncio.timeout(START_S),
    ):
        while not await is_claimed(connection, PARTITIONS):
            await asyncio.sleep(POLL_S)


async def _are_joined(settings: Settings, count: int, done: asyncio.Task[bool]) -> bool:
    """Wait until Kafka has dealt the partitions out to so many; False if all is done before."""
    admin = AIOKafkaAdminClient(**kafka.client_options(settings))
    await admin.start()
    try:
        while not done.done():
            [answer] = await admin.describe_consumer_groups([settings.worker_group])
            [(_, _, state, _, _, members, *_)] = answer.groups
            if state == "Stable" and len(members) == count:
                return not done.done()
            await asyncio.sleep(POLL_S)
        return False
    finally:
        await admin.close()


async def verdicts(settings: Settings) -> dict[str, int]:
    """How many events have which verdict."""
    async with postgres.connected(settings, name="bench") as connection:
        cursor = await connection.execute(
            "SELECT verdict, count(*) FROM history GROUP BY verdict ORDER BY count(*) DESC"
        )
        return dict(await cursor.fetchall())


async def latencies(settings: Settings, events: Sequence[Event], rate: int) -> Latencies:
    """Send so many events a second at an even pace, whether or not earlier ones are through.

    They have to be more than those of `RUN_IN_S`.
    """
    with unsearched():
        async with sleeper() as late_ms:
            due, acknowledged, stored = await _send(settings, events, rate)
    visible = await _visible_at(settings, [(one.partition, one.offset) for one in stored])
    run_in = RUN_IN_S * rate
    return Latencies(
        latency(due[run_in:], acknowledged[run_in:]),
        latency(due[run_in:], visible[run_in:]),
        latency(due[:run_in], visible[:run_in]),
        latency_of(late_ms),
    )


async def _send(
    settings: Settings, events: Sequence[Event], rate: int
) -> tuple[list[float], list[float], list[Receipt]]:
    """When each was due, when its receipt came, and the receipt."""
    async with Producer(settings) as producer:
        begun = time.time()
        due = [begun + number / rate for number in range(len(events))]
        receipts: list[asyncio.Future[Receipt]] = []
        acknowledged = [0.0] * len(events)

        def arrived(number: int, _: object) -> None:
            acknowledged[number] = time.time()

        for number, event in enumerate(events):
            await asyncio.sleep(due[number] - time.time())
            receipt = await producer.send(event)
            receipt.add_done_callback(partial(arrived, number))
            receipts.append(receipt)
        return due, acknowledged, await asyncio.gather(*receipts)


async def _visible_at(settings: Settings, places: Sequence[tuple[int, int]]) -> list[float]:
    """When each event's rows were committed, by PostgreSQL's own account.

    Asked afterwards: whoever looks all the time takes a core from what it looks at.
    """
    ends = dict(sorted(places))
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        if not await wait_until_projected(connection, ends, deadline_s=STANDSTILL_S):
            raise TimeoutError((settings.data / "worker.log").read_text())
        return await committed_at(connection, places)


async def committed_at(connection: Connection, places: Sequence[tuple[int, int]]) -> list[float]:
    """Seconds since 1970 at which rows of these partitions and offsets were committed first.

    A correction writes rows anew later on, so what counts is the earliest commit from an event's
    place on: those of a partition come in its order.
    """
    cursor = await connection.execute(
        """SELECT partition, "offset",
            min(extract(epoch FROM pg_xact_commit_timestamp(history.xmin))) OVER (
                PARTITION BY partition ORDER BY "offset"
                ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            )
        FROM history JOIN unnest(%s::integer[], %s::bigint[]) AS sent (partition, "offset")
        USING (partition, "offset")""",
        [list(column) for column in zip(*places, strict=True)],
    )
    committed = {row[:2]: float(row[2]) for row in await cursor.fetchall()}
    return [committed[place] for place in places]


def latency(due: Sequence[float], done: Sequence[float]) -> Latency:
    """Of the seconds from each moment to its end."""
    return latency_of([(after - before) * 1000 for before, after in zip(due, done, strict=True)])


def latency_of(took_ms: Sequence[float]) -> Latency:
    """Of so many milliseconds each."""
    took = sorted(took_ms)
    last = len(took) - 1
    return Latency(len(took), *(took[round(last * share)] for share in (0.5, 0.95, 0.99, 1)))


async def _rows(connection: Connection) -> int:
    cursor = await connection.execute("SELECT count(*) FROM history")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
