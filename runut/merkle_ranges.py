"""Proofs of a large tree from a few of its nodes: which ranges of leaves each hash stands for.

Pure. Every hash of a proof (RFC 9162 §2.1.3.1, §2.1.4.1) is the root of a range of leaves, which
is made of complete subtrees; whoever keeps the nodes of a tree (`runut.tiles`) reads those and
nothing else. `runut.merkle` says the same of trees that fit into memory, and checks all proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from runut.errors import BadInput
from runut.merkle import EMPTY_ROOT, node_hash


class LeafRange(NamedTuple):
    """The leaves from `start` up to `end`, which is not one of them."""

    start: int
    end: int


class Subtree(msgspec.Struct, frozen=True, gc=False):
    """The complete subtree over the 2^level leaves from index × 2^level on."""

    level: int
    index: int


def inclusion_ranges(index: int, size: int) -> list[LeafRange]:
    """What the hashes of leaf `index`'s inclusion path stand for, in their order.

    Raises:
        BadInput: there is no such leaf.
    """
    if not 0 <= index < size:
        raise BadInput("leaf index", f"0 to {size - 1}", index)
    ranges = []
    last = size - 1
    for level in range(last.bit_length()):
        sibling = (index >> level) ^ 1
        if sibling <= last >> level:
            ranges.append(LeafRange(sibling << level, min((sibling + 1) << level, size)))
    return ranges


def consistency_ranges(old_size: int, new_size: int) -> list[LeafRange]:
    """What the hashes of a consistency proof stand for, in their order.

    Raises:
        BadInput: `old_size` is not 1 to `new_size`.
    """
    if not 0 < old_size <= new_size:
        raise BadInput("older size of a tree", f"1 to {new_size}", old_size)
    start, end = 0, new_size
    ranges = []
    while old_size != end:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if old_size <= middle:
            ranges.append(LeafRange(middle, end))
            end = middle
        else:
            ranges.append(LeafRange(start, middle))
            start = middle
    if start:  # otherwise the rest is the older tree itself, whose root the verifier has
        ranges.append(LeafRange(start, end))
    return ranges[::-1]


def complete_subtrees(leaves: LeafRange) -> list[Subtree]:
    """The complete subtrees that a proof's range or a whole tree is made of, largest first."""
    start, left = leaves.start, leaves.end - leaves.start
    found = []
    for level in range(left.bit_length() - 1, -1, -1):
        if left >> level & 1:
            found.append(Subtree(level, start >> level))
            start += 1 << level
    return found


def root_of_subtrees(hashes: Sequence[bytes]) -> bytes:
    """Root of the range whose complete subtrees have these hashes, largest first."""
    if not hashes:
        return EMPTY_ROOT
    *larger, node = hashes
    for one in reversed(larger):
        node = node_hash(one, node)
    return node
