"""The real projector: how fast it catches up, and how soon an event is visible when it has.

Both ask the positions: they change in the transaction that writes the rows, so a position that
shows an event shows its rows too.
"""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
import psycopg

from bench.ground import PARTITIONS, Ground, workers
from bench.measured import Measured, Meter
from projections.waiting import is_claimed, wait_until_projected
from runut import Producer, Receipt
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.event import Event
from runut.settings import Settings

START_S: Final = 60.0
STANDSTILL_S: Final = 60.0
POLL_S: Final = 0.005
LOOK_S: Final = 0.0005


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


async def catch_up(
    ground: Ground, settings: Settings, count: int, ends: Mapping[int, int], events: int
) -> Measured:
    """Let so many workers project all events into read models that are empty.

    Measured from the moment at which all partitions are claimed: whoever joins later does so
    while it counts.
    """
    async with workers(settings, count) as pids:
        await until_claimed(settings)
        async with postgres.connected(settings, name="bench", autocommit=True) as connection:
            meter = Meter(pids, ground.postgres)
            if not await wait_until_projected(connection, ends, deadline_s=STANDSTILL_S):
                raise TimeoutError((settings.data / "worker.log").read_text())
            return meter.stop(events).with_rows(await _rows(connection))


async def until_claimed(settings: Settings) -> None:
    """Wait until a worker that was started has claimed all partitions."""
    async with (
        postgres.connected(settings, name="bench", autocommit=True) as connection,
        asyncio.timeout(START_S),
    ):
        while not await is_claimed(connection, PARTITIONS):
            await asyncio.sleep(POLL_S)


async def verdicts(settings: Settings) -> dict[str, int]:
    """How many events have which verdict."""
    async with postgres.connected(settings, name="bench") as connection:
        cursor = await connection.execute(
            "SELECT verdict, count(*) FROM history GROUP BY verdict ORDER BY count(*) DESC"
        )
        return dict(await cursor.fetchall())


async def latencies(settings: Settings, events: Sequence[Event], rate: int) -> Latencies:
    """Send so many events a second at an even pace, whether or not earlier ones are through."""
    eyes = _Eyes(settings)
    async with Producer(settings) as producer:
        begun = time.perf_counter()
        due = [begun + number / rate for number in range(len(events))]
        receipts: list[asyncio.Future[Receipt]] = []
        acknowledged = [0.0] * len(events)

        def arrived(number: int, _: object) -> None:
            acknowledged[number] = time.perf_counter()

        for number, event in enumerate(events):
            await asyncio.sleep(due[number] - time.perf_counter())
            receipt = await producer.send(event)
            receipt.add_done_callback(partial(arrived, number))
            receipts.append(receipt)
        stored = await asyncio.gather(*receipts)
    await eyes.until({one.partition: one.offset for one in stored})
    visible = [eyes.seen_at(one.partition, one.offset) for one in stored]
    return Latencies(latency(due, acknowledged), latency(due, visible))


class _Eyes:
    """Looks at the positions about once a millisecond, on a connection and thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[int, tuple[list[int], list[float]]] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    async def until(self, offsets: Mapping[int, int]) -> None:
        """Look until the rows of these are visible."""
        try:
            async with asyncio.timeout(STANDSTILL_S):
                while any(not self._has(*place) for place in offsets.items()):
                    await asyncio.sleep(POLL_S)
        finally:
            self._done.set()
            self._thread.join()

    def seen_at(self, partition: int, offset: int) -> float:
        """When an event's rows were first seen."""
        next_offsets, moments = self._seen[partition]
        return moments[bisect_left(next_offsets, offset + 1)]

    def _has(self, partition: int, offset: int) -> bool:
        next_offsets, _ = self._seen.get(partition, ([], []))
        return bool(next_offsets) and next_offsets[-1] > offset

    def _look(self) -> None:
        search_path = f"-c search_path={self._settings.model_schema}"
        url = self._settings.postgres_url or ""
        with psycopg.connect(url, autocommit=True, options=search_path) as connection:
            while not self._done.wait(LOOK_S):
                found = connection.execute(
                    "SELECT partition, next_offset FROM position", prepare=True
                ).fetchall()
                now = time.perf_counter()
                for partition, next_offset in found:
                    next_offsets, moments = self._seen.setdefault(partition, ([], []))
                    if not next_offsets or next_offsets[-1] != next_offset:
                        moments.append(now)
                        next_offsets.append(next_offset)


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
