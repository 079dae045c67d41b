"""Where a log differs from what a witness has: the first leaf, found by tiles from the top down.

Owns the search, which fetches a tile or two a level: of ten million leaves, three or four.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runut.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tile_width

ReadTile = Callable[[Tile], Awaitable[list[bytes]]]
"""The hashes of a tile of the given width."""


async def first_difference(
    ours: ReadTile, our_size: int, theirs: ReadTile, their_size: int
) -> int | None:
    """Index of the first of the leaves that both trees have which is not the same in both.

    None if they are all the same. Raises what reading does.
    """
    start, end = 0, min(our_size, their_size)
    levels = -(-end.bit_length() // TILE_HEIGHT)
    for level in reversed(range(levels)):
        shift = level * TILE_HEIGHT
        found = None
        for index in range((start >> shift) // TILE_WIDTH, -(-(end >> shift) // TILE_WIDTH)):
            mine = await ours(Tile(level, index, tile_width(level, index, our_size)))
            other = await theirs(Tile(level, index, tile_width(level, index, their_size)))
            found = _first(mine, other, index * TILE_WIDTH, start >> shift, end >> shift)
            if found is not None:
                break
        if found is None:
            start = end >> shift << shift
        else:
            start, end = found << shift, found + 1 << shift
    return start if start < end else None


def _first(mine: list[bytes], other: list[bytes], first: int, start: int, end: int) -> int | None:
    """The first hash from `start` up to `end` that differs, among all of its level."""
    for index, pair in enumerate(zip(mine, other, strict=False), first):
        if start <= index < end and pair[0] != pair[1]:
            return index
    return None
