"""Project the events topic: read in batches, fold, write state, history and position at once.

Plain aiokafka (architecture.md, decision 4). Owns when partitions are claimed and where reading
goes on: always from the positions in PostgreSQL, never from Kafka's committed offsets. A worker
that is fenced out, or finds another log than it had read, stops with a clear word; one that loses
the database or the broker waits and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiokafka
import psycopg
import structlog
from aiokafka.errors import KafkaError, NoOffsetForPartitionError
from aiokafka.structs import ConsumerRecord, TopicPartition
from msgspec.structs import replace

from consumers.log_check import check_log
from projections.batch import Changes, fold_batch
from projections.install import install
from projections.loaded import Subjects
from projections.store import Position, Quarantined, Store
from projections.waiting import PROJECTOR
from runut.adapters import kafka, postgres
from runut.directory_follower import DirectoryFollower
from runut.errors import NotAnEvent, Unreachable
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import VerifiedRoots

log = structlog.get_logger(__name__)

MAX_RECORDS: Final = 20_000
"""In one transaction at most: what a subject went through within it is written once."""
POLL_MS: Final = 500
COMMIT_EVERY_S: Final = 5.0
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class Batch:
    """The records of one poll as what they are, with the positions before and after them."""

    def __init__(self) -> None:
        self.moves: list[tuple[Position, Position]] = []
        self.recorded: list[Recorded] = []
        self.quarantined: list[Quarantined] = []


class Projector(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]
    """One worker's share of the events topic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = kafka.consumer(settings, group_id=settings.worker_group)
        self._directory = DirectoryFollower(settings)
        self._subjects = Subjects()
        self._positions: dict[int, Position] = {}
        self._verified = VerifiedRoots()
        # Held while a batch is folded and written, never while waiting for records: a rebalance
        # waits for the batch under way, and no batch is folded while partitions change hands.
        self._writing = asyncio.Lock()
        self._failure: asyncio.Future[None] | None = None
        self._connection: postgres.Connection | None = None
        self._store: Store | None = None

    async def run(self) -> None:
        """Project until cancelled.

        Raises:
            FencedOut: another worker took a partition over.
            LedgerMismatch: the log is not the one that was read before.
        """
        self._failure = asyncio.get_running_loop().create_future()
        await self._connect()
        await self._write_directory_down(await self._directory.start())
        await kafka.start(self._settings, self._consumer)
        self._consumer.subscribe([self._settings.events_topic], listener=self)
        try:
            await self._poll()
        finally:
            await self._stop()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Let the batch under way finish, then write to these no more."""
        async with self._writing:
            for partition in revoked:
                self._positions.pop(partition.partition, None)
            # States belong to the epoch: the next owner may fold on before we see them again.
            self._subjects.forget()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Claim partitions and go on where PostgreSQL says."""
        if not assigned:
            return
        self._consumer.pause(*assigned)
        try:
            async with self._writing:
                await self._claim(assigned)
        except Exception as error:
            self._fail(error)
            return
        self._consumer.resume(*assigned)

    def _fail(self, error: Exception) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _claim(self, assigned: Sequence[TopicPartition]) -> None:
        partitions = [partition.partition for partition in assigned]
        while True:
            try:
                claimed = await self._open_store().claim(partitions)
                break
            except psycopg.OperationalError as error:
                await self._reconnect(error)
        self._subjects.forget()
        await check_log(self._settings, list(claimed.values()))
        for topic_partition in assigned:
            position = claimed[topic_partition.partition]
            self._positions[topic_partition.partition] = position
            self._consumer.seek(topic_partition, position.next_offset)
        log.info("claimed", partitions=sorted(claimed))

    async def _poll(self) -> None:
        next_commit = 0.0
        while True:
            self._raise_failure()
            fetched = await self._fetch()
            async with self._writing:
                await self._project(fetched)
            now = asyncio.get_running_loop().time()
            if now >= next_commit:
                next_commit = now + COMMIT_EVERY_S
                await self._commit_for_lag_tools()

    async def _fetch(self) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        try:
            with kafka.translated(self._settings):
                return await self._consumer.getmany(  # type: ignore[no-any-return]
                    timeout_ms=POLL_MS, max_records=MAX_RECORDS
                )
        except NoOffsetForPartitionError:
            # aiokafka looks for committed offsets before `on_partitions_assigned` has sought.
            return {}

    def _raise_failure(self) -> None:
        if self._failure is not None and self._failure.done():
            self._failure.result()

    async def _project(self, fetched: Mapping[TopicPartition, list[ConsumerRecord]]) -> None:
        batch = await self._read(fetched)
        if not batch.moves:
            return
        try:
            changes = await self._fold(batch)
            await self._open_store().commit(batch.moves, changes, batch.quarantined)
        except psycopg.OperationalError as error:
            await self._start_over(error)
            return
        except BaseException:
            self._subjects.forget()
            raise
        for _, after in batch.moves:
            self._positions[after.partition] = after
        self._subjects.evict()

    async def _read(self, fetched: Mapping[TopicPartition, list[ConsumerRecord]]) -> Batch:
        batch = Batch()
        for topic_partition, found in fetched.items():
            position = self._positions.get(topic_partition.partition)
            if position is None:
                continue  # revoked while these were on their way
            records = [kafka.raw_record(r) for r in found if r.offset >= position.next_offset]
            if records:
                await self._read_partition(position, records, batch)
        return batch

    async def _read_partition(
        self, position: Position, records: Sequence[RawRecord], batch: Batch
    ) -> None:
        reader = PartitionReader(
            position.partition,
            self._directory.log,
            directory_offset=position.directory_offset,
            recorded_at=position.recorded_at,
            verified=self._verified,
        )
        for record in records:
            announced = reader.announces(record)
            if announced is not None and announced >= self._directory.log.size:
                await self._follow_directory()
            try:
                recorded = reader.read(record)
            except NotAnEvent as error:
                batch.quarantined.append(Quarantined(record, reader.now, str(error)))
                continue
            if recorded is not None:
                batch.recorded.append(recorded)
        last = records[-1]
        after = replace(
            position,
            next_offset=last.offset + 1,
            leaf_hash=last.leaf(),
            recorded_at=reader.recorded_at,
            directory_offset=reader.directory_offset,
        )
        batch.moves.append((position, after))

    async def _fold(self, batch: Batch) -> Changes:
        directories = self._directory.log.at
        histories = await self._open_store().load(batch.recorded, self._subjects, directories)
        return fold_batch(batch.recorded, self._subjects, histories, directories)

    async def _follow_directory(self) -> None:
        """Read the directory to its end, and write down what is new for the readers."""
        await self._write_directory_down(await self._directory.catch_up())

    async def _write_directory_down(self, new: Sequence[RawRecord]) -> None:
        if new:
            await self._open_store().save_directory(new)

    async def _start_over(self, error: Exception) -> None:
        """The database went away: what was folded is void; claim again and go on from there."""
        self._subjects.forget()
        await self._reconnect(error)
        await self._claim([self._topic_partition(p) for p in self._positions])

    def _topic_partition(self, partition: int) -> TopicPartition:
        return TopicPartition(self._settings.events_topic, partition)

    async def _connect(self) -> None:
        connection = await postgres.connect(self._settings, name=PROJECTOR)
        await install(connection, self._settings)
        self._connection, self._store = connection, Store(connection)

    async def _reconnect(self, error: Exception) -> None:
        """Wait for PostgreSQL, with growing pauses, for as long as it takes."""
        log.warning("database lost, waiting for it", reason=str(error).strip())
        await self._close_connection()
        attempt = 0
        while True:
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
            try:
                await self._connect()
            except (Unreachable, psycopg.OperationalError):
                continue
            log.info("database is back", attempts=attempt)
            return

    async def _commit_for_lag_tools(self) -> None:
        offsets = {
            self._topic_partition(p): position.next_offset
            for p, position in self._positions.items()
        }
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except KafkaError as error:
            log.debug("committing offsets for lag tools failed", reason=str(error))

    def _open_store(self) -> Store:
        if self._store is None:
            raise RuntimeError("the projector was not started")
        return self._store

    async def _close_connection(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _stop(self) -> None:
        stopping: list[Any] = [self._consumer.stop(), self._directory.stop()]
        await asyncio.gather(*stopping, self._close_connection(), return_exceptions=True)
