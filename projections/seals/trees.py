"""Read a stored tree: its tiles, entries, roots and proofs, each in O(log n) rows.

Owns how the hashes of `runut.tiles` are found in the tables. A tree of any size that it ever had
can be read: what is complete never changes, and the rest is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from projections.queries import queries
from runut import merkle
from runut.adapters.postgres import Connection
from runut.errors import LedgerMismatch
from runut.merkle_ranges import (
    LeafRange,
    complete_subtrees,
    consistency_ranges,
    inclusion_ranges,
    root_of_subtrees,
)
from runut.records import filler_entry, hashed_entry
from runut.tiles import TILE_WIDTH, GrowingTree, TileSlice, open_tiles, slice_of

NO_RECORD: Final = bytes(merkle.HASH_SIZE)
"""Stands for both hashes of an offset without a record: nobody has bytes that hash to it."""

_SQL: Final = queries("proving")

TilePlace = tuple[int, int]
"""Level and index of a tile."""


class StoredTree(msgspec.Struct, frozen=True):
    """A tree by its number in the tables, and the partition that it is of."""

    tree: int
    topic: str
    partition: int


class TreeReader:
    """One tree, over a connection that finds the tables."""

    def __init__(self, connection: Connection, tree: StoredTree) -> None:
        self.tree = tree
        self._connection = connection

    async def entries(self, tile: int) -> list[bytes]:
        """The entries of a tile of level 0, as many as are stored."""
        return (await self._entries([tile])).get(tile, [])

    async def tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, as many as are stored."""
        return (await self._tiles({(level, index)})).get((level, index), [])

    async def root(self, size: int) -> bytes:
        """Root of the first `size` leaves.

        Raises:
            LedgerMismatch: the tables lack some of the hashes (so do all that prove).
        """
        [found] = await self._roots([LeafRange(0, size)])
        return found

    async def inclusion_path(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path that proves leaf `index` in the tree of the first `size` leaves.

        Raises:
            BadInput: there is no such leaf.
        """
        return tuple(await self._roots(inclusion_ranges(index, size)))

    async def inclusion(self, index: int, size: int) -> tuple[bytes, tuple[bytes, ...]]:
        """The entry of a leaf with its path, each tile being read once. Raises as the path."""
        slices = _slices(inclusion_ranges(index, size))
        wanted = _tiles_of(slices)
        places = sorted({index // TILE_WIDTH, *(tile for level, tile in wanted if level == 0)})
        entries = await self._entries(places)
        tiles = {(0, place): _hashes(some) for place, some in entries.items()}
        tiles |= await self._nodes(wanted)
        return entries[index // TILE_WIDTH][index % TILE_WIDTH], tuple(self._joined(tiles, slices))

    async def consistency_proof(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """The proof that the newer tree extends the older one.

        Raises:
            BadInput: `old_size` is not 1 to `new_size`.
        """
        return tuple(await self._roots(consistency_ranges(old_size, new_size)))

    async def growing(self, size: int) -> GrowingTree:
        """The tree of the first `size` leaves, to be appended to."""
        opened = open_tiles(size)
        tiles = await self._tiles({(tile.level, tile.index) for tile in opened})
        hashes = [
            self._part(tiles, TileSlice(tile.level, tile.index, 0, tile.width)) for tile in opened
        ]
        return GrowingTree(hashes, size)

    async def _roots(self, ranges: Sequence[LeafRange]) -> list[bytes]:
        slices = _slices(ranges)
        return self._joined(await self._tiles(_tiles_of(slices)), slices)

    def _joined(
        self, tiles: Mapping[TilePlace, list[bytes]], slices: Sequence[Sequence[TileSlice]]
    ) -> list[bytes]:
        return [
            root_of_subtrees([merkle.root(self._part(tiles, one)) for one in some])
            for some in slices
        ]

    def _part(self, tiles: Mapping[TilePlace, list[bytes]], wanted: TileSlice) -> list[bytes]:
        found = tiles.get((wanted.level, wanted.index), [])[wanted.start : wanted.end]
        if len(found) != wanted.end - wanted.start:
            raise LedgerMismatch(
                f"tree of {self.tree.topic}/{self.tree.partition}: expected hashes {wanted.start} "
                f"to {wanted.end} of tile {wanted.level}/{wanted.index}, found {len(found)}"
            )
        return found

    async def _tiles(self, wanted: set[TilePlace]) -> dict[TilePlace, list[bytes]]:
        lowest = sorted(index for level, index in wanted if level == 0)
        leaves = await self._leaves(lowest) if lowest else {}
        return {(0, index): hashes for index, hashes in leaves.items()} | await self._nodes(wanted)

    async def _nodes(self, wanted: set[TilePlace]) -> dict[TilePlace, list[bytes]]:
        """Of these tiles those above the leaves."""
        higher = sorted(place for place in wanted if place[0] > 0)
        found: dict[TilePlace, list[bytes]] = {}
        if higher:
            asked = {
                "tree": self.tree.tree,
                "levels": [level for level, _ in higher],
                "tiles": [index for _, index in higher],
            }
            for level, index, node in await self._rows("tile_nodes", asked):
                found.setdefault((level, index // TILE_WIDTH), []).append(node)
        return found

    async def _leaves(self, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        """Leaf hashes by tile."""
        return {index: _hashes(some) for index, some in (await self._entries(tiles)).items()}

    async def _entries(self, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        """Entries by tile."""
        found: dict[int, list[bytes]] = {}
        asked = {"tree": self.tree.tree, "tiles": tiles}
        for first, *hashes in await self._rows("leaf_runs", asked):
            of_run = self._entries_of_run(first, *hashes)
            found.setdefault(first // TILE_WIDTH, []).extend(of_run)
        return found

    def _entries_of_run(self, first: int, keys: bytes, records: bytes) -> Iterable[bytes]:
        pairs = zip(_split(keys), _split(records), strict=True)
        for offset, (key, record) in enumerate(pairs, first):
            if record == NO_RECORD:
                yield filler_entry(self.tree.topic, self.tree.partition, offset)
            else:
                yield hashed_entry(key, record)

    async def _rows(self, query: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(_SQL[query], asked, binary=True)
        return await cursor.fetchall()


class SealLogReader(TreeReader):
    """The log of seals, whose entries are the seals."""

    async def _leaves(self, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        return await self._by_tile("seal_leaves", tiles)

    async def _entries(self, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        return await self._by_tile("seal_entries", tiles)

    async def _by_tile(self, query: str, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        found: dict[int, list[bytes]] = {}
        for index, content in await self._rows(query, {"tiles": tiles}):
            found.setdefault(index // TILE_WIDTH, []).append(content)
        return found


SEAL_LOG: Final = 0
"""Number of the log of seals among the trees."""


def reader_of(connection: Connection, tree: StoredTree) -> TreeReader:
    """What reads a tree."""
    kind = SealLogReader if tree.tree == SEAL_LOG else TreeReader
    return kind(connection, tree)


async def stored_trees(connection: Connection) -> list[StoredTree]:
    """All trees, that of the log of seals first."""
    cursor = await connection.execute(_SQL["trees"])
    return [StoredTree(*row) for row in await cursor.fetchall()]


def _slices(ranges: Sequence[LeafRange]) -> list[list[TileSlice]]:
    """What of which tiles the root of each range is made of."""
    return [[slice_of(one) for one in complete_subtrees(leaves)] for leaves in ranges]


def _tiles_of(slices: Sequence[Sequence[TileSlice]]) -> set[TilePlace]:
    return {(one.level, one.index) for some in slices for one in some}


def _hashes(entries: Iterable[bytes]) -> list[bytes]:
    return list(map(merkle.leaf_hash, entries))


def _split(hashes: bytes) -> list[bytes]:
    size = merkle.HASH_SIZE
    return [hashes[at : at + size] for at in range(0, len(hashes), size)]
