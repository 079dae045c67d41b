"""Follow the directory topic: read it to its end whenever a marker asks for more.

Owns the consumer of one small topic; what the records establish says `runut.directory_log`.
"""

from __future__ import annotations

from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.directory_log import DirectoryLog
from runut.records import RawRecord
from runut.settings import Settings


class DirectoryFollower:
    """The directory as far as it was read."""

    def __init__(self, settings: Settings) -> None:
        self.log = DirectoryLog()
        self._partition = TopicPartition(settings.directory_topic, 0)
        self._consumer = kafka.consumer(settings)

    async def start(self) -> None:
        """Connect, and begin at the first record."""
        await self._consumer.start()
        self._consumer.assign([self._partition])
        self._consumer.seek(self._partition, 0)

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def catch_up(self) -> list[RawRecord]:
        """Read to the end that the topic has now; gives the new records."""
        ends = await self._consumer.end_offsets([self._partition])
        new: list[RawRecord] = []
        while self.log.size < ends[self._partition]:
            fetched = await self._consumer.getmany(timeout_ms=1_000)
            for found in fetched.get(self._partition, []):
                record = kafka.raw_record(found)
                self.log.append(record)
                new.append(record)
        return new
