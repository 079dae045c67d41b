"""Fill the ledger through the SDK, as agencies do, and measure how fast that goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from bench.measured import Measured, Stopwatch
from runut import Producer
from runut.event import Event
from runut.settings import Settings

CHUNK: Final = 20_000


class Filled(NamedTuple):
    """What went in."""

    measured: Measured
    """From `send` to the last receipt; making the events is not counted."""
    ends: dict[int, int]
    """Highest offset written in each partition."""


async def fill(settings: Settings, events: Iterable[Event]) -> Filled:
    """Send events, each signed with its agency's key and acknowledged by all replicas."""
    watch, ends, sent = Stopwatch(), dict[int, int](), 0
    async with Producer(settings) as producer:
        for chunk in _chunks(iter(events)):
            with watch.running():
                receipts = [await producer.send(event) for event in chunk]
                await producer.flush()
            for receipt in receipts:
                stored = receipt.result()
                ends[stored.partition] = max(stored.offset, ends.get(stored.partition, -1))
            sent += len(chunk)
    return Filled(watch.measured(sent), ends)


def _chunks(events: Iterator[Event]) -> Iterator[list[Event]]:
    while chunk := list(islice(events, CHUNK)):
        yield chunk
