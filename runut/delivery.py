"""Deliver records to Kafka: acknowledged by all replicas, in order, whatever breaks on the way.

Owns the connection. After a send fails for good, an idempotent producer's sequence is broken
for that partition (stack.md §aiokafka): it is replaced and the batch sent again, before
anything that follows it. A batch may so be written twice; event ids make repeats harmless.
Refuses to know what the records say.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from runut.adapters import kafka
from runut.backoff import full_jitter
from runut.errors import LedgerMismatch, NotRecorded, Unreachable
from runut.outgoing import Outgoing
from runut.record_batch import RecordBatch
from runut.settings import Settings

ATTEMPTS: Final = 3
"""How often Kafka may refuse a batch, each time from a new producer, until it is given up."""
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
_UNKNOWN_OFFSET: Final = -1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Stored(NamedTuple):
    """How many of the records are in the log now, from which offset on, and since when."""

    records: int
    offset: int
    recorded_at: datetime | None
    """None where the records' own times count."""


class Timed(Protocol):
    """A record with its time."""

    @property
    def record(self) -> Outgoing:
        """The record."""

    @property
    def timestamp_ms(self) -> int | None:
        """Milliseconds since 1970; None where the broker sets it."""


class _Line:
    """A producer and how many batches are under way on it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self.users = 0


class Delivery:
    """The way to one topic."""

    def __init__(self, settings: Settings, topic: str, timeout_s: float) -> None:
        """Take the seconds after which a batch is given up while no broker answers."""
        self._settings = settings
        self._topic = topic
        self._timeout_s = timeout_s
        self._line: _Line | None = None
        self._opening = asyncio.Lock()

    async def start(self, partitions: int) -> None:
        """Connect, and check that the topic is the ledger's.

        Raises:
            Unreachable: no broker answers.
            LedgerMismatch: the topic has not so many partitions.
        """
        async with self._connected() as producer:
            with kafka.translated(self._settings):
                found = len(await producer.partitions_for(self._topic))
            if found != partitions:
                raise LedgerMismatch(
                    f"topic {self._topic}: expected {partitions} partitions, found {found}"
                )

    async def stop(self) -> None:
        """Disconnect; what is under way is dropped."""
        if self._line is not None:
            await kafka.abandon(self._line.producer)
            self._line = None

    async def deliver(self, partition: int, records: Iterable[Timed]) -> Stored:
        """Write the first of these records, as many as go into one batch of Kafka's.

        More may be put behind them meanwhile. Not to be called for a partition while a call for
        it is under way.

        Raises:
            Unreachable: no broker took them in time; they may still be in the log.
            NotRecorded: Kafka refuses them.
        """
        failures = refusals = 0
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    try:
                        async with self._connected() as producer:
                            return await self._write(producer, partition, records)
                    except Unreachable:
                        pass
                    except KafkaError as error:
                        refusals += 1
                        if refusals == ATTEMPTS:
                            raise NotRecorded(self._topic, partition, repr(error)) from None
                    failures += 1
                    await asyncio.sleep(_pause_s(failures))
        except TimeoutError:
            advice = "what was sent may be in the log: send it again with the same event ids"
            raise Unreachable("Kafka", kafka.bootstrap(self._settings), advice) from None

    async def _write(
        self, producer: AIOKafkaProducer, partition: int, records: Iterable[Timed]
    ) -> Stored:
        batch = RecordBatch(kafka.BATCH_BYTES)
        now_ms = time.time_ns() // 1_000_000  # for records that get their time from the broker
        for one in records:
            if not batch.put(one.record, now_ms if one.timestamp_ms is None else one.timestamp_ms):
                break
        count = batch.record_count()
        sent = await producer.send_batch(batch, self._topic, partition=partition)
        found: RecordMetadata = await sent
        if found.offset == _UNKNOWN_OFFSET:
            raise KafkaError("a repeated batch whose offset Kafka no longer knows")
        broker_ms = found.timestamp if found.timestamp_type == 1 else None
        at = None if broker_ms is None else _EPOCH + timedelta(milliseconds=broker_ms)
        return Stored(count, found.offset, at)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaProducer]:
        """The present producer, or a new one; whatever fails within makes it the past one."""
        line = await self._present_line()
        line.users += 1
        try:
            yield line.producer
        except BaseException:
            if self._line is line:
                self._line = None
            raise
        finally:
            line.users -= 1
            # Others may still wait for batches on it, which are not lost.
            if self._line is not line and not line.users:
                await kafka.abandon(line.producer)

    async def _present_line(self) -> _Line:
        if self._line is not None:
            return self._line
        async with self._opening:
            if self._line is None:  # still: another may have opened one meanwhile
                producer = kafka.producer(self._settings)
                await kafka.start(self._settings, producer)
                self._line = _Line(producer)
            return self._line


def _pause_s(failures: int) -> float:
    return full_jitter(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
