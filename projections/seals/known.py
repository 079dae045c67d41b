"""What was read of the trees already, for all who prove in one process.

Owns which tiles stay in memory: those used last. Trees only grow and tiles only fill up, so that
what was read stays true whoever seals; a tile that is asked for more hashes is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from runut.tiles import TileHashes

MOST_TILES: Final = 512
"""Some 20 MB with all nodes. A tree of ten million leaves has 154 tiles above its leaves."""

TilePlace = tuple[int, int]
"""Level and index of a tile."""


class StoredTree(msgspec.Struct, frozen=True):
    """A tree by its number in the tables, and the partition that it is of."""

    tree: int
    topic: str
    partition: int


class KnownTrees:
    """The trees of one ledger and their tiles, as far as they are known."""

    def __init__(self, most_tiles: int = MOST_TILES) -> None:
        self.trees: Sequence[StoredTree] = ()
        """All of them; empty until they were read."""
        self._tiles: OrderedDict[tuple[int, TilePlace], TileHashes] = OrderedDict()
        self._most_tiles = most_tiles

    def tile(self, tree: int, place: TilePlace, width: int) -> TileHashes | None:
        """A tile of which so many hashes at least are known."""
        found = self._tiles.get((tree, place))
        if found is None or len(found.hashes) < width:
            return None
        self._tiles.move_to_end((tree, place))
        return found

    def keep(self, tree: int, place: TilePlace, hashes: Sequence[bytes]) -> TileHashes:
        """A tile as it was read just now."""
        found = self._tiles[tree, place] = TileHashes(hashes)
        self._tiles.move_to_end((tree, place))
        if len(self._tiles) > self._most_tiles:
            self._tiles.popitem(last=False)
        return found
