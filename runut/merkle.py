"""The Merkle tree of RFC 9162 §2.1: roots, inclusion and consistency proofs, a frontier.

Pure: hashes in, hashes out. What a leaf's entry contains is `runut.records` (log) and
`runut.signing` (batches); where trees are kept is the sealer's business. Hashes are SHA-256,
32 bytes; a tree is given by the hashes of its leaves, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from runut.errors import BadInput

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
_SIZE_BYTES: Final = 8


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry): a leaf can never be mistaken for a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def parents(level: Sequence[bytes]) -> list[bytes]:
    """The next level of a tree: a last hash without a sibling stands for its own parent."""
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        above.append(level[-1])
    return above


def root(hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes; `EMPTY_ROOT` of none."""
    level = hashes
    while len(level) > 1:
        level = parents(level)
    return level[0] if level else EMPTY_ROOT


def levels(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """All levels of a tree that has leaves, from these to the one that is the root alone."""
    found = [hashes]
    while len(found[-1]) > 1:
        found.append(parents(found[-1]))
    return found


def joined_paths(tree: Sequence[Sequence[bytes]], end: bytes = b"") -> list[bytes]:
    """The inclusion path of every leaf at once, its hashes joined, each followed by `end`.

    `tree` is what `levels` gives.
    """
    above = [end]
    for level in reversed(tree[:-1]):
        nodes, joined = iter(level), list[bytes]()
        for left, right, path in zip(nodes, nodes, above, strict=False):
            joined += (right + path, left + path)
        # The last node of an odd level has no sibling: it stands for its own parent.
        above = joined + above[len(level) >> 1 :]
    return above


def inclusion_path(hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The path that proves leaf `index` in the tree of all `hashes` (RFC 9162 §2.1.3.1).

    Raises:
        BadInput: there is no such leaf.
    """
    if not 0 <= index < len(hashes):
        raise BadInput("leaf index", f"0 to {len(hashes) - 1}", index)
    siblings = []
    for level in levels(hashes)[:-1]:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        index >>= 1
    return tuple(siblings)


def path_length(index: int, size: int) -> int:
    """How many hashes the inclusion path of leaf `index` has in a tree of `size` leaves."""
    # Below the point where the leaf's way up meets the last leaf's every node has a sibling;
    # above it only right-hand nodes have one.
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads, its hashes being 32 bytes each (RFC 9162 §2.1.3.2).

    None where there is no such leaf, or the path is not of exactly its length.
    """
    way = way_up(leaf, index, size, b"".join(path))
    return way.root if way else None


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes
) -> bool:
    """Whether the path proves that leaf hash at `index` of the tree (RFC 9162 §2.1.3.2)."""
    return _are_hashes(leaf, *path) and root_from_path(leaf, index, size, path) == expected_root


class Way(msgspec.Struct, frozen=True, gc=False):
    """A leaf's way up to a root, with what other leaves of the tree need to join it."""

    index: int
    size: int
    path: bytes
    """Its hashes, joined."""
    nodes: bytes
    """The node that each hash of the path is the sibling of, from the leaf on; then the root."""

    @property
    def root(self) -> bytes:
        """Where it leads."""
        return self.nodes[-HASH_SIZE:]

    def is_beside(self, leaf: bytes, index: int, path: bytes) -> bool:
        """Whether the leaf is this one's sibling: then its way is this one but for the first step.

        What is not may be of the same tree all the same: `joined_by` tells.
        """
        return (
            index ^ 1 == self.index
            and index < self.size
            and leaf == self.path[:HASH_SIZE]
            and path == self.nodes[:HASH_SIZE] + self.path[HASH_SIZE:]
        )

    def joined_by(self, leaf: bytes, index: int, path: bytes) -> Way | None:
        """The way of a leaf of the same tree where it meets this one, else None.

        It meets where the two lead over each other's sibling and are equal from there on: then
        the same hashes give the same root, and none of them has to be computed again. What does
        not meet may be a way to the same root all the same: `way_up` tells.
        """
        known, last = self.path, self.size - 1
        if not 0 <= index <= last or len(path) != HASH_SIZE * path_length(index, self.size):
            return None
        apart = (index ^ self.index).bit_length()
        if not apart:
            return self if path == known and leaf == self.nodes[:HASH_SIZE] else None
        # From where they meet, nodes have siblings alike; below, those to the right of the tree's
        # end have none.
        above = HASH_SIZE * path_length(index >> apart, (last >> apart) + 1)
        here, there = len(known) - above, len(path) - above
        if path[there:] != known[here:]:
            return None
        meeting = there - HASH_SIZE
        nodes = _nodes_up(leaf, index, last, path[:meeting])
        if (
            nodes[-HASH_SIZE:] != known[here - HASH_SIZE : here]
            or path[meeting:there] != self.nodes[here - HASH_SIZE : here]
        ):
            return None
        return Way(index, self.size, path, nodes + self.nodes[here:])


def way_up(leaf: bytes, index: int, size: int, path: bytes) -> Way | None:
    """The way on which the joined hashes of a path lead (RFC 9162 §2.1.3.2).

    None where there is no such leaf, or the path is not of exactly its length.
    """
    if not 0 <= index < size or len(path) != HASH_SIZE * path_length(index, size):
        return None
    return Way(index, size, path, _nodes_up(leaf, index, size - 1, path))


def consistency_proof(hashes: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Proof that the tree of all `hashes` extends that of the first `old_size` (§2.1.4.1).

    Raises:
        BadInput: `old_size` is not 1 to the number of hashes.
    """
    if not 0 < old_size <= len(hashes):
        raise BadInput("older size of a tree", f"1 to {len(hashes)}", old_size)
    start, end = 0, len(hashes)
    proof = []
    while old_size != end:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if old_size <= middle:
            proof.append(root(hashes[middle:end]))
            end = middle
        else:
            proof.append(root(hashes[start:middle]))
            start = middle
    if start:  # otherwise the rest is the older tree itself, whose root the verifier has
        proof.append(root(hashes[start:end]))
    return tuple(reversed(proof))


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the newer tree is proved to extend the older one (RFC 9162 §2.1.4.2).

    Every tree extends the empty one; that and equal sizes need an empty proof.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == new_size:
        return old_root == new_root and not proof
    if old_size == 0:
        return old_root == EMPTY_ROOT and not proof
    return _climb(old_size, new_size, old_root, proof) == (old_root, new_root)


def _climb(
    old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Both roots that a proof leads to, for 0 < old_size < new_size; None if of wrong length."""
    complete = old_size & (old_size - 1) == 0
    hashes = [old_root, *proof] if complete else list(proof)
    index, last = old_size - 1, new_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    if len(hashes) != 1 + path_length(index, last + 1):
        return None
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if index & 1 or index == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        index, last = index >> 1, last >> 1
    return old, new


class Frontier:
    """A growing tree, of which only the roots of its complete subtrees are kept.

    Appending costs O(1) hashes on average, the root O(log n); the state is at most
    8 + 32 × 64 bytes.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []  # of the complete subtrees, largest and leftmost first

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at index `size`."""
        node, complete = leaf, self._size
        while complete & 1:
            node, complete = node_hash(self._peaks.pop(), node), complete >> 1
        self._peaks.append(node)
        self._size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """Root of the tree so far; `EMPTY_ROOT` while there is no leaf."""
        if not self._peaks:
            return EMPTY_ROOT
        *peaks, node = self._peaks
        for peak in reversed(peaks):
            node = node_hash(peak, node)
        return node

    def to_bytes(self) -> bytes:
        """u64 size ‖ the hashes of its complete subtrees, largest first."""
        return self._size.to_bytes(_SIZE_BYTES) + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """The frontier that `to_bytes` wrote.

        Raises:
            BadInput: the length is not the one that the size asks for.
        """
        size = int.from_bytes(data[:_SIZE_BYTES])
        expected = _SIZE_BYTES + HASH_SIZE * size.bit_count()
        if len(data) != expected:
            raise BadInput("frontier", f"{expected} bytes for a tree of {size}", f"{len(data)}")
        frontier = cls()
        frontier._size = size
        frontier._peaks = [
            data[at : at + HASH_SIZE] for at in range(_SIZE_BYTES, expected, HASH_SIZE)
        ]
        return frontier


def _nodes_up(node: bytes, index: int, last: int, path: bytes) -> bytes:
    """The node at `index` of a level that ends at `last`, and those above it along the path.

    Every signed event passes here: `node_hash` is written out.
    """
    nodes = [node]
    for at in range(0, len(path), HASH_SIZE):
        sibling = path[at : at + HASH_SIZE]
        if index & 1 or index == last:
            node = sha256(b"\x01" + sibling + node).digest()
            while not index & 1:  # skip the levels where the last node had no sibling
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index, last = index >> 1, last >> 1
        nodes.append(node)
    return b"".join(nodes)


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(found) == HASH_SIZE for found in hashes)
