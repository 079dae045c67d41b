"""The trees and maps that a witness recomputes, leaf by leaf, and keeps.

Owns how they lie in the state, and the comparison of each with what a seal says: nothing is kept
of a tree that does not give the seal's roots. Reads no network: entries come in order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from audit.witness.refusals import NotCosigned
from audit.witness.state import WitnessState
from runut.errors import BadInput, LedgerMismatch
from runut.merkle import HASH_SIZE, leaf_hash
from runut.merkle_map import EMPTY, NO_RECORDS, Chain, MerkleMap
from runut.records import entry_key, filler_entry
from runut.seals import Seal, TreeHead
from runut.tiles import TILE_WIDTH, GrowingTree, open_tiles

SEALS: Final = "seals"
"""The log of seals among the trees."""
_KEPT_PAGES: Final = 2
"""Levels of pages of a map that stay in memory from seal to seal."""


def tree_of(head: TreeHead) -> str:
    """The name of a partition's tree: below the log's URL it is served."""
    return f"{head.topic}/{head.partition}"


class KeptTree:
    """One tree, as far as it was recomputed, and its partition's map."""

    def __init__(self, state: WitnessState, tree: str) -> None:
        self.tree = tree
        self._state = state
        rows = state.rows("tree", tree=tree)
        size, map_root = rows[0] if rows else (0, EMPTY)
        self._growing = self._opened(size)
        self._map = MerkleMap(map_root)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._growing.size

    def tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, as many as there are."""
        rows = self._state.rows("tile", tree=self.tree, level=level, tile=index)
        hashes = rows[0][0] if rows else b""
        return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]

    def root_with(self, leaves: Sequence[bytes]) -> bytes:
        """Root of the tree with these leaves at its end; they are not appended."""
        grown = self._opened(self.size)
        grown.extend(leaves)
        return grown.root()

    def add_seal(self, seal: Seal) -> bytes:
        """Append a seal, to the log of seals; gives the log's root."""
        self._append([seal.leaf()])
        self._save()
        return self._growing.root()

    def grow(self, seal: Seal, head: TreeHead, entries: Sequence[bytes]) -> list[bytes | None]:
        """Append what a seal adds; gives each entry's key by its hash, None where it has none.

        Raises:
            NotCosigned: tree or map are not those of the seal.
            BadInput: an entry can be none of this partition.
        """
        first = self.size
        keys = [_key_of(head, first + place, entry) for place, entry in enumerate(entries)]
        leaves = [leaf_hash(entry) for entry in entries]
        self._append(leaves)
        self._demand(seal, "tree", head.root, self._growing.root())
        self._chain(keys, leaves)
        self._demand(seal, "map", head.map_root, self._map.root)
        self._save()
        return keys

    def _opened(self, size: int) -> GrowingTree:
        tiles = [self.tile(one.level, one.index)[: one.width] for one in open_tiles(size)]
        return GrowingTree(tiles, size)

    def _append(self, leaves: Sequence[bytes]) -> None:
        first = self.size
        completed = self._growing.extend(leaves)
        self._store(0, first, leaves)
        for node in completed:
            self._store(node.level, node.index, [node.hash])

    def _store(self, level: int, first: int, hashes: Sequence[bytes]) -> None:
        """Put hashes into the tiles of a level, from a place on."""
        start = 0
        while start < len(hashes):
            tile, place = divmod(first + start, TILE_WIDTH)
            part = hashes[start : start + TILE_WIDTH - place]
            whole = b"".join([*self.tile(level, tile)[:place], *part])
            self._state.change("set_tile", tree=self.tree, level=level, tile=tile, hashes=whole)
            start += len(part)

    def _chain(self, keys: Sequence[bytes | None], leaves: Sequence[bytes]) -> None:
        """Take the records into the map."""
        known = {key for key in keys if key is not None}
        self._read_pages(known)
        chains: dict[bytes, Chain] = {}
        for key, leaf in zip(keys, leaves, strict=True):
            if key is not None:
                chain = chains.get(key) or self._map.get(key) or NO_RECORDS
                chains[key] = chain.then(leaf)
        for address in self._map.replaced(known):
            self._state.change("drop_map_page", tree=self.tree, address=address)
        new, pages = self._map.updated(chains)
        for address, page in pages.items():
            self._state.change("add_map_page", tree=self.tree, address=address, page=page)
        self._map = new.shortened(_KEPT_PAGES)

    def _read_pages(self, keys: Collection[bytes]) -> None:
        while wanted := self._map.missing(keys):
            found = {}
            for address in wanted:
                for (page,) in self._state.rows("map_page", tree=self.tree, address=address):
                    found[address] = page
            if len(found) < len(wanted):
                raise LedgerMismatch(f"state: expected the map of {self.tree}, found a part of it")
            self._map.read(found)

    def _save(self) -> None:
        about = {"size": self.size, "map_root": self._map.root}
        self._state.change("set_tree", tree=self.tree, **about)

    def _demand(self, seal: Seal, what: str, expected: bytes, found: bytes) -> None:
        if expected != found:
            thing = f"{what} of {self.tree} in seal {seal.index}"
            raise NotCosigned(thing, f"{found.hex()}, as its entries give", expected.hex())


def _key_of(head: TreeHead, offset: int, entry: bytes) -> bytes | None:
    try:
        key = entry_key(entry)
    except BadInput as error:
        raise BadInput(f"{tree_of(head)} offset {offset}", error.expected, error.found) from None
    if key is None and entry != filler_entry(head.topic, head.partition, offset):
        raise BadInput(f"{tree_of(head)} offset {offset}", "the filler of its place", entry)
    return key
