"""The sparse Merkle map of a partition: for each key its number of records and their chain.

Pure: hashes in, hashes out. It shows that a key has so many records and no more, or none. Owns
how keys are placed and hashed, the pages in which a map is stored, and its proofs; where pages
lie is the caller's business, who reads them level by level:

    while wanted := tree.missing(keys):
        tree.read(await fetch(wanted))

Keys are SHA-256 of a record's key. A map is a binary tree in which a key's bits, highest first,
say left (0) or right (1), and a subtree is

    of no key     EMPTY, 32 zero bytes
    of one key    SHA-256(0x02 ‖ key ‖ u64 count ‖ chain head), at whatever depth it is alone
    of several    SHA-256(0x03 ‖ left ‖ right)

so that the same keys and chains give the same root whatever order they came in. 0x00 and 0x01
are RFC 9162's. Maps are never changed: an update gives a new one, which shares what is equal.
Four levels lie in a page, whose address is its topmost hash: see `_page`.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from runut.errors import BadInput, LedgerMismatch

HASH_SIZE: Final = 32
EMPTY: Final = bytes(HASH_SIZE)
LEVELS_A_PAGE: Final = 4
MAX_DEPTH: Final = 256

_LEAF: Final = struct.Struct(f">B{HASH_SIZE}sQ{HASH_SIZE}s")
_NOTHING, _ELSEWHERE, _ONE, _SEVERAL = range(4)


class Chain(msgspec.Struct, frozen=True, gc=False):
    """The records of one key: how many, and the hash that stands for all of them in order."""

    count: int
    head: bytes

    def then(self, leaf: bytes) -> Chain:
        """With one more record, of this leaf hash."""
        return Chain(self.count + 1, chain_head(self.head, leaf))


NO_RECORDS: Final = Chain(0, EMPTY)


def chain_head(previous: bytes, leaf: bytes) -> bytes:
    """SHA-256(previous ‖ leaf hash); before the first record of a key stand 32 zero bytes."""
    return sha256(previous + leaf).digest()


class MapLeaf(msgspec.Struct, frozen=True, gc=False):
    """A key and its chain: all that a subtree of one key holds."""

    key: bytes
    chain: Chain

    def to_bytes(self) -> bytes:
        """What is hashed: 0x02 ‖ key ‖ u64 count ‖ chain head."""
        return _LEAF.pack(_ONE, self.key, self.chain.count, self.chain.head)


class _One(msgspec.Struct, frozen=True, gc=False):
    """A subtree of one key."""

    hash: bytes
    leaf: MapLeaf


class _Several(msgspec.Struct, gc=False):
    """A subtree of several keys. Children change only from an address to what lies there."""

    hash: bytes
    left: _Node
    right: _Node


_Node: TypeAlias = _One | _Several | bytes | None
"""None is the empty subtree, bytes the address of a page that was not read."""


class MapProof(msgspec.Struct, frozen=True):
    """The way to where a key is, or would be, in a map."""

    siblings: tuple[bytes, ...]
    """Hashes beside the way, from its end up to the root."""
    leaf: MapLeaf | None
    """What stands at its end: the key, another key that is alone there, or nothing."""


class MerkleMap:
    """One version of a map, and as much of its tree as was read or made."""

    __slots__ = ("_pages", "_top")

    def __init__(self, root: bytes = EMPTY) -> None:
        self._top: _Node = None if root == EMPTY else root
        self._pages: dict[bytes, _Node] = {}

    @property
    def root(self) -> bytes:
        """Root hash; `EMPTY` of the map of no keys."""
        return _hash(self._top)

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Addresses of the pages to read next before these keys can be looked up or changed."""
        ends = map(self._end_of, keys)
        return {end for end in ends if isinstance(end, bytes)}

    def read(self, pages: Mapping[bytes, bytes]) -> None:
        """Take in pages by their addresses.

        Raises:
            LedgerMismatch: a page is not the one that its address stands for.
        """
        for address, page in pages.items():
            self._pages[address] = _read_page(address, page)

    def get(self, key: bytes) -> Chain | None:
        """The key's chain; None if the map does not have the key.

        Raises:
            LedgerMismatch: a page that `missing` names was not read.
        """
        leaf = self._leaf_at(key)
        return leaf.chain if leaf and leaf.key == key else None

    def updated(self, chains: Mapping[bytes, Chain]) -> tuple[MerkleMap, dict[bytes, bytes]]:
        """The map in which these keys have these chains, and its new pages by their addresses.

        Raises:
            LedgerMismatch: a page that `missing` names was not read.
        """
        for address in self.missing(chains):
            raise _not_read(address)
        changes = [_one(MapLeaf(key, chain)) for key, chain in sorted(chains.items())]
        new, pages = MerkleMap(), dict[bytes, bytes]()
        new._top = _updated(self._top, changes, 0, pages)
        if chains and isinstance(new._top, _One):  # alone it has a page, to be found by its hash
            pages[new.root] = new._top.leaf.to_bytes()
        return new, pages

    def prove(self, key: bytes) -> MapProof:
        """Proof of the key's chain, or that the map does not have the key.

        Raises:
            LedgerMismatch: a page that `missing` names was not read.
        """
        leaf = self._leaf_at(key)
        siblings, node, depth = [], self._top, 0
        while isinstance(node, _Several):
            right = _bit(key, depth)
            siblings.append(_hash(node.left if right else node.right))
            node, depth = node.right if right else node.left, depth + 1
        return MapProof(tuple(reversed(siblings)), leaf)

    def replaced(self, keys: Iterable[bytes]) -> set[bytes]:
        """Addresses of the pages that this map needs and none in which these keys changed."""
        found = set()
        for key in keys:
            node, depth = self._top, 0
            while isinstance(node, _Several):
                if depth % LEVELS_A_PAGE == 0:
                    found.add(node.hash)
                node, depth = node.right if _bit(key, depth) else node.left, depth + 1
            if isinstance(node, _One) and not depth:
                found.add(node.hash)
        return found

    def shortened(self, pages: int) -> MerkleMap:
        """The same map without what lies more than so many pages deep: to bound memory."""
        short = MerkleMap()
        short._top = _shortened(self._top, pages * LEVELS_A_PAGE)
        return short

    def _leaf_at(self, key: bytes) -> MapLeaf | None:
        """What stands where the key is or would be."""
        end = self._end_of(key)
        if isinstance(end, bytes):
            raise _not_read(end)
        return end.leaf if end else None

    def _end_of(self, key: bytes) -> _One | bytes | None:
        """Where the key's way ends, at the latest at a page that was not read."""
        if isinstance(self._top, bytes):
            self._top = self._pages.get(self._top, self._top)
        node, depth = self._top, 0
        while isinstance(node, _Several):
            if _bit(key, depth):
                if isinstance(node.right, bytes):
                    node.right = self._pages.get(node.right, node.right)
                node = node.right
            else:
                if isinstance(node.left, bytes):
                    node.left = self._pages.get(node.left, node.left)
                node = node.left
            depth += 1
        return node


def root_of(chains: Mapping[bytes, Chain]) -> bytes:
    """Root of the map of these keys."""
    return MerkleMap().updated(chains)[0].root


def chain_proved(root: bytes, key: bytes, proof: MapProof) -> Chain | None:
    """What the proof shows of a key in the map of this root: its chain, or None for absence.

    Raises:
        BadInput: it shows neither.
    """
    depth, leaf = len(proof.siblings), proof.leaf
    if depth > MAX_DEPTH or not _are_hashes(root, key, *proof.siblings):
        raise BadInput("map proof", f"at most {MAX_DEPTH} hashes of {HASH_SIZE} bytes", depth)
    if leaf and not (_are_hashes(leaf.key, leaf.chain.head) and 0 < leaf.chain.count < 1 << 64):
        raise BadInput("leaf of a map proof", "key, u64 count above 0, head", leaf)
    if leaf and not _same_way(leaf.key, key, depth):
        raise BadInput("leaf of a map proof", f"a key that is {depth} bits like", leaf.key.hex())
    node = _one(leaf).hash if leaf else EMPTY
    for level, sibling in zip(range(depth - 1, -1, -1), proof.siblings, strict=True):
        node = _join(sibling, node) if _bit(key, level) else _join(node, sibling)
    if node != root:
        raise BadInput("map proof", f"to lead to root {root.hex()}", node.hex())
    return leaf.chain if leaf and leaf.key == key else None


def _updated(node: _Node, changes: list[_One], depth: int, pages: dict[bytes, bytes]) -> _Node:
    """The subtree with these leaves, which are sorted, added or replaced."""
    if not changes:
        return node
    left: _Node = None
    right: _Node = None
    if isinstance(node, _Several):
        left, right = node.left, node.right
    else:
        if isinstance(node, _One):
            changes = _with(changes, node)
        if len(changes) == 1:
            return changes[0]
    half = bisect_left(changes, 1, key=lambda one: _bit(one.leaf.key, depth))
    left = _updated(left, changes[:half], depth + 1, pages)
    right = _updated(right, changes[half:], depth + 1, pages)
    made = _several(left, right)
    if depth % LEVELS_A_PAGE == 0:
        pages[made.hash] = _page(made, LEVELS_A_PAGE)
    return made


def _with(changes: list[_One], one: _One) -> list[_One]:
    """The sorted changes with one more in its place, unless one of them replaces it."""
    at = bisect_left(changes, one.leaf.key, key=lambda change: change.leaf.key)
    if at < len(changes) and changes[at].leaf.key == one.leaf.key:
        return changes
    return [*changes[:at], one, *changes[at:]]


def _page(node: _Node, levels: int) -> bytes:
    """The subtree in preorder, down to so many levels.

    0x00 for an empty subtree, 0x01 and its hash for one of several keys that begins the next
    page, the leaf's bytes (0x02 …) for one of one key, 0x03 and both halves for another.
    """
    if node is None:
        return bytes((_NOTHING,))
    if isinstance(node, _One):
        return node.leaf.to_bytes()
    if isinstance(node, bytes) or not levels:
        return bytes((_ELSEWHERE,)) + _hash(node)
    halves = _page(node.left, levels - 1) + _page(node.right, levels - 1)
    return bytes((_SEVERAL,)) + halves


def _read_page(address: bytes, page: bytes) -> _Node:
    try:
        node, end = _parsed(page, 0)
    except (ValueError, IndexError, struct.error, RecursionError):
        node, end = None, -1
    if isinstance(node, _One | _Several) and end == len(page) and node.hash == address:
        return node
    raise LedgerMismatch(f"map page {address.hex()}: expected it to hash to its address")


def _parsed(page: bytes, at: int) -> tuple[_Node, int]:
    """The node that begins there, and where the next one does."""
    kind, begin = page[at], at + 1
    if kind == _SEVERAL:
        left, at = _parsed(page, begin)
        right, at = _parsed(page, at)
        return _several(left, right), at
    if kind == _ONE:
        _, key, count, head = _LEAF.unpack_from(page, at)
        return _one(MapLeaf(key, Chain(count, head))), at + _LEAF.size
    if kind == _ELSEWHERE:
        end = begin + HASH_SIZE
        return page[begin:end], end
    if kind == _NOTHING:
        return None, begin
    raise ValueError("unknown kind of node")


def _shortened(node: _Node, levels: int) -> _Node:
    if not isinstance(node, _Several):
        return node
    if not levels:
        return node.hash
    left, right = _shortened(node.left, levels - 1), _shortened(node.right, levels - 1)
    return _Several(node.hash, left, right)


def _one(leaf: MapLeaf) -> _One:
    return _One(sha256(leaf.to_bytes()).digest(), leaf)


def _several(left: _Node, right: _Node) -> _Several:
    return _Several(_join(_hash(left), _hash(right)), left, right)


def _hash(node: _Node) -> bytes:
    if node is None:
        return EMPTY
    return node if isinstance(node, bytes) else node.hash


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x03" + left + right).digest()


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _same_way(one: bytes, other: bytes, depth: int) -> bool:
    return int.from_bytes(one) ^ int.from_bytes(other) < 1 << MAX_DEPTH - depth


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(found) == HASH_SIZE for found in hashes)


def _not_read(address: bytes) -> LedgerMismatch:
    return LedgerMismatch(f"map page {address.hex()}: expected to be read before its keys are used")
