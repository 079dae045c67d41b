"""Check that the log is the one that was read before (integrity.md §11).

Positions carry the leaf hash of the last record read; it is read again when a partition is
claimed. A recreated topic, a lost tail or a raised log start stops the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.adapters.kafka_records import LogConsumer
from runut.errors import LedgerMismatch, Unreachable
from runut.records import RawRecord
from runut.settings import Settings

READ_TIMEOUT_MS: Final = 10_000


class Read(Protocol):
    """How far somebody read a partition."""

    @property
    def partition(self) -> int:
        """Of the topic."""

    @property
    def next_offset(self) -> int:
        """Offset of the next record to be read."""

    @property
    def leaf_hash(self) -> bytes | None:
        """Of the last record read; None where there is none to compare."""


async def check_log(
    settings: Settings, positions: Sequence[Read], topic: str | None = None
) -> None:
    """Compare each position's last record with the log, that of the events unless one is given.

    Raises:
        LedgerMismatch: naming partition, what was expected and what was found.
        Unreachable: the brokers do not answer.
    """
    name = topic or settings.events_topic
    places = {TopicPartition(name, p.partition): p for p in positions}
    consumer = kafka.consumer(settings)
    await kafka.start(settings, consumer)
    try:
        with kafka.translated(settings):
            starts = await consumer.beginning_offsets(list(places))
        ends = await kafka.end_offsets(settings, consumer, places)
        for place, position in places.items():
            _check_bounds(place, position, starts[place], ends[place])
            if position.leaf_hash is not None:
                last = await _read_one(settings, consumer, place, position.next_offset - 1)
                _check_last(place, position, last)
    finally:
        await consumer.stop()


def _check_bounds(place: TopicPartition, position: Read, start: int, end: int) -> None:
    where = f"{place.topic} partition {place.partition}"
    if start > 0:
        raise LedgerMismatch(f"{where}: expected the log to start at offset 0, found {start}")
    if end < position.next_offset:
        raise LedgerMismatch(
            f"{where}: expected at least {position.next_offset} records, as were read before; "
            f"found {end}: the log lost its tail or is another one"
        )


async def _read_one(
    settings: Settings, consumer: LogConsumer, place: TopicPartition, offset: int
) -> RawRecord:
    """The first record from an offset on, which is not the log's end."""
    consumer.assign([place])
    consumer.seek(place, offset)
    with kafka.translated(settings):
        fetched = await consumer.getmany(place, timeout_ms=READ_TIMEOUT_MS, max_records=1)
    found: list[RawRecord] = fetched.get(place, [])
    if found:
        return found[0]
    raise Unreachable(
        "Kafka",
        kafka.bootstrap(settings),
        "look at the brokers' logs",
        f"no record of {place.topic} partition {place.partition} from offset {offset} on",
    )


def _check_last(place: TopicPartition, position: Read, found: RawRecord) -> None:
    last = position.next_offset - 1
    if found.offset != last or found.leaf() != position.leaf_hash:
        raise LedgerMismatch(
            f"{place.topic} partition {place.partition}: the record at offset {last} is not the "
            "one that was read before: the topic was recreated or changed; what was made of it "
            "belongs to another log"
        )
