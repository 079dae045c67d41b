"""Stored trees are read as they grow: what is known of them already is never wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

import psycopg
import pytest

from projections.seals.install import install_seals
from projections.seals.known import KnownTrees, StoredTree
from projections.seals.store import Growth, SealStore
from projections.seals.trees import SEAL_LOG, TreeReader, reader_of
from runut import merkle
from runut.adapters.postgres import Connection, connected
from runut.errors import BadInput, LedgerMismatch
from runut.records import hashed_entry
from runut.settings import Settings
from runut.tiles import TILE_WIDTH, GrowingTree, Tile

TREE = StoredTree(1, "events", 0)
KEYS = [sha256(b"k" + n.to_bytes(4)).digest() for n in range(700)]
RECORDS = [sha256(b"r" + n.to_bytes(4)).digest() for n in range(700)]
ENTRIES = list(map(hashed_entry, KEYS, RECORDS))
LEAVES = list(map(merkle.leaf_hash, ENTRIES))


@asynccontextmanager
async def connecting(settings: Settings) -> AsyncIterator[Connection]:
    async with connected(settings, name="tests", autocommit=True) as connection:
        yield connection


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[SealStore]:
    """The tables, empty, and who may add to them."""
    async with connecting(settings) as connection:
        await install_seals(connection, settings)
        yield await SealStore.claim(connection, [StoredTree(SEAL_LOG, "seals", 0), TREE])


async def grow(store: SealStore, tree: GrowingTree, end: int) -> None:
    """Add the leaves up to `end`."""
    first = tree.size
    nodes = tree.extend(LEAVES[first:end])
    columns = KEYS[first:end], RECORDS[first:end], [0] * (end - first)
    await store.grow([Growth(TREE.tree, first, *columns, nodes)], {})


async def check(reader: TreeReader, size: int, indexes: Sequence[int]) -> None:
    leaves = LEAVES[:size]
    assert await reader.root(size) == merkle.root(leaves)
    for index in indexes:
        path = merkle.inclusion_path(leaves, index)
        assert await reader.inclusion(index, size) == (ENTRIES[index], path)
        assert await reader.inclusion_path(index, size) == path
        proof = merkle.consistency_proof(leaves, index + 1)
        assert await reader.consistency_proof(index + 1, size) == proof


@pytest.mark.parametrize("most_tiles", [1, 512])
async def test_what_is_known_of_a_tree_proves_it_at_every_size_that_it_had_or_gets(
    settings: Settings, store: SealStore, most_tiles: int
) -> None:
    known, tree, sizes = KnownTrees(most_tiles), GrowingTree(), [1, 3, 255, 256, 257, 512, 700]
    async with connecting(settings) as connection:
        reader = reader_of(connection, TREE, known)
        for grown, end in enumerate(sizes, 1):
            await grow(store, tree, end)
            for size in sizes[:grown]:
                await check(reader, size, sorted({0, size // 2, size - 1}))


async def test_what_is_known_is_not_asked_for_again(settings: Settings, store: SealStore) -> None:
    known = KnownTrees()
    await grow(store, GrowingTree(), 700)
    async with connecting(settings) as connection:
        reader = reader_of(connection, TREE, known)
        path = await reader.inclusion_path(300, 700)
    # The connection is closed.
    assert await reader.inclusion_path(300, 700) == path
    assert await reader.inclusion_path(300, 650) == merkle.inclusion_path(LEAVES[:650], 300)
    assert list(await reader.tile(Tile(0, 2, 9))) == LEAVES[2 * TILE_WIDTH :][:9]
    with pytest.raises(psycopg.OperationalError):
        await reader.tile(Tile(1, 0, 3))


async def test_what_the_tables_lack_is_named(settings: Settings, store: SealStore) -> None:
    await grow(store, GrowingTree(), 300)
    async with connecting(settings) as connection:
        reader = reader_of(connection, TREE)
        with pytest.raises(LedgerMismatch, match="events/0: expected 144 hashes in tile 0/1, fo"):
            await reader.inclusion(5, 400)
        with pytest.raises(LedgerMismatch, match="expected 2 hashes in tile 1/0, found 1"):
            await reader.tile(Tile(1, 0, 2))
        with pytest.raises(BadInput, match="leaf index"):
            await reader.inclusion(300, 300)
