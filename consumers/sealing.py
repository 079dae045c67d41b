"""Make seals: the heads of all trees and maps, committed before anybody signs them.

Owns the order in which a seal comes to be, and the check of what is in the tables against the last
seal before anything is added. Reads no Kafka: records come as leaves (`consumers.leaves`), seals
that were published before as entries to be reproduced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from consumers.leaves import PartitionTree, Unsealed, chains
from projections.seals.known import StoredTree
from projections.seals.maps import read_pages
from projections.seals.store import SealStore, StoredSeal, Tip
from projections.seals.trees import SEAL_LOG, reader_of
from runut.directory import Ledger
from runut.errors import SealMismatch
from runut.merkle import leaf_hash
from runut.merkle_map import MerkleMap
from runut.notes import Checkpoint
from runut.records import entry_key
from runut.seals import (
    Seal,
    TreeHead,
    demand_first,
    demand_follows,
    empty_head,
    entry_of,
    origin_of,
    seal_of,
)
from runut.tiles import TILE_WIDTH, GrowingTree

KEPT_PAGES: Final = 2
"""Levels of pages of each map that stay in memory: those that almost every seal changes."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Sizes = Callable[[PartitionTree], int]


class Sealing:
    """All trees of a ledger, as far as they are stored, and the log of their seals."""

    def __init__(
        self,
        store: SealStore,
        ledger: Ledger,
        trees: Sequence[PartitionTree],
        log: GrowingTree,
        last: Seal | None,
    ) -> None:
        self.trees = {(one.tree.topic, one.tree.partition): one for one in trees}
        self.last = last
        """The seal made last."""
        self._store = store
        self._ledger = ledger
        self._log = log

    @classmethod
    async def open(cls, store: SealStore, ledger: Ledger) -> Sealing:
        """Go on from what is stored.

        Raises:
            SealMismatch: what is stored does not give the last seal.
            LedgerMismatch: what is stored is broken, or of another ledger.
        """
        stored = await store.last_seal()
        last = seal_of(stored.entry) if stored else None
        trees = [await _load(store, tip, last) for tip in await store.tips()]
        log = await reader_of(store.connection, seal_log(ledger)).growing(
            stored.index + 1 if stored else 0
        )
        sealing = cls(store, ledger, trees, log, last)
        if stored and stored.checkpoint != sealing.checkpoint():
            found = sealing.checkpoint()
            raise SealMismatch(stored.index, "checkpoint", repr(stored.checkpoint), repr(found))
        return sealing

    @property
    def unsealed(self) -> int:
        """How many leaves no seal covers yet."""
        return sum(len(tree.unsealed) for tree in self.trees.values())

    @property
    def next_index(self) -> int:
        """Of the seal to be made next."""
        return self.last.index + 1 if self.last else 0

    def checkpoint(self) -> str:
        """The checkpoint of the log of seals as it is: what is to be signed."""
        return Checkpoint(origin_of(self._ledger.name), self._log.size, self._log.root()).text()

    async def root(self, size: int) -> bytes:
        """Root of the log of the first `size` seals."""
        return await reader_of(self._store.connection, seal_log(self._ledger)).root(size)

    async def seal(self, now: datetime) -> StoredSeal:
        """Seal all leaves; committed and durable, but not signed yet, when this returns.

        Raises:
            FencedOut: somebody else is the sealer.
        """
        at_ms = (now - _EPOCH) // timedelta(milliseconds=1)
        if self.last:
            at_ms = max(at_ms, self.last.sealed_at_ms)
        return await self._save(*await self._make(at_ms, lambda tree: tree.size))

    async def reproduce(self, published: Seal) -> StoredSeal:
        """Make again a seal that was published, once at least as many leaves are there.

        Raises:
            SealMismatch: what is in the log gives another one; nothing is written.
            FencedOut: somebody else is the sealer.
        """
        sizes = {head.place: head.size for head in published.heads}
        made, pages = await self._make(
            published.sealed_at_ms, lambda tree: sizes.get(_place(tree), tree.sealed_size)
        )
        demand_same(published, made)
        return await self._save(made, pages)

    async def _make(self, at_ms: int, size_of: Sizes) -> tuple[Seal, dict[bytes, bytes]]:
        pages: dict[bytes, bytes] = {}
        heads = [await self._head(tree, size_of(tree), pages) for tree in self.trees.values()]
        ordered = tuple(sorted(heads, key=lambda head: head.place))
        seal = Seal(self._ledger.ledger_id, self.next_index, at_ms, ordered)
        if self.last:
            demand_follows(seal, self.last)
        else:
            demand_first(seal)
        return seal, pages

    async def _head(self, tree: PartitionTree, size: int, pages: dict[bytes, bytes]) -> TreeHead:
        """The tree's head at a size; its unsealed leaves up to there are taken for sealed."""
        if not size:
            return empty_head(*_place(tree))
        changes = tree.changes(size)
        await read_pages(self._store.connection, tree.map, changes)
        changed, new_pages = tree.map.updated(chains(tree.map, changes))
        pages |= new_pages
        tree.seal(size, changed.shortened(KEPT_PAGES))
        reader = reader_of(self._store.connection, tree.tree)
        root = tree.growing.root() if size == tree.size else await reader.root(size)
        return TreeHead(*_place(tree), size, root, changed.root)

    async def _save(self, seal: Seal, pages: dict[bytes, bytes]) -> StoredSeal:
        entry = entry_of(seal)
        nodes = self._log.extend([leaf_hash(entry)])
        stored = StoredSeal(seal.index, entry, self.checkpoint())
        sealed_at = _EPOCH + timedelta(milliseconds=seal.sealed_at_ms)
        await self._store.save_seal(stored, sealed_at, pages, nodes)
        self.last = seal
        return stored


def seal_log(ledger: Ledger) -> StoredTree:
    """The log of seals among the trees."""
    return StoredTree(SEAL_LOG, origin_of(ledger.name), 0)


def demand_same(expected: Seal, found: Seal) -> None:
    """That a seal is one that was made before.

    Raises:
        SealMismatch: it is not, naming the first thing that differs.
    """
    if expected == found:
        return
    for before, now in zip(expected.heads, found.heads, strict=False):
        place = f"{before.topic}/{before.partition}"
        if before.place != now.place:
            break
        if before.size != now.size:
            raise SealMismatch(expected.index, f"size of {place}", before.size, now.size)
        if before.root != now.root:
            thing = f"root of {place} at size {before.size}"
            raise SealMismatch(expected.index, thing, before.root.hex(), now.root.hex())
        if before.map_root != now.map_root:
            thing = f"map of {place} at size {before.size}"
            raise SealMismatch(expected.index, thing, before.map_root.hex(), now.map_root.hex())
    raise SealMismatch(expected.index, "entry", repr(entry_of(expected)), repr(entry_of(found)))


async def _load(store: SealStore, tip: Tip, last: Seal | None) -> PartitionTree:
    """A tree as it is stored, once it is found to give the head of the last seal."""
    reader = reader_of(store.connection, tip.tree)
    place = tip.tree.topic, tip.tree.partition
    head = last.head(*place) if last else empty_head(*place)
    thing = f"{head.topic}/{head.partition} at size {head.size}"
    if tip.next_offset < head.size:
        raise SealMismatch(
            last.index if last else 0, f"leaves of {thing}", head.size, tip.next_offset
        )
    root = await reader.root(head.size)
    if root != head.root:
        raise SealMismatch(
            last.index if last else 0, f"root of {thing}", head.root.hex(), root.hex()
        )
    unsealed: list[Unsealed] = []
    for tile in range(head.size // TILE_WIDTH, -(-tip.next_offset // TILE_WIDTH)):
        entries = await reader.entries(tile)
        unsealed += [(entry_key(entry), leaf_hash(entry)) for entry in entries]
    del unsealed[: head.size % TILE_WIDTH]
    return PartitionTree(
        tip.tree, await reader.growing(tip.next_offset), MerkleMap(head.map_root), unsealed
    )


def _place(tree: PartitionTree) -> tuple[str, int]:
    return tree.tree.topic, tree.tree.partition
