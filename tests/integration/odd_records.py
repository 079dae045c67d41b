"""Records that no client of ours writes, and that Kafka takes all the same."""

from __future__ import annotations

from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c

from runut.adapters import kafka
from runut.settings import Settings

CODECS: Final = ("gzip", "snappy", "lz4", "zstd")
NO_TEXT: Final = b"\xff\xfe"
"""The name of a header that is no UTF-8."""
ODD: Final = len(CODECS) + 1
"""So many records are sent."""


async def send_odd(settings: Settings, partition: int, key: bytes = b"case/X") -> None:
    """Send a record compressed in each way that there is, and one with such a name."""
    for codec in CODECS:
        options = kafka.client_options(settings) | {"compression_type": codec}
        producer = AIOKafkaProducer(**options)
        async with kafka.connected(settings, producer):
            value = codec.encode() * 100
            await producer.send_and_wait(settings.events_topic, value, key=key, partition=partition)
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        batch = _Misnamed(2**20, 0)
        batch.append(timestamp=0, key=key, value=b"odd", headers=[("\x00" * len(NO_TEXT), b"1")])
        batch.close()
        await (await producer.send_batch(batch, settings.events_topic, partition=partition))


async def end_transactions(settings: Settings, partition: int, count: int = 1) -> None:
    """Send records in transactions; each leaves an offset behind whose record nobody is given."""
    options = kafka.client_options(settings)
    name = f"{settings.events_topic}.rubbish.{partition}"
    producer = AIOKafkaProducer(**options, transactional_id=name)
    async with kafka.connected(settings, producer):
        for _ in range(count):
            async with producer.transaction():
                await producer.send_and_wait(
                    settings.events_topic, b"", key=b"case/X", partition=partition
                )


class _Misnamed(BatchBuilder):  # type: ignore[misc]
    """A batch whose only header has a name that no client's own functions would write."""

    def _build(self) -> bytes:
        built = bytearray(super()._build())
        at = built.rindex(b"\x00" * len(NO_TEXT))
        built[at : at + len(NO_TEXT)] = NO_TEXT
        built[17:21] = calc_crc32c(bytes(built[21:])).to_bytes(4)
        return bytes(built)
