"""What answers about seals look like, for the OpenAPI document; hashes are base64 of 32 bytes."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Evidence(BaseModel):
    """An answer or a part of one."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


class Head(Evidence):
    """The tree and the map of a partition in a seal."""

    topic: str
    partition: int
    size: int
    """How many records it covers, by offset from 0."""
    root: str
    map_root: str


class CheckpointDocument(Evidence):
    """A seal, and the checkpoint of the log that ends with it."""

    index: int
    sealed_at: datetime
    size: int
    """Of the log of seals: index + 1."""
    root: str
    note: str
    """The checkpoint as a signed note (C2SP), with the cosignatures so far."""
    entry: str
    """The seal as it stands in the log of seals."""
    trees: list[Head]


class SealProofDocument(Evidence):
    """That a seal is in the log of a checkpoint."""

    entry: str
    path: list[str]
    note: str


class RecordProofDocument(Evidence):
    """That a record is in the log, at its place."""

    topic: str
    partition: int
    offset: int
    entry: str
    """Base64 of the leaf's entry: hashes of the record's key and of the record."""
    path: list[str]
    seal: SealProofDocument


class FirstSealDocument(Evidence):
    """The first seal that covers a record."""

    index: int
    sealed_at: datetime


class InclusionDocument(Evidence):
    """Where a record stands, and the proof that it was sealed there."""

    event_id: str | None
    recorded_at: datetime | None
    topic: str
    partition: int
    offset: int
    first_sealed: FirstSealDocument
    proof: RecordProofDocument


class ChainDocument(Evidence):
    """How many records a key has."""

    count: int
    head: str


class MapLeafDocument(Evidence):
    """A key of the map, by its hash."""

    key: str
    chain: ChainDocument


class KeyProofDocument(Evidence):
    """How many records a subject has in the sealed log; or that it has none."""

    topic: str
    partition: int
    key: str
    count: int
    chain_head: str | None
    """Of the chain over all of these records; null of none."""
    siblings: list[str]
    other: MapLeafDocument | None
    """The key that is alone where this one would be."""
    seal: SealProofDocument


class GrowthProofDocument(Evidence):
    """That the log of seals at one size begins with what it was at an earlier one."""

    old_size: int
    old_root: str
    new_size: int
    new_root: str
    proof: list[str]


class Taken(Evidence):
    """What became of cosignatures."""

    taken: int
    """How many were by witnesses that are known."""
