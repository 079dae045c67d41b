"""What a ledger's topics hold, read as the projector and an auditor read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import NotAnEvent
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.records import RawRecord
from runut.settings import Settings


class Log(NamedTuple):
    """Everything that the directory and the events topic hold."""

    directory: DirectoryLog
    records: list[RawRecord]
    """Of the events topic, each partition in order."""
    events: list[Recorded]
    rejected: list[NotAnEvent]
    announced: dict[int, int]
    """The directory offset announced last in each partition."""

    def on_subject(self, subject: str) -> list[Recorded]:
        """Events about one subject, in log order."""
        return [one for one in self.events if one.event.subject == subject]


async def read_log(settings: Settings) -> Log:
    """The whole ledger of these settings, from its first record."""
    async with DirectoryFollower(settings) as follower:
        directory = follower.log
    partitions = range(founded(directory.latest.ledger).partitions)
    records = await _read_events_topic(settings, partitions)
    readers = {partition: PartitionReader(partition, directory) for partition in partitions}
    events: list[Recorded] = []
    rejected: list[NotAnEvent] = []
    for record in records:
        try:
            recorded = readers[record.partition].read(record)
        except NotAnEvent as error:
            rejected.append(error)
            continue
        if recorded is not None:
            events.append(recorded)
    announced = {partition: reader.directory_offset for partition, reader in readers.items()}
    return Log(directory, records, events, rejected, announced)


async def _read_events_topic(settings: Settings, partitions: Iterable[int]) -> list[RawRecord]:
    consumer = kafka.consumer(settings)
    async with kafka.connected(settings, consumer):
        starts = {TopicPartition(settings.events_topic, one): 0 for one in partitions}
        found: list[RawRecord] = []
        async for some in kafka.read_to_end(settings, consumer, starts):
            found += some
    return sorted(found, key=lambda record: (record.partition, record.offset))
