"""Turn the records of a partition into leaves of its tree.

Owns what is held in memory of a tree while it grows: its open tiles, and of each leaf that no seal
covers yet the key and the hash. Leaf index is offset; an offset without a record gets a leaf too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from consumers.signature_checks import NOT_CHECKED, SignatureChecker
from projections.seals.known import StoredTree
from projections.seals.store import Growth
from projections.seals.trees import NO_RECORD
from runut.merkle_map import NO_RECORDS, Chain, MerkleMap
from runut.records import RawRecord, filler_leaf
from runut.tiles import GrowingTree

Unsealed = tuple[bytes | None, bytes]
"""Hash of the key, None where the offset has no record, and leaf hash."""


class PartitionTree:
    """The tree and the map of one partition, as far as they were read."""

    def __init__(
        self,
        tree: StoredTree,
        growing: GrowingTree,
        sealed: MerkleMap,
        unsealed: Sequence[Unsealed] = (),
    ) -> None:
        self.tree = tree
        self.growing = growing
        self.map = sealed
        """As the last seal has it."""
        self.unsealed = list(unsealed)
        """The leaves after those of the last seal, in order."""

    @property
    def size(self) -> int:
        """Number of leaves; also the offset of the next record."""
        return self.growing.size

    @property
    def sealed_size(self) -> int:
        """How many leaves the last seal covers."""
        return self.size - len(self.unsealed)

    def changes(self, size: int) -> dict[bytes, list[bytes]]:
        """The leaves of each key that a seal of so many leaves covers and the last one does not."""
        changes: dict[bytes, list[bytes]] = {}
        for key, leaf in islice(self.unsealed, size - self.sealed_size):
            if key is not None:
                changes.setdefault(key, []).append(leaf)
        return changes

    def seal(self, size: int, sealed: MerkleMap) -> None:
        """Take it that a seal covers so many leaves and has this map."""
        del self.unsealed[: size - self.sealed_size]
        self.map = sealed


def grow(
    tree: PartitionTree, records: Sequence[RawRecord], checker: SignatureChecker, size: int = 0
) -> Growth:
    """Append records to a tree, which come after those it has; gives what is to be stored.

    Where they do not reach `size`, offsets up to there are taken to hold no record.
    """
    growth = Growth(tree.tree.tree, tree.size, [], [], [], [])
    unsealed: list[Unsealed] = []
    for record in records:
        _add_fillers(growth, unsealed, tree.tree, record.offset)
        of_key, of_record, leaf = record.hashes()
        growth.key_hashes.append(of_key)
        growth.record_hashes.append(of_record)
        growth.signature_checks.append(checker.check(record))
        unsealed.append((of_key, leaf))
    _add_fillers(growth, unsealed, tree.tree, size)
    growth.nodes = tree.growing.extend([leaf for _, leaf in unsealed])
    tree.unsealed += unsealed
    return growth


def chains(sealed: MerkleMap, changes: dict[bytes, list[bytes]]) -> dict[bytes, Chain]:
    """The chain of each key with its new leaves; the pages of these keys must have been read."""
    found = {}
    for key, leaves in changes.items():
        chain = sealed.get(key) or NO_RECORDS
        for leaf in leaves:
            chain = chain.then(leaf)
        found[key] = chain
    return found


def _add_fillers(growth: Growth, unsealed: list[Unsealed], tree: StoredTree, end: int) -> None:
    """Leaves for the offsets up to `end` that no record was read from."""
    for offset in range(growth.first + len(unsealed), end):
        growth.key_hashes.append(NO_RECORD)
        growth.record_hashes.append(NO_RECORD)
        growth.signature_checks.append(NOT_CHECKED)
        unsealed.append((None, filler_leaf(tree.topic, tree.partition, offset)))
