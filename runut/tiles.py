"""A tree as tiles of 256 hashes, by which it is kept and served (c2sp.org/tlog-tiles).

Pure. A tile of level 0 has leaf hashes; in one of level n + 1 each hash is the root of a full tile
of level n. Owns where a tile is to be found by its name, in which tile a subtree lies, and how a
growing tree completes them. Where tiles are stored is `projections.seals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from runut.errors import BadInput
from runut.merkle import EMPTY_ROOT, parents, root
from runut.merkle_ranges import Subtree

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 0xFFFF
"""Bytes of an entry at most: its length stands in two."""

_INDEX: Final = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}")
_LEVEL: Final = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]")
_WIDTH: Final = re.compile(r"[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]")


class Tile(msgspec.Struct, frozen=True, gc=False):
    """A tile by its place, with as many of its hashes as are wanted."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """`tile/LEVEL/INDEX[.p/WIDTH]`, below the log's prefix."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"


class TileNode(msgspec.Struct, frozen=True, gc=False):
    """A hash of level 1 or more in its tile: the root of a full tile of the level below."""

    level: int
    index: int
    """Among all hashes of that level."""
    hash: bytes


class TileSlice(msgspec.Struct, frozen=True, gc=False):
    """The hashes of a tile from `start` up to `end` that a subtree is over."""

    level: int
    index: int
    start: int
    end: int


class TileHashes:
    """The hashes of a tile, as many as there are, and the nodes over them once they are wanted."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.hashes = hashes
        self._levels = [hashes]

    def root(self, wanted: TileSlice) -> bytes:
        """Root of the complete subtree over a slice of the tile, whose hashes are all there."""
        height = (wanted.end - wanted.start).bit_length() - 1
        while len(self._levels) <= height:
            self._levels.append(parents(self._levels[-1]))
        return self._levels[height][wanted.start >> height]


class GrowingTree:
    """The tiles of a tree that are not full yet: enough to append, and to know the root."""

    def __init__(self, open_tiles: Sequence[Sequence[bytes]] = ((),), size: int = 0) -> None:
        """Go on from a tree of `size` leaves, whose last, partial tiles are given by level."""
        self._open = [list(tile) for tile in open_tiles]
        self.size = size
        """Number of leaves."""

    def extend(self, leaves: Sequence[bytes]) -> list[TileNode]:
        """Append leaf hashes; gives the hashes of higher levels that this completes."""
        completed: list[TileNode] = []
        taken = 0
        while taken < len(leaves):
            room = TILE_WIDTH - len(self._open[0])
            some = leaves[taken : taken + room]
            self._open[0] += some
            self.size += len(some)
            taken += len(some)
            self._complete(completed)
        return completed

    def root(self) -> bytes:
        """Root of the tree so far; `EMPTY_ROOT` while there is no leaf."""
        rest: list[bytes] = []
        for tile in self._open:
            # What is left over of the lower levels stands at the right like one more hash.
            rest = [root([*tile, *rest])] if tile or rest else []
        return rest[0] if rest else EMPTY_ROOT

    def _complete(self, completed: list[TileNode]) -> None:
        """Replace full tiles by their roots, one level up."""
        level = 0
        while len(self._open[level]) == TILE_WIDTH:
            node = root(self._open[level])
            self._open[level] = []
            level += 1
            if level == len(self._open):
                self._open.append([])
            self._open[level].append(node)
            completed.append(TileNode(level, (self.size >> level * TILE_HEIGHT) - 1, node))


def slice_of(subtree: Subtree) -> TileSlice:
    """Where the hashes lie that a complete subtree is over."""
    level, height = divmod(subtree.level, TILE_HEIGHT)
    first = subtree.index << height
    start = first % TILE_WIDTH
    return TileSlice(level, first // TILE_WIDTH, start, start + (1 << height))


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in a tree of so many leaves: 0 to 256."""
    hashes = size >> level * TILE_HEIGHT
    return max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH))


def open_tiles(size: int) -> list[Tile]:
    """The last tile of each level of a tree, with the hashes that it has so far, maybe none."""
    levels = max(1, -(-size.bit_length() // TILE_HEIGHT))
    counts = [size >> level * TILE_HEIGHT for level in range(levels)]
    return [
        Tile(level, count // TILE_WIDTH, count % TILE_WIDTH) for level, count in enumerate(counts)
    ]


def tile_at(level: str, place: str) -> Tile:
    """The tile that `tile/LEVEL/PLACE` names, such as `tile/1/x001/234.p/7`.

    Raises:
        BadInput: it is no such name.
    """
    if not _LEVEL.fullmatch(level):
        raise BadInput("level of a tile", f"0 to {MAX_LEVEL}", level)
    return Tile(int(level), *_placed(place))


def bundle_at(place: str) -> Tile:
    """The tile of level 0 whose entries `tile/entries/PLACE` names. Raises as `tile_at`."""
    return Tile(0, *_placed(place))


def bundle_path(tile: Tile) -> str:
    """`tile/entries/INDEX[.p/WIDTH]`, where the entries of a tile of level 0 are."""
    return f"tile/entries/{_place(tile.index, tile.width)}"


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as they are served: each after its length in two bytes.

    Raises:
        BadInput: an entry is too long for that.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise BadInput("entry of a log", f"{MAX_ENTRY} bytes at most", len(entry))
        parts += (len(entry).to_bytes(2), entry)
    return b"".join(parts)


def unbundled(served: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        BadInput: the bytes end within one.
    """
    entries = []
    at = 0
    while at < len(served):
        start = at + 2
        at = start + int.from_bytes(served[at:start])
        if at > len(served):
            raise BadInput("entry bundle", f"at least {at} bytes", len(served))
        entries.append(served[start:at])
    return entries


def _place(index: int, width: int) -> str:
    digits = str(index)
    padded = digits.rjust(-(-len(digits) // 3) * 3, "0")
    *higher, last = (padded[at : at + 3] for at in range(0, len(padded), 3))
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return "".join(f"x{three}/" for three in higher) + last + partial


def _placed(place: str) -> tuple[int, int]:
    number, partial, width = place.partition(".p/")
    known = _INDEX.fullmatch(number) and (_WIDTH.fullmatch(width) or not partial)
    if not known:
        raise BadInput("place of a tile", "such as x001/234 or x001/234.p/7", place)
    found = int(number.replace("x", "").replace("/", "")), int(width or TILE_WIDTH)
    if _place(*found) != place:
        raise BadInput("place of a tile", _place(*found), place)
    return found
