"""The consumer of the log, where it is more than aiokafka's."""

from __future__ import annotations

from runut.adapters import kafka
from runut.settings import Settings


async def test_whoever_stops_a_consumer_at_once_goes_on(settings: Settings) -> None:
    for _ in range(5):
        consumer = kafka.consumer(settings)
        await kafka.start(settings, consumer)
        await consumer.stop()
