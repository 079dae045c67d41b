"""Follow the directory topic: read it to its end whenever somebody asks for more.

Owns the consumer of one small topic; what the records establish says `runut.directory_log`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.directory_log import DirectoryLog
from runut.errors import LedgerMismatch
from runut.records import RawRecord
from runut.settings import Settings

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class DirectoryFollower:
    """The directory as far as it was read."""

    def __init__(self, settings: Settings) -> None:
        self.log = DirectoryLog()
        self.records: list[RawRecord] = []
        """What it was read from: all of them, from the first."""
        self.written_at = _EPOCH
        """When Kafka stored the last record read: surely not ahead of Kafka's clock."""
        self._settings = settings
        self._place = TopicPartition(settings.directory_topic, 0)
        self._consumer = kafka.consumer(settings)

    async def __aenter__(self) -> Self:
        """Connect, and read what there is. Raises as `start` and `catch_up`."""
        await self.start()
        try:
            await self.catch_up()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> list[RawRecord]:
        """Connect, and read what there is; gives the records.

        Raises:
            Unreachable: no broker answers.
            LedgerMismatch: there is no such topic, or its first record founds no ledger.
        """
        await kafka.start(self._settings, self._consumer)
        try:
            await self._demand_topic()
            return await self.catch_up()
        except BaseException:
            await self._consumer.stop()
            raise

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def catch_up(self) -> list[RawRecord]:
        """Read to the end that the topic has now; gives the new records.

        Raises:
            Unreachable: the broker does not answer.
            LedgerMismatch: the first record founds no ledger, or the log was cut.
        """
        known = len(self.records)
        start_at = {self._place: self.log.size}
        async for found in kafka.read_to_end(self._settings, self._consumer, start_at):
            for record in found:
                self.log.append(record)
                self.records.append(record)
                self.written_at = _EPOCH + timedelta(milliseconds=record.timestamp_ms)
        return self.records[known:]

    async def _demand_topic(self) -> None:
        # Asking for one topic's metadata can make a broker create it; asking for all cannot.
        with kafka.translated(self._settings):
            topics = await self._consumer.topics()
        if self._place.topic not in topics:
            raise LedgerMismatch(
                f"Kafka at {kafka.bootstrap(self._settings)}: expected the topic "
                f"{self._place.topic}, found none; found a ledger first: runut ledger create"
            )
