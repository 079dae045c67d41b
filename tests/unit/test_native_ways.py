"""Compiled ways up a tree are the plain ones: of leaves as they are, changed or out of range."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut import merkle
from runut.native import ways

LEAVES = [sha256(number.to_bytes(4)).digest() for number in range(300)]
Leaf = tuple[bytes, int, bytes]
"""A leaf's hash and index, and its path."""


@st.composite
def trees(draw: Callable[..., Any]) -> tuple[int, Leaf, Leaf]:
    """The size of a tree and two of its leaves, of the second of which something may be wrong."""
    size = draw(st.integers(1, len(LEAVES)))
    one, other = (leaf_of(size, draw(st.integers(0, size - 1))) for _ in range(2))
    return size, one, draw(changed(size, other))


def leaf_of(size: int, index: int) -> Leaf:
    path = merkle.inclusion_path(LEAVES[:size], index)
    return LEAVES[index], index, b"".join(path)


@st.composite
def changed(draw: Callable[..., Any], size: int, given: Leaf) -> Leaf:
    leaf, index, path = given
    match draw(st.sampled_from(["nothing", "bit", "index", "cut", "more"])):
        case "bit":
            flipped = bytearray(leaf + path)
            flipped[draw(st.integers(0, len(flipped) - 1))] ^= 1 << draw(st.integers(0, 7))
            return bytes(flipped[:32]), index, bytes(flipped[32:])
        case "index":
            far = st.sampled_from([-1, size, -(2**63), 2**63 - 1])
            return leaf, draw(far | st.integers(-3, size + 3)), path
        case "cut":
            return leaf, index, path[: draw(st.integers(0, len(path)))]
        case "more":
            return leaf, index, path + draw(st.binary(max_size=64))
    return given


def parts(way: Any) -> Any:
    return way and (way.index, way.size, way.path, way.nodes, way.root)


@settings(deadline=None)
@given(trees())
def test_they_lead_where_the_plain_ones_do_and_join_what_those_join(
    given: tuple[int, Leaf, Leaf],
) -> None:
    size, (leaf, index, path), other = given
    plain, compiled = merkle.way_up(leaf, index, size, path), ways.way_up(leaf, index, size, path)
    assert plain is not None
    assert compiled is not None
    assert parts(compiled) == parts(plain)
    assert parts(ways.way_up(other[0], other[1], size, other[2])) == parts(
        merkle.way_up(other[0], other[1], size, other[2])
    )
    assert parts(compiled.joined_by(*other)) == parts(plain.joined_by(*other))
    assert compiled.is_beside(*other) == plain.is_beside(*other)


@pytest.mark.parametrize("size", [-1, 0, 2**63 - 1, 2**62 + 1])
def test_of_trees_of_any_size(size: int) -> None:
    for index in (0, 1, size // 2, size - 1, size):
        for length in (0, 1, 61, 62, 63, 64, 65):
            found = (LEAVES[0], index, size, b"".join(LEAVES[:length]))
            assert parts(ways.way_up(*found)) == parts(merkle.way_up(*found))


def test_what_is_no_hash_is_no_leaf() -> None:
    way = ways.way_up(LEAVES[0], 0, 2, LEAVES[1])
    assert way is not None
    for wrong in (b"", LEAVES[1][:-1], LEAVES[1] + b"x"):
        assert ways.way_up(wrong, 0, 2, LEAVES[1]) is None
        assert way.joined_by(wrong, 1, LEAVES[0]) is None
        assert not way.is_beside(wrong, 1, LEAVES[0])
