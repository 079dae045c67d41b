"""Prove from the tables: that a record is in the log, how many records a key has, how a log grew.

Every proof is a few dozen hashes from O(log n) rows. It ends at a checkpoint: the newest that a
witness cosigned and that covers what is to be proved, else the newest; or the one that was asked
for.
"""

from __future__ import annotations

from collections.abc import Sequence

from projections.seals.known import KnownTrees, StoredTree
from projections.seals.log import (
    NOTHING_YET,
    SignedSeal,
    expecting_seals,
    latest_seal,
    latest_seals,
    seal_at,
)
from projections.seals.maps import read_pages
from projections.seals.trees import SEAL_LOG, TreeReader, reader_of, stored_trees
from runut.adapters.postgres import Connection
from runut.errors import NotFound
from runut.merkle_map import MerkleMap
from runut.partitioner import partition_of
from runut.proofs import GrowthProof, KeyProof, RecordProof, SealProof
from runut.records import key_hash
from runut.seals import TreeHead
from runut.settings import Settings


class Proofs:
    """The proofs of one ledger, over a connection that finds its tables.

    Whoever answers again and again passes what is known of its trees.
    """

    def __init__(
        self, connection: Connection, settings: Settings, known: KnownTrees | None = None
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._known = known or KnownTrees()

    async def record(self, topic: str, partition: int, offset: int, at: int | None) -> RecordProof:
        """That a record is in the log; `at` is the index of the seal to prove it by.

        Raises:
            NotFound: no such partition, or no seal covers the record yet.
        """
        reader = await self.tree(topic, partition)
        covering = await self._covering(topic, partition, offset, at)
        head = covering.seal.head(topic, partition)
        entry, path = await reader.inclusion(offset, head.size)
        seal = await self.seal(covering)
        return RecordProof(topic, partition, offset, entry, path, seal)

    async def key(self, key: str, at: int | None) -> KeyProof:
        """How many records with a key a seal covers, and their chain; or that there are none.

        Raises:
            NotFound: nothing was sealed yet, or there is no such seal.
        """
        topic, partition = await self.place_of(key)
        covering = await self._covering(topic, partition, None, at)
        head, hashed = covering.seal.head(topic, partition), key_hash(key.encode())
        tree = MerkleMap(head.map_root)
        await read_pages(self._connection, tree, [hashed])
        proof = tree.prove(hashed)
        found = tree.get(hashed)
        return KeyProof(
            topic,
            partition,
            key,
            found.count if found else 0,
            found.head if found else None,
            proof.siblings,
            None if found else proof.leaf,
            await self.seal(covering),
        )

    async def growth(self, old_size: int, new_size: int | None) -> GrowthProof:
        """That the log of seals at one size, by default the newest, begins with a smaller one.

        Raises:
            NotFound: it has not grown so far.
            BadInput: the older size is not 1 to the newer.
        """
        newest = (await latest_seal(self._connection)).checkpoint.size
        new_size = newest if new_size is None else new_size
        if new_size > newest:
            raise NotFound(f"log of {new_size} seals", f"there are {newest} so far")
        reader = await self.seal_log()
        proof = await reader.consistency_proof(old_size, new_size)
        roots = await reader.root(old_size), await reader.root(new_size)
        return GrowthProof(old_size, roots[0], new_size, roots[1], proof)

    async def tree_growth(self, old: TreeHead, new: TreeHead) -> GrowthProof:
        """That a partition's tree, as one seal has it, begins with what an earlier seal has.

        Raises:
            BadInput: the older size is not 1 to the newer.
        """
        reader = await self.tree(*new.place)
        proof = await reader.consistency_proof(old.size, new.size)
        return GrowthProof(old.size, old.root, new.size, new.root, proof)

    async def seal(self, covering: SignedSeal, under: SignedSeal | None = None) -> SealProof:
        """That a seal is in the log of its own checkpoint, or of a later one."""
        checkpoint = under or covering
        reader = await self.seal_log()
        path = await reader.inclusion_path(covering.seal.index, checkpoint.checkpoint.size)
        return SealProof(covering.entry.decode(), path, checkpoint.note.to_bytes().decode())

    async def place_of(self, key: str) -> tuple[str, int]:
        """Topic and partition in which the records of a key stand.

        Raises:
            NotFound: nothing was sealed yet.
        """
        kind, _, rest = key.partition("/")
        events = self._settings.events_topic
        if kind in {"agency", "ledger"}:
            return self._settings.directory_topic, 0
        count = sum(tree.topic == events for tree in await self._trees())
        if not count:
            raise NotFound("checkpoint", NOTHING_YET)
        if kind == "directory" and rest.isdecimal():
            return events, int(rest)
        return events, partition_of(key.encode(), count)

    async def tree(self, topic: str, partition: int) -> TreeReader:
        """What reads the tree of a partition.

        Raises:
            NotFound: there is none.
        """
        for tree in await self._trees():
            if (tree.topic, tree.partition) == (topic, partition) and tree.tree != SEAL_LOG:
                return reader_of(self._connection, tree, self._known)
        raise NotFound(f"tree of {topic}/{partition}", "the ledger has no such partition")

    async def seal_log(self) -> TreeReader:
        """What reads the log of seals."""
        # Its rows are found by number alone.
        return reader_of(self._connection, StoredTree(SEAL_LOG, "seals", 0), self._known)

    async def _trees(self) -> Sequence[StoredTree]:
        """Those of the ledger: once there are any, they never change."""
        if not self._known.trees:
            with expecting_seals():
                self._known.trees = await stored_trees(self._connection)
        return self._known.trees

    async def _covering(
        self, topic: str, partition: int, offset: int | None, at: int | None
    ) -> SignedSeal:
        if at is not None:
            candidates = [await seal_at(self._connection, at)]
        else:
            candidates = await latest_seals(self._connection)
        for one in candidates:
            if offset is None or one.seal.head(topic, partition).size > offset:
                return one
        place = f"{topic}/{partition}:{offset}"
        raise NotFound(
            place, f"seal {at} does not cover it" if at is not None else "no seal covers it yet"
        )
