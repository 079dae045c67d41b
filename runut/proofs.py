"""Proofs that a log of seals gives: of a record, of a key's records, and of growth.

Pure. Owns their shape, which is also their JSON form (hashes in base64), and what must hold for
each step to follow from the checkpoint at its end. Whether that checkpoint is to be trusted, by
whose signatures, is the reader's policy: nothing here says so.
"""

from __future__ import annotations

import msgspec

from runut import merkle
from runut.errors import BadInput
from runut.merkle_map import Chain, MapLeaf, MapProof, chain_proved
from runut.notes import Checkpoint, parse_checkpoint, parse_note
from runut.records import key_hash
from runut.seals import Seal, TreeHead, seal_of


class SealProof(msgspec.Struct, frozen=True):
    """That a seal is in the log of seals of a checkpoint."""

    entry: str
    """The seal's entry in the log (runut/seals.py)."""
    path: tuple[bytes, ...]
    """Inclusion path in the log of seals."""
    note: str
    """The checkpoint as a signed note, with all signatures that it has."""

    def checkpoint(self) -> Checkpoint:
        """The checkpoint at its end.

        Raises:
            BadInput: the note holds none.
        """
        return parse_checkpoint(parse_note(self.note.encode()).text)

    def seal(self) -> Seal:
        """The seal, once it follows from the checkpoint.

        Raises:
            BadInput: it does not.
        """
        checkpoint, entry = self.checkpoint(), self.entry.encode()
        seal = seal_of(entry)
        leaf = merkle.leaf_hash(entry)
        if not merkle.verify_inclusion(
            leaf, seal.index, checkpoint.size, self.path, checkpoint.root
        ):
            raise BadInput(
                f"proof of seal {seal.index}", "a path to the checkpoint's root", "another"
            )
        return seal


class RecordProof(msgspec.Struct, frozen=True):
    """That a record is in the log, at its place."""

    topic: str
    partition: int
    offset: int
    entry: bytes
    """The leaf's entry (runut/records.py): hashes of the record's key and of the record."""
    path: tuple[bytes, ...]
    """Inclusion path in the partition's tree, as the seal has it."""
    seal: SealProof

    def demand(self) -> Seal:
        """That the entry follows from the checkpoint; gives the seal that covers it.

        Raises:
            BadInput: it does not.
        """
        seal = self.seal.seal()
        head = _head(seal, self.topic, self.partition)
        leaf = merkle.leaf_hash(self.entry)
        if not merkle.verify_inclusion(leaf, self.offset, head.size, self.path, head.root):
            place = f"{self.topic}/{self.partition}:{self.offset}"
            raise BadInput(
                f"proof of {place}", f"a path to its root in seal {seal.index}", "another"
            )
        return seal


class KeyProof(msgspec.Struct, frozen=True):
    """How many records have a key, and the chain over all of them; or that none has."""

    topic: str
    partition: int
    key: str
    """The records' key, such as `case/X`."""
    count: int
    """Records with the key that the seal covers; 0 where the map does not have it."""
    chain_head: bytes | None
    siblings: tuple[bytes, ...]
    """Hashes beside the way through the map, from its end up to the root."""
    other: MapLeaf | None
    """The key that is alone where this one would be, if there is one."""
    seal: SealProof

    def demand(self) -> Seal:
        """That count and chain follow from the checkpoint; gives the seal that they are of.

        Raises:
            BadInput: they do not.
        """
        seal = self.seal.seal()
        head = _head(seal, self.topic, self.partition)
        key = key_hash(self.key.encode())
        claimed = None if self.chain_head is None else Chain(self.count, self.chain_head)
        leaf = MapLeaf(key, claimed) if claimed else self.other
        if chain_proved(head.map_root, key, MapProof(self.siblings, leaf)) != claimed:
            raise BadInput(f"proof of {self.key}", "of what it claims", "of something else")
        if claimed is None and self.count:
            raise BadInput(f"records of {self.key}", "none, where the map has no key", self.count)
        return seal


class GrowthProof(msgspec.Struct, frozen=True):
    """That a log, as it is at one size, begins with what it was at an earlier one."""

    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    proof: tuple[bytes, ...]

    def demand(self) -> None:
        """That it holds.

        Raises:
            BadInput: it does not.
        """
        sizes = self.old_size, self.new_size
        if not merkle.verify_consistency(*sizes, self.old_root, self.new_root, self.proof):
            thing = f"proof from size {self.old_size} to {self.new_size}"
            raise BadInput(thing, "that the one extends the other", "another")


def _head(seal: Seal, topic: str, partition: int) -> TreeHead:
    for head in seal.heads:
        if head.place == (topic, partition):
            return head
    raise BadInput(f"seal {seal.index}", f"a tree of {topic}/{partition}", "none")
