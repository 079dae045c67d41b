"""What Kafka and Avro allow: reading and decoding the same events, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer

from bench.ground import Ground
from bench.measured import Measured, Meter, Stopwatch
from bench.rows import AT_ONCE, Decode, Types, by_fastavro, is_marker
from runut import codec
from runut.adapters import kafka
from runut.catalogue import catalogue
from runut.directory_follower import DirectoryFollower
from runut.outgoing import known_schema_ids
from runut.settings import Settings

POLL_MS: Final = 500
SAMPLE: Final = 50_000
"""Bodies that are kept to be decoded."""
TIMES: Final = 3
"""Decoding is over in a moment: the best of so many counts."""
BLOCK: Final = 256 * 1024

Body = tuple[int, bytes]
"""Schema id and Avro body of an event."""


class Read(NamedTuple):
    """The topic, read and thrown away but for a sample."""

    measured: Measured
    sample: list[Body]
    value_bytes: float
    """Of a Kafka value, on average."""


def reading_all(settings: Settings, group: str) -> AIOKafkaConsumer:
    """A consumer of the whole topic, with fetch sizes as the projector's."""
    return AIOKafkaConsumer(
        settings.events_topic,
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        fetch_max_bytes=4 * kafka.MAX_FETCH_BYTES,
        max_partition_fetch_bytes=kafka.MAX_FETCH_BYTES,
    )


async def read(ground: Ground, records: int) -> Read:
    """`getmany` of everything: so many records, markers included."""
    sample: list[Body] = []
    size = count = 0
    async with reading_all(ground.settings, "bench-getmany") as consumer:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=1)
        meter = Meter([os.getpid()], ground.postgres)
        while count < records:
            for some in fetched.values():
                count += len(some)
                size += sum(len(record.value) for record in some)
                if len(sample) < SAMPLE:
                    sample += [codec.unframe(r.value) for r in some if not is_marker(r.key)]
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)
    return Read(meter.stop(count), sample[:SAMPLE], size / count)


async def schema_types(settings: Settings) -> Types:
    """What each schema id stands for in this ledger."""
    async with DirectoryFollower(settings) as follower:
        ids = known_schema_ids(follower.log.latest)
    return {schema_id: catalogue().by_name(name) for name, schema_id in ids.items()}


def decoding(sample: Sequence[Body], types: Types) -> dict[str, Measured]:
    """Bare decoding by fastavro and by our reader."""
    return {
        "fastavro_longs": _best(sample, by_fastavro(types, times=False)),
        "fastavro_times": _best(sample, by_fastavro(types)),
        "our_decoder": _best(sample, lambda one, body: codec.decode(types[one], body)),
    }


def _best(sample: Sequence[Body], decode: Decode) -> Measured:
    runs = []
    for _ in range(TIMES):
        watch = Stopwatch()
        with watch.running():
            for schema_id, body in sample:
                decode(schema_id, body)
        runs.append(watch.measured(len(sample)))
    return min(runs, key=lambda run: run.seconds)
