"""Trees by tiles, and proofs by ranges: the same as `runut.merkle` has of all leaves at once."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut import merkle
from runut.errors import BadInput
from runut.merkle_ranges import (
    LeafRange,
    complete_subtrees,
    consistency_ranges,
    inclusion_ranges,
    root_of_subtrees,
)
from runut.tiles import (
    TILE_WIDTH,
    GrowingTree,
    Tile,
    TileHashes,
    TileNode,
    TileSlice,
    bundle,
    bundle_at,
    bundle_path,
    open_tiles,
    slice_of,
    tile_at,
    tile_width,
    unbundled,
)

LEAVES = [sha256(bytes((n >> 8, n & 255))).digest() for n in range(300)]
MANY = [sha256(n.to_bytes(4)).digest() for n in range(TILE_WIDTH * TILE_WIDTH + 700)]


def tiles_of(leaves: list[bytes]) -> list[list[bytes]]:
    """All hashes of each level, from the definition."""
    levels = [leaves]
    while len(levels[-1]) >= TILE_WIDTH:
        level = levels[-1]
        full = len(level) // TILE_WIDTH
        levels.append(
            [merkle.root(level[n * TILE_WIDTH : (n + 1) * TILE_WIDTH]) for n in range(full)]
        )
    return levels


def root_by_slices(levels: list[list[bytes]], leaves: LeafRange) -> bytes:
    hashes = []
    for subtree in complete_subtrees(leaves):
        place = slice_of(subtree)
        first = place.index * TILE_WIDTH
        hashes.append(merkle.root(levels[place.level][first + place.start : first + place.end]))
    return root_of_subtrees(hashes)


@pytest.mark.parametrize("size", [*range(1, 18), 255, 256, 257, 300])
def test_inclusion_paths_by_ranges_are_those_of_all_leaves(size: int) -> None:
    leaves = LEAVES[:size]
    levels = tiles_of(leaves)
    for index in {0, size // 2, size - 2, size - 1} & set(range(size)):
        found = tuple(root_by_slices(levels, one) for one in inclusion_ranges(index, size))
        assert found == merkle.inclusion_path(leaves, index)


@pytest.mark.parametrize("width", [1, 2, 3, 100, 255, 256])
def test_a_tile_has_the_root_of_every_subtree_over_its_hashes(width: int) -> None:
    tile = TileHashes(LEAVES[:width])
    for height in reversed(range(width.bit_length())):
        for start in range(0, width - (1 << height) + 1, 1 << height):
            end = start + (1 << height)
            assert tile.root(TileSlice(0, 0, start, end)) == merkle.root(LEAVES[start:end])


@pytest.mark.parametrize("size", [*range(1, 18), 256, 257, 300])
def test_consistency_proofs_by_ranges_are_those_of_all_leaves(size: int) -> None:
    leaves = LEAVES[:size]
    levels = tiles_of(leaves)
    for old_size in {1, size // 2, size - 1, size} - {0}:
        found = tuple(root_by_slices(levels, one) for one in consistency_ranges(old_size, size))
        assert found == merkle.consistency_proof(leaves, old_size)


def test_proofs_of_a_tree_of_three_levels_are_those_of_all_leaves() -> None:
    size = len(MANY)
    levels = tiles_of(MANY)
    assert len(levels) == 3
    for index in (255, 65_536, size - 1):
        found = tuple(root_by_slices(levels, one) for one in inclusion_ranges(index, size))
        assert found == merkle.inclusion_path(MANY, index)
    for old_size in (256, 65_537):
        found = tuple(root_by_slices(levels, one) for one in consistency_ranges(old_size, size))
        assert found == merkle.consistency_proof(MANY, old_size)
    assert root_by_slices(levels, LeafRange(0, size)) == merkle.root(MANY)


def test_proofs_of_what_is_not_there_are_refused() -> None:
    for index, size in ((-1, 4), (4, 4), (0, 0)):
        with pytest.raises(BadInput, match="leaf index"):
            inclusion_ranges(index, size)
    for old_size, size in ((0, 4), (5, 4)):
        with pytest.raises(BadInput, match="older size"):
            consistency_ranges(old_size, size)


@given(st.lists(st.integers(0, 200), max_size=6))
def test_a_tree_grown_in_any_steps_has_the_root_and_tiles_of_all_its_leaves(
    steps: list[int],
) -> None:
    tree = GrowingTree()
    nodes, at = [], 0
    for step in steps:
        nodes += tree.extend(MANY[at : at + step])
        at += step
    levels = tiles_of(MANY[:at])
    assert (tree.size, tree.root()) == (at, merkle.root(MANY[:at]))
    assert [node for node in nodes if node.level == 1] == [
        TileNode(1, index, node) for index, node in enumerate(levels[1] if at >= TILE_WIDTH else [])
    ]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536])
def test_a_tree_goes_on_from_its_open_tiles(size: int) -> None:
    levels = tiles_of(MANY[:size])
    opened = []
    for last in open_tiles(size):
        level = levels[last.level] if last.level < len(levels) else []
        tile = level[last.index * TILE_WIDTH :]
        assert len(tile) == last.width == tile_width(last.level, last.index, size)
        opened.append(tile)
    tree = GrowingTree(opened, size)
    assert tree.root() == merkle.root(MANY[:size])
    grown = GrowingTree()
    grown.extend(MANY[:size])
    assert tree.extend(MANY[size:]) == grown.extend(MANY[size:])
    assert tree.root() == grown.root() == merkle.root(MANY)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(2, 1000, 7), "tile/2/x001/000.p/7"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
    ],
)
def test_a_tile_is_found_by_the_name_that_c2sp_gives_it(tile: Tile, path: str) -> None:
    _, level, place = path.split("/", 2)
    assert tile.path == path
    assert tile_at(level, place) == tile
    assert bundle_path(tile) == f"tile/entries/{place}"
    assert bundle_at(place) == Tile(0, tile.index, tile.width)


@pytest.mark.parametrize(
    ("level", "place"),
    [
        *(("64", "000"), ("00", "000"), ("-1", "000"), ("a", "000")),
        *(("0", "0"), ("0", "0000"), ("0", "x000/001"), ("0", "001/001"), ("0", "x001")),
        *(("0", "000.p/0"), ("0", "000.p/256"), ("0", "000.p/07"), ("0", "000.p/"), ("0", "")),
    ],
)
def test_another_name_of_a_tile_is_refused(level: str, place: str) -> None:
    with pytest.raises(BadInput):
        tile_at(level, place)


def test_entries_are_bundled_by_their_length() -> None:
    entries = [b"", b"one", b"x" * 0xFFFF]
    assert unbundled(bundle(entries)) == entries
    with pytest.raises(BadInput, match="65535"):
        bundle([b"x" * 0x10000])
    with pytest.raises(BadInput, match="at least 5"):
        unbundled(b"\x00\x03ab")
