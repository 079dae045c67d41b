"""A sealer in this process, and what its seals have to be, made from Kafka again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka.structs import TopicPartition

from consumers.published_seals import ENTRY_HEADER
from consumers.sealer import Sealer
from projections.seals.figures import seal_figures
from runut import merkle
from runut.adapters import kafka
from runut.adapters.postgres import connected
from runut.keystore import KeyStore
from runut.merkle_map import NO_RECORDS, Chain, root_of
from runut.notes import Checkpoint, Note, parse_checkpoint, parse_note, verified
from runut.records import RawRecord, filler_leaf, key_hash
from runut.seal_key import seal_signer
from runut.seals import Seal, TreeHead, seal_of
from runut.settings import Settings
from tests.integration.odd_records import end_transactions, send_odd
from tests.integration.test_projector import emit_all, random_objects, scenario_lines
from tests.ledgers import PARTITIONS, introduce_agencies

DEADLINE_S = 60.0
LEDGER = "runut"
RUBBISH = [b"", b"\x00", b"\x01\x00\x00\x00\x01{}", b"\x00" * 300]

Place = tuple[str, int]


class Published(NamedTuple):
    """A record of the topic of seals."""

    note: Note
    entry: bytes
    seal: Seal

    @property
    def checkpoint(self) -> Checkpoint:
        return parse_checkpoint(self.note.text)


@asynccontextmanager
async def sealing(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A sealer in this process, stopped at the end of the block."""
    task = asyncio.create_task(Sealer(settings).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def seal_all(settings: Settings) -> None:
    """Run a sealer until a seal covers all that the log holds now."""
    async with sealing(settings) as sealer:
        await until_sealed(settings, sealer)


async def until_sealed(settings: Settings, sealer: asyncio.Task[None]) -> None:
    """Wait until a signed seal covers all that the log holds now; raises what ends the sealer."""
    last = {f"{p.topic}/{p.partition}": end for p, end in (await last_records(settings)).items()}
    async with (
        connected(settings, name="tests", autocommit=True) as connection,
        asyncio.timeout(DEADLINE_S),
    ):
        while True:
            if sealer.done():
                await sealer
            sealed = (await seal_figures(connection)).sealed
            if sealed and all(sealed[place] > offset for place, offset in last.items()):
                return
            await asyncio.sleep(0.02)


async def refuse_to_seal(settings: Settings) -> None:
    """Run a sealer until it stops by itself; what stops it is raised."""
    async with asyncio.timeout(DEADLINE_S):
        await Sealer(settings).run()


async def write(settings: Settings, name: str, count: int = 20) -> None:
    """Write so many records of a subject of that name and of others; no events, but records."""
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        for n in range(count):
            key = f"case/{name}-{n % 3}".encode()
            value = f"{name} {n}".encode()
            await producer.send(settings.events_topic, value, key=key, partition=n % PARTITIONS)
        await producer.flush()


async def read_places(settings: Settings) -> dict[Place, list[RawRecord]]:
    """All records of the events and the directory."""
    found: dict[Place, list[RawRecord]] = {(p.topic, p.partition): [] for p in places(settings)}
    consumer = kafka.consumer(settings)
    async with kafka.connected(settings, consumer):
        starts = dict.fromkeys(places(settings), 0)
        async for records in kafka.read_to_end(settings, consumer, starts):
            for record in records:
                found[record.topic, record.partition].append(record)
    return found


async def last_records(settings: Settings) -> dict[TopicPartition, int]:
    """Offset of the last record of each partition that has one."""
    found = await read_places(settings)
    return {TopicPartition(*place): some[-1].offset for place, some in found.items() if some}


def places(settings: Settings) -> list[TopicPartition]:
    return [
        TopicPartition(settings.directory_topic, 0),
        *(TopicPartition(settings.events_topic, n) for n in range(PARTITIONS)),
    ]


async def published(settings: Settings) -> list[Published]:
    """The topic of seals, each note verified by the ledger's key."""
    key = seal_signer(KeyStore(settings.keys), LEDGER).key
    consumer = kafka.consumer(settings)
    found = []
    async with kafka.connected(settings, consumer):
        start = {TopicPartition(settings.seals_topic, 0): 0}
        async for records in kafka.read_to_end(settings, consumer, start):
            for record in records:
                note, entry = parse_note(record.value or b""), dict(record.headers)[ENTRY_HEADER]
                assert entry is not None
                assert [one.key for one in verified(note, [key])] == [key]
                found.append(Published(note, entry, seal_of(entry)))
    return found


def leaves_of(place: Place, records: Iterable[RawRecord]) -> list[tuple[bytes | None, bytes]]:
    """Key hash and leaf hash of every offset, from the definition."""
    leaves: list[tuple[bytes | None, bytes]] = []
    for record in records:
        while len(leaves) < record.offset:
            leaves.append((None, filler_leaf(*place, len(leaves))))
        leaves.append((key_hash(record.key), record.leaf()))
    return leaves


def head_of(place: Place, leaves: Sequence[tuple[bytes | None, bytes]]) -> TreeHead:
    """What a seal of these leaves has to say of their partition."""
    chains: dict[bytes, Chain] = {}
    for key, leaf in leaves:
        if key is not None:
            chains[key] = chains.get(key, NO_RECORDS).then(leaf)
    hashes = [leaf for _, leaf in leaves]
    return TreeHead(*place, len(leaves), merkle.root(hashes), root_of(chains))


def check_seals(found: Sequence[Published], log: Mapping[Place, Sequence[RawRecord]]) -> None:
    """Every seal is what the log gives, and every checkpoint the log of seals up to it."""
    leaves = {place: leaves_of(place, records) for place, records in log.items()}
    for index, one in enumerate(found):
        assert one.seal.index == index
        hashes = [merkle.leaf_hash(each.entry) for each in found[: index + 1]]
        origin = f"{LEDGER}/seals"
        assert one.checkpoint == Checkpoint(origin, index + 1, merkle.root(hashes))
        expected = [head_of(h.place, leaves[h.place][: h.size]) for h in one.seal.heads]
        assert list(one.seal.heads) == expected
        assert {h.place for h in one.seal.heads} == leaves.keys()


class SealedLedger(NamedTuple):
    """A ledger that was sealed several times, with everything that Kafka holds of it."""

    settings: Settings
    log: Mapping[Place, list[RawRecord]]
    seals: list[Published]


async def seal_a_story(settings: Settings) -> SealedLedger:
    """Agencies' events, rubbish without and with a key, and offsets without a record."""
    async with sealing(settings) as sealer:
        await until_sealed(settings, sealer)
        await introduce_agencies(settings)
        await emit_all(settings, scenario_lines("01-unpaid-wages"))
        await until_sealed(settings, sealer)
        await _send_rubbish(settings)
        # More than a tile of 256 in one partition.
        await emit_all(settings, random_objects(range(3), 150))
        await until_sealed(settings, sealer)
    return SealedLedger(settings, await read_places(settings), await published(settings))


async def _send_rubbish(settings: Settings) -> None:
    topic = settings.events_topic
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        for value in RUBBISH:
            await producer.send_and_wait(topic, value, key=None, partition=2)
            await producer.send_and_wait(topic, value, key=b"case/X", partition=2)
        await producer.send_and_wait(topic, None, key=b"", partition=2)
    await send_odd(settings, 2)
    await end_transactions(settings, 2, count=2)
