"""Fill the ledger through the SDK, as agencies do, and measure how fast that goes.

What a signature costs is measured on topics of its own, turn and turn about: a ledger whose events
are not signed would be another ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from bench.measured import Measured, Stopwatch, unsearched
from runut import Producer
from runut.adapters.topics import create_topics
from runut.event import Event
from runut.keystore import KeyStore
from runut.settings import Settings

CHUNK: Final = 20_000
ROUNDS: Final = 5


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


async def signed_and_not(settings: Settings, events: Iterable[Event]) -> dict[str, Measured]:
    """The same events sent twice, `signed` and `unsigned`, in turns."""
    some = list(events)
    size = -(-len(some) // ROUNDS)
    chunks = [some[at : at + size] for at in range(0, len(some), size)]
    watches = {"signed": Stopwatch(), "unsigned": Stopwatch()}
    topics = {
        name: settings.model_copy(update={"events_topic": f"bench.{name}"}) for name in watches
    }
    for one in topics.values():
        await create_topics(one, "BROKER")
    nobody = KeyStore(settings.data / "no-keys")
    async with (
        Producer(topics["signed"]) as signed,
        Producer(topics["unsigned"], nobody, require_keys=False) as unsigned,
    ):
        turns = [("signed", signed), ("unsigned", unsigned)]
        # Whoever sends keeps no events: those held here would be searched on somebody's turn.
        with unsearched():
            for chunk in chunks:
                turns.reverse()  # whoever comes first in a turn finds colder caches
                for name, producer in turns:
                    with watches[name].running():
                        await _send(producer, chunk)
    return {name: watch.measured(len(some)) for name, watch in watches.items()}


async def _send(producer: Producer, events: list[Event]) -> None:
    receipts = [await producer.send(event) for event in events]
    await producer.flush()
    for receipt in receipts:
        receipt.result()


def _chunks(events: Iterator[Event]) -> Iterator[list[Event]]:
    while chunk := list(islice(events, CHUNK)):
        yield chunk
