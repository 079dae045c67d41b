"""What the log holds and no seal: awaited, or passed by (integrity.md §3, §7).

A record that no seal has yet says nothing, for the sealer comes to it. A partition without a tree
in the seals, or one that was not sealed any more while others were, can be emptied unseen. Relies
on Kafka for the records and on the log of seals; by times it judges no finer than clocks agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from aiokafka.structs import TopicPartition

from audit.documents import moment_of
from audit.witnessed_time import TOLERANCE
from runut.adapters import kafka
from runut.adapters.kafka_records import LogConsumer
from runut.directory import Ledger
from runut.errors import BadInput
from runut.receipts import PROMISE
from runut.rfc3339 import format_time
from runut.seals import Seal
from runut.settings import Settings

_POLL_MS: Final = 500
_AT_ONCE: Final = 500
"""Records: the first will do, unless its time is no broker's."""


class Waiting(NamedTuple):
    """The first record of a partition that the newest seal lacks."""

    topic: str
    partition: int
    offset: int
    recorded_at: datetime

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}:{self.offset} of {format_time(self.recorded_at)}"


class MadeSeal(NamedTuple):
    """A seal and when it was made: as it says, and not later than it was published."""

    seal: Seal
    at: datetime


def demand_every_partition(settings: Settings, ledger: Ledger, seal: Seal) -> None:
    """That a seal has one tree for each partition of the ledger, and no other.

    Raises:
        BadInput: it has not.
    """
    expected, found = _places(settings, ledger), {head.place for head in seal.heads}
    if expected != found:
        wrong = [f"none of {t}/{p}" for t, p in sorted(expected - found)]
        wrong += [f"one of {t}/{p}" for t, p in sorted(found - expected)]
        thing = f"trees of seal {seal.index}"
        raise BadInput(thing, f"one of each of {len(expected)} partitions", ", ".join(wrong))


async def waiting_records(settings: Settings, ledger: Ledger, last: Seal) -> list[Waiting]:
    """Of each partition that goes on behind a seal, the first record whose time counts.

    None of a TEST ledger: its records' times are not those at which they came.

    Raises:
        BadInput: there are records in a partition that the ledger has not.
        Unreachable: Kafka does not answer.
    """
    reader = kafka.consumer(settings)
    places = {TopicPartition(*place) for place in _places(settings, ledger)}
    async with kafka.connected(settings, reader):
        reader.assign(list(places))
        ends = await kafka.end_offsets(settings, reader, places)
        await _demand_no_more(settings, reader, ends)
        sizes = {TopicPartition(*head.place): head.size for head in last.heads}
        behind = {place: size for place, size in sizes.items() if size < ends[place]}
        if ledger.clock == "TEST" or not behind:
            return []
        return await _first_of(settings, reader, ledger, behind, ends)


def demand_none_passed_by(waiting: Sequence[Waiting], seals: Sequence[MadeSeal]) -> None:
    """That seals were not made for longer than the ledger promises without a record that was there.

    A sealer that has much to catch up comes to every partition within that time. Records count as
    there before a seal if they are older by more than clocks may be apart.

    Raises:
        BadInput: a record was passed by.
    """
    last, newest_at = seals[-1]
    earlier = next((one for one in reversed(seals) if newest_at - one.at >= PROMISE), None)
    if earlier is None:
        return
    for one in waiting:
        has_grown = earlier.seal.head(*one.place).size < last.head(*one.place).size
        if not has_grown and one.recorded_at < earlier.at - TOLERANCE:
            since = f"seal {earlier.seal.index} of {format_time(earlier.at)}"
            raise BadInput(f"record {one}", f"in {since}, or in one after it", "in no seal")


def overdue(waiting: Sequence[Waiting], now: datetime) -> list[Waiting]:
    """Records that should have been sealed by now, and by the ledger's promise long ago."""
    return [one for one in waiting if now - one.recorded_at > PROMISE + TOLERANCE]


def _places(settings: Settings, ledger: Ledger) -> set[tuple[str, int]]:
    events = {(settings.events_topic, partition) for partition in range(ledger.partitions)}
    return {(settings.directory_topic, 0), *events}


async def _demand_no_more(
    settings: Settings, reader: LogConsumer, known: dict[TopicPartition, int]
) -> None:
    """That no partition was added and written to: nobody would read or seal it."""
    topics = {place.topic for place in known}
    more = [
        TopicPartition(topic, partition)
        for topic in sorted(topics)
        for partition in sorted(reader.partitions_for_topic(topic) or ())
        if TopicPartition(topic, partition) not in known
    ]
    for place, end in (await kafka.end_offsets(settings, reader, more)).items() if more else ():
        if end:
            thing = f"partitions of {place.topic}"
            expected = "as many as the ledger was founded with"
            found = f"{end} records in {place.topic}/{place.partition}"
            raise BadInput(thing, expected, found)


async def _first_of(
    settings: Settings,
    reader: LogConsumer,
    ledger: Ledger,
    starts: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> list[Waiting]:
    """The first records from these offsets on; a partition may have control records alone."""
    for place, start in starts.items():
        reader.seek(place, start)
    found, left = list[Waiting](), set(starts)
    with kafka.translated(settings):
        while left:
            async with asyncio.timeout(kafka.ANSWER_TIMEOUT_S):
                some, done = await _some_of(reader, ledger.timestamp_type, left, ends)
            found += some
            left -= done
    return found


async def _some_of(
    reader: LogConsumer,
    timestamp_type: int,
    left: set[TopicPartition],
    ends: dict[TopicPartition, int],
) -> tuple[list[Waiting], set[TopicPartition]]:
    """What comes next of these partitions, and which of them are done with; one at least."""
    while True:
        fetched = await reader.getmany(*left, timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        found = []
        for place, records in fetched.items():
            own = (one for one in records if one.timestamp_type == timestamp_type)
            if first := next(own, None):
                at = moment_of(first.timestamp_ms)
                found.append(Waiting(place.topic, place.partition, first.offset, at))
        done = {TopicPartition(*one.place) for one in found}
        done |= {place for place in left if await reader.position(place) >= ends[place]}
        if done:
            return found, done
