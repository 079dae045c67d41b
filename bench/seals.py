"""Sealing: what it costs those who project, how fast it goes alone, how soon a proof is made.

The tree in which proofs are looked for is made up: all of its tiles hold the same leaves, which
changes nothing for whoever reads it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from random import Random
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.end_to_end import STANDSTILL_S, Latency, catch_up, latency
from bench.ground import Ground, elsewhere, sealer
from bench.measured import Measured, Meter
from projections.install import install
from projections.queries import queries
from projections.seals.install import install_seals
from projections.seals.known import KnownTrees
from projections.seals.log import is_installed
from projections.seals.proofs import Proofs
from projections.seals.trees import SEAL_LOG
from runut import merkle
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.adapters.topics import create_topics
from runut.merkle_map import EMPTY
from runut.notes import Checkpoint, NoteSigner
from runut.records import hashed_entry
from runut.seals import Seal, TreeHead, entry_of
from runut.settings import Settings
from runut.tiles import TILE_HEIGHT, TILE_WIDTH

LEAVES: Final = 10_000_000
"""Of the tree in which proofs are looked for, unless another size is asked for."""
PROOFS: Final = 1_000
POLL_S: Final = 0.01
BESIDE: Final = "beside"
"""Name of the read models and seals that are made at the same time."""

_RUNS: Final = (
    "INSERT INTO leaf_run SELECT 1, tile * 256, %(size)s, %(keys)s, %(records)s, %(checks)s"
    "  FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS tile"
)
_NODES: Final = (
    "INSERT INTO tile_node SELECT 1, %(level)s, index, %(hash)s"
    "  FROM generate_series(0, %(last)s::bigint) AS index"
)


async def catch_up_sealed(
    ground: Ground, count: int, ends: Mapping[int, int], events: int
) -> Measured:
    """So many workers project everything while a sealer reads it all, too."""
    settings = await own_seals(ground, BESIDE)
    async with sealer(settings):
        return await catch_up(ground, settings, count, ends, events)


async def finish_beside(ground: Ground, ends: Mapping[int, int]) -> Settings:
    """Let that sealer come to the end of the log; gives the settings of it and of the models."""
    settings = await own_seals(ground, BESIDE)
    async with (
        sealer(settings),
        postgres.connected(settings, name="bench", autocommit=True) as connection,
        asyncio.timeout(STANDSTILL_S + sum(ends.values()) / 1_000),
    ):
        while True:
            sizes = await _sizes(connection)
            if all(sizes.get((settings.events_topic, one), 0) > end for one, end in ends.items()):
                return settings
            await asyncio.sleep(POLL_S)


async def catch_up_alone(ground: Ground, ends: Mapping[int, int]) -> Measured:
    """A sealer grows all trees, and nobody else is at work; from the first leaves on."""
    settings = await own_seals(ground, "sealer")
    topic, meter, before = settings.events_topic, None, 0
    async with (
        sealer(settings) as pid,
        postgres.connected(settings, name="bench", autocommit=True) as connection,
        asyncio.timeout(STANDSTILL_S + sum(ends.values()) / 1_000),
    ):
        while True:
            sizes = await _sizes(connection)
            leaves = {one: sizes.get((topic, one), 0) for one in ends}
            if any(leaves.values()) and meter is None:
                meter, before = Meter([pid], ground.postgres), sum(leaves.values())
            if meter is not None and all(leaves[one] > last for one, last in ends.items()):
                return meter.stop(max(1, sum(leaves.values()) - before))
            await asyncio.sleep(POLL_S)


async def own_seals(ground: Ground, name: str) -> Settings:
    """The same platform with tables and a topic for a log of seals of its own."""
    settings = elsewhere(ground.settings, name)
    settings = settings.model_copy(update={"seals_topic": f"bench.{name}.seals"})
    await create_topics(settings, "BROKER")
    return settings


async def _sizes(connection: Connection) -> dict[tuple[str, int], int]:
    if not await is_installed(connection):
        return {}
    cursor = await connection.execute(queries("proving")["tree_sizes"])
    return {(topic, partition): size for topic, partition, size in await cursor.fetchall()}


async def proofs(ground: Ground, leaves: int) -> Latency:
    """Proofs of records anywhere in a tree of so many, one after the other, each checked."""
    settings, chance, known = elsewhere(ground.settings, "proofs"), Random(1), KnownTrees()
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        await install(connection, settings)
        await install_seals(connection, settings)
        await _make_tree(connection, settings, leaves)
        asked, answered = [], []
        for _ in range(PROOFS):
            offset = chance.randrange(leaves)
            asked.append(time.perf_counter())
            proofs = Proofs(connection, settings, known)
            proof = await proofs.record(settings.events_topic, 0, offset, None)
            answered.append(time.perf_counter())
            proof.demand()
    return latency(asked, answered)


async def _make_tree(connection: Connection, settings: Settings, size: int) -> None:
    keys, records = ([os.urandom(merkle.HASH_SIZE) for _ in range(TILE_WIDTH)] for _ in range(2))
    leaves = [
        merkle.leaf_hash(hashed_entry(key, record))
        for key, record in zip(keys, records, strict=True)
    ]
    full, rest = divmod(size, TILE_WIDTH)
    for width, first, last in ((TILE_WIDTH, 0, full - 1), (rest, full, full)):
        if width:
            columns = {
                "size": width,
                "keys": b"".join(keys[:width]),
                "records": b"".join(records[:width]),
                "checks": bytes(2 * width),
            }
            await connection.execute(_RUNS, {**columns, "first": first, "last": last})
    # What is left over at the right of each level, joined to one root on the way up.
    tail, node, level = leaves[:rest], merkle.root(leaves), 0
    while count := size >> (level + 1) * TILE_HEIGHT:
        level += 1
        nodes = {"level": level, "hash": node, "last": count - 1}
        await connection.execute(_NODES, nodes)
        beside = [merkle.root(tail)] if tail else []
        tail, node = [*([node] * (count % TILE_WIDTH)), *beside], merkle.root([node] * TILE_WIDTH)
    await connection.execute("VACUUM ANALYZE leaf_run, tile_node")
    await _seal(connection, settings, size, merkle.root(tail))


async def _seal(connection: Connection, settings: Settings, size: int, root: bytes) -> None:
    """One seal over the tree, with its map left empty."""
    head = TreeHead(settings.events_topic, 0, size, root, EMPTY)
    entry = entry_of(Seal(bytes(16), 0, 0, (head,)))
    leaf = merkle.leaf_hash(entry)
    signer = NoteSigner("bench/seals", Ed25519PrivateKey.generate())
    checkpoint = Checkpoint("bench/seals", 1, leaf).text()
    trees = [(SEAL_LOG, "bench/seals", 0), (1, settings.events_topic, 0)]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany("INSERT INTO tree VALUES (%s, %s, %s)", trees)
        await cursor.execute(
            "INSERT INTO seal (index, sealed_at, entry, leaf, checkpoint)"
            " VALUES (0, CURRENT_TIMESTAMP, %s, %s, %s)",
            (entry, leaf, checkpoint),
        )
        line = signer.sign(checkpoint).line()
        await cursor.execute("INSERT INTO seal_signature VALUES (0, %s)", (line,))
