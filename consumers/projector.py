"""Project the events topic: read in batches, fold, write state, history and position at once.

Plain aiokafka (architecture.md, decision 4). Owns when partitions are claimed and where reading
goes on: always from the positions in PostgreSQL, never from Kafka's committed offsets. A worker
that is fenced out, or finds another log than it had read, stops with a clear word; one that loses
the database or the broker waits and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import aiokafka
import structlog
from aiokafka.errors import KafkaError, NoOffsetForPartitionError
from aiokafka.structs import TopicPartition

from consumers.gathering import Batch
from consumers.log_check import check_log
from consumers.model_writer import DATABASE_FAILED, ModelWriter
from consumers.recognizing import AT_ONCE, read_stretch
from projections.store import Position
from runut.adapters import kafka
from runut.directory_follower import DirectoryFollower
from runut.errors import Unreachable
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import VerifiedBatches
from runut.tracing import processing

log = structlog.get_logger(__name__)

MAX_RECORDS: Final = 20_000
"""In one transaction, about: what a subject went through within it is written once."""
POLL_MS: Final = 500
MORE_MS: Final = 10
"""Waited for more, while something is gathered that could be written."""
MANY: Final = 5
"""Records at once, from which on others are about to come: more than 500 a second."""
GATHER_S: Final = 0.01
"""From one batch of many to the next at least: each batch costs as much as ten records do, which
takes the cores from what brings the records here."""
COMMIT_EVERY_S: Final = 5.0
KAFKA_PAUSE_S: Final = 1.0

Fetched = Mapping[TopicPartition, list[RawRecord]]


class Projector(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]
    """One worker's share of the events topic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = kafka.consumer(settings, group_id=settings.worker_group)
        self._directory = DirectoryFollower(settings)
        self._writer = ModelWriter(settings, self._directory.log.at)
        self._verified = VerifiedBatches()
        self._written_down = 0
        """Directory records that are written down for readers, of those that were read."""
        # Held while a batch is folded, never while waiting for records: a rebalance waits for the
        # batch under way, and no batch is folded while partitions change hands.
        self._folding = asyncio.Lock()
        self._failure: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Project until cancelled.

        Raises:
            FencedOut: another worker took a partition over.
            LedgerMismatch: the log is not the one that was read before.
        """
        self._failure = asyncio.get_running_loop().create_future()
        try:
            await self._writer.open()
            await self._directory.start()
            await kafka.start(self._settings, self._consumer)
            self._consumer.subscribe([self._settings.events_topic], listener=self)
            await self._poll()
        finally:
            await self._stop()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Let the batches under way finish, then write to these no more."""
        try:
            async with self._folding:
                await self._writer.release(place.partition for place in revoked)
        except Exception as error:
            self._fail(error)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Claim partitions and go on where PostgreSQL says."""
        if not assigned:
            return
        self._consumer.pause(*assigned)
        try:
            async with self._folding:
                self._seek(await self._claim(assigned))
        except Exception as error:
            self._fail(error)
            return
        self._consumer.resume(*assigned)

    def _fail(self, error: Exception) -> None:
        """Remember what aiokafka would only log."""
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _claim(self, assigned: Sequence[TopicPartition]) -> list[Position]:
        claimed = await self._writer.claim(place.partition for place in assigned)
        while True:
            try:
                await check_log(self._settings, claimed)
                break
            except Unreachable as error:
                await _wait_for_kafka(error)
        log.info("claimed", partitions=sorted(place.partition for place in assigned))
        return claimed

    def _seek(self, positions: Iterable[Position]) -> None:
        for position in positions:
            place = TopicPartition(self._settings.events_topic, position.partition)
            self._consumer.seek(place, position.next_offset)

    async def _poll(self) -> None:
        loop, next_commit = asyncio.get_running_loop(), 0.0
        while True:
            if self._failure is not None and self._failure.done():
                self._failure.result()
            fetched = await self._fetch()
            begun = loop.time()
            async with self._folding:
                await self._project(fetched)
            now = loop.time()
            if now >= next_commit:
                next_commit = now + COMMIT_EVERY_S
                await self._commit_for_lag_tools()
            if not _is_full(fetched):
                await asyncio.sleep(pause_s(_size(fetched), loop.time() - begun))

    async def _fetch(self) -> Fetched:
        try:
            with kafka.translated(self._settings):
                return await self._consumer.getmany(  # type: ignore[no-any-return]
                    timeout_ms=MORE_MS if self._writer.gathered else POLL_MS, max_records=AT_ONCE
                )
        except NoOffsetForPartitionError:
            # aiokafka looks for committed offsets before `on_partitions_assigned` has sought.
            return {}

    async def _project(self, fetched: Fetched) -> None:
        headers = (record.headers for found in fetched.values() for record in found)
        try:
            with processing(self._settings.events_topic, self._settings.worker_group, headers):
                await self._fold(await self._read(fetched), more=_is_full(fetched))
        except DATABASE_FAILED as error:
            self._seek(await self._writer.start_over(error))
            self._written_down = 0  # a database that comes back may be one of before
        except Unreachable as error:
            await _wait_for_kafka(error)
            self._seek(self._writer.positions.values())

    async def _fold(self, batch: Batch, *, more: bool) -> None:
        await self._write_directory_down()
        if batch.moves:
            await self._writer.gather(batch)
        if not more or self._writer.gathered >= MAX_RECORDS:
            await self._writer.write()

    async def _read(self, fetched: Fetched) -> Batch:
        batch = Batch()
        for place, found in fetched.items():
            position = self._writer.positions.get(place.partition)
            if position is None:
                continue  # revoked while these were on their way
            records = [one for one in found if one.offset >= position.next_offset]
            if records:
                stretch = await read_stretch(
                    position, records, self._directory, self._read_directory_on, self._verified
                )
                batch.recorded += stretch.recorded
                batch.quarantined += stretch.quarantined
                batch.moves.append((position, stretch.after))
        return batch

    async def _read_directory_on(self) -> None:
        await self._directory.catch_up()

    async def _write_directory_down(self) -> None:
        new = self._directory.records[self._written_down :]
        if new:
            await self._writer.save_directory(new, self._directory.log.latest)
            self._written_down += len(new)

    async def _commit_for_lag_tools(self) -> None:
        offsets = {
            TopicPartition(self._settings.events_topic, partition): position.next_offset
            for partition, position in self._writer.positions.items()
        }
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except KafkaError as error:
            log.debug("committing offsets for lag tools failed", reason=str(error))

    async def _stop(self) -> None:
        await asyncio.gather(
            self._consumer.stop(),
            self._directory.stop(),
            self._writer.close(),
            return_exceptions=True,
        )


def _size(fetched: Fetched) -> int:
    return sum(map(len, fetched.values()))


def _is_full(fetched: Fetched) -> bool:
    """Whether more is at hand, most likely."""
    return _size(fetched) >= AT_ONCE


def pause_s(records: int, took_s: float) -> float:
    """Seconds until the next batch, after one of so many records that took so long."""
    return max(0.0, GATHER_S - took_s) if records >= MANY else 0.0


async def _wait_for_kafka(error: Unreachable) -> None:
    log.warning("Kafka fails, trying again", reason=str(error), pause_s=KAFKA_PAUSE_S)
    await asyncio.sleep(KAFKA_PAUSE_S)
