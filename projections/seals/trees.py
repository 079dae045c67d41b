"""Read a stored tree: its tiles, entries, roots and proofs, each in O(log n) rows.

Owns how the hashes of `runut.tiles` are found in the tables, where they are not known yet. A tree
of any size that it ever had can be read: what is complete never changes, and the rest is made of
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from projections.queries import queries
from projections.seals.known import KnownTrees, StoredTree, TilePlace
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
from runut.tiles import (
    TILE_WIDTH,
    GrowingTree,
    Tile,
    TileHashes,
    TileSlice,
    open_tiles,
    slice_of,
)

NO_RECORD: Final = bytes(merkle.HASH_SIZE)
"""Stands for both hashes of an offset without a record: nobody has bytes that hash to it."""

_SQL: Final = queries("proving")


class TreeReader:
    """One tree, over a connection that finds the tables."""

    def __init__(self, connection: Connection, tree: StoredTree, known: KnownTrees) -> None:
        self.tree = tree
        self._connection = connection
        self._known = known

    async def entries(self, tile: int) -> list[bytes]:
        """The entries of a tile of level 0, as many as are stored."""
        return (await self._entries([tile])).get(tile, [])

    async def tile(self, wanted: Tile) -> Sequence[bytes]:
        """The hashes of a tile. Raises as `root`."""
        [found] = await self._hashes([wanted])
        return found

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
        """The entry of a leaf, with its path. Raises as the path."""
        place, at = divmod(index, TILE_WIDTH)
        entries = await self.entries(place)
        # The path needs the leaf's tile, too: it is read but once.
        if self._known.tile(self.tree.tree, (0, place), len(entries)) is None:
            self._known.keep(self.tree.tree, (0, place), _leaf_hashes(entries))
        path = await self.inclusion_path(index, size)
        if at >= len(entries):
            raise self._lacking((0, place), at + 1, len(entries))
        return entries[at], path

    async def consistency_proof(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """The proof that the newer tree extends the older one.

        Raises:
            BadInput: `old_size` is not 1 to `new_size`.
        """
        return tuple(await self._roots(consistency_ranges(old_size, new_size)))

    async def growing(self, size: int) -> GrowingTree:
        """The tree of the first `size` leaves, to be appended to."""
        return GrowingTree(await self._hashes(open_tiles(size)), size)

    async def _hashes(self, wanted: Sequence[Tile]) -> list[Sequence[bytes]]:
        tiles = await self._tiles({(one.level, one.index): one.width for one in wanted})
        return [tiles[one.level, one.index].hashes[: one.width] for one in wanted]

    async def _roots(self, ranges: Sequence[LeafRange]) -> list[bytes]:
        slices = [[slice_of(one) for one in complete_subtrees(leaves)] for leaves in ranges]
        tiles = await self._tiles(_widths(one for some in slices for one in some))
        return [
            root_of_subtrees([tiles[one.level, one.index].root(one) for one in some])
            for some in slices
        ]

    async def _tiles(self, widths: Mapping[TilePlace, int]) -> dict[TilePlace, TileHashes]:
        """Tiles, each with so many hashes or more."""
        tree = self.tree.tree
        known = {place: self._known.tile(tree, place, width) for place, width in widths.items()}
        found = {place: tile for place, tile in known.items() if tile is not None}
        unknown = sorted(widths.keys() - found.keys())
        read = await self._read(unknown) if unknown else {}
        for place in unknown:
            found[place] = self._known.keep(tree, place, read.get(place, []))
            if len(found[place].hashes) < widths[place]:
                raise self._lacking(place, widths[place], len(found[place].hashes))
        return found

    def _lacking(self, place: TilePlace, expected: int, found: int) -> LedgerMismatch:
        level, index = place
        return LedgerMismatch(
            f"tree of {self.tree.topic}/{self.tree.partition}: expected {expected} hashes in tile "
            f"{level}/{index}, found {found}"
        )

    async def _read(self, places: Sequence[TilePlace]) -> dict[TilePlace, Sequence[bytes]]:
        leaves = await self._leaves([index for level, index in places if level == 0])
        nodes = await self._nodes([place for place in places if place[0] > 0])
        return {(0, index): hashes for index, hashes in leaves.items()} | nodes

    async def _nodes(self, places: Sequence[TilePlace]) -> dict[TilePlace, Sequence[bytes]]:
        """Tiles above the leaves."""
        asked = {
            "tree": self.tree.tree,
            "levels": [level for level, _ in places],
            "tiles": [index for _, index in places],
        }
        rows = await self._rows("tile_nodes", asked) if places else []
        return {(level, index): _split(hashes) for level, index, hashes in rows}

    async def _leaves(self, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        """Leaf hashes by tile."""
        return {index: _leaf_hashes(some) for index, some in (await self._entries(tiles)).items()}

    async def _entries(self, tiles: Sequence[int]) -> dict[int, list[bytes]]:
        """Entries by tile."""
        asked = {"tree": self.tree.tree, "tiles": tiles}
        found: dict[int, list[bytes]] = {}
        for first, *hashes in await self._rows("leaf_runs", asked) if tiles else ():
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
        for index, content in await self._rows(query, {"tiles": tiles}) if tiles else ():
            found.setdefault(index // TILE_WIDTH, []).append(content)
        return found


SEAL_LOG: Final = 0
"""Number of the log of seals among the trees."""


def reader_of(
    connection: Connection, tree: StoredTree, known: KnownTrees | None = None
) -> TreeReader:
    """What reads a tree; shares what is known of it with others, if that is given."""
    kind = SealLogReader if tree.tree == SEAL_LOG else TreeReader
    return kind(connection, tree, known or KnownTrees())


async def stored_trees(connection: Connection) -> list[StoredTree]:
    """All trees, that of the log of seals first."""
    cursor = await connection.execute(_SQL["trees"])
    return [StoredTree(*row) for row in await cursor.fetchall()]


def _widths(slices: Iterable[TileSlice]) -> dict[TilePlace, int]:
    """How many hashes of which tiles the slices are made of."""
    found: dict[TilePlace, int] = {}
    for one in slices:
        place = one.level, one.index
        found[place] = max(found.get(place, 0), one.end)
    return found


def _leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    return list(map(merkle.leaf_hash, entries))


def _split(hashes: bytes) -> list[bytes]:
    size = merkle.HASH_SIZE
    return [hashes[at : at + size] for at in range(0, len(hashes), size)]
