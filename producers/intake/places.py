"""Read one record of the log again, for the receipt of an event that was recorded before.

Owns a consumer that follows nothing: it is told where to look.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from aiokafka.structs import TopicPartition

from producers.intake.signed import digest_of
from runut.adapters import kafka
from runut.adapters.kafka_records import LogConsumer
from runut.directory_log import DirectoryLog
from runut.errors import LedgerMismatch, NotAnEvent
from runut.event import Recorded
from runut.lanes import Receipt
from runut.log_reader import PartitionReader
from runut.records import RawRecord
from runut.settings import Settings

ONE_BATCH: Final = 1
"""Bytes to fetch at once: a broker gives a whole batch of its own all the same, and no more."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Places:
    """The events topic, one record at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reading = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            Unreachable: no broker answers.
        """
        self._consumer = LogConsumer(
            **kafka.client_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_uncommitted",
            max_partition_fetch_bytes=ONE_BATCH,
        )
        await kafka.start(self._settings, self._consumer)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def receipt_at(self, partition: int, offset: int, directories: DirectoryLog) -> Receipt:
        """What the producer's receipt of the event at this place said.

        Raises:
            Unreachable: the broker does not answer.
            LedgerMismatch: the place holds no event: the log is not the one that was projected.
        """
        record = await self._record(partition, offset)
        recorded = _event_in(record, directories)
        if recorded is None or record.offset != offset:
            where = f"{record.topic} partition {partition}, offset {offset}"
            raise LedgerMismatch(f"{where}: expected the event that was projected, found none")
        return Receipt(
            event_id=recorded.event.event_id,
            subject=recorded.event.subject,
            topic=record.topic,
            partition=partition,
            offset=offset,
            recorded_at=_EPOCH + timedelta(milliseconds=record.timestamp_ms),
            event_digest=digest_of(recorded, record.headers, directories.latest),
        )

    async def _record(self, partition: int, offset: int) -> RawRecord:
        place = TopicPartition(self._settings.events_topic, partition)
        async with self._reading:
            with kafka.translated(self._settings):
                async with asyncio.timeout(kafka.ANSWER_TIMEOUT_S):
                    self._consumer.assign([place])
                    self._consumer.seek(place, offset)
                    found: RawRecord = await self._consumer.getone(place)
            self._consumer.unsubscribe()  # else it would read on
            return found


def _event_in(record: RawRecord, directories: DirectoryLog) -> Recorded | None:
    offset = directories.latest.offset
    reader = PartitionReader(record.partition, directories, directory_offset=offset)
    try:
        return reader.read(record)
    except NotAnEvent:
        return None
