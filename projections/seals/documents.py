"""Checkpoints and proofs as JSON documents, for commands and HTTP alike; hashes are base64."""

from __future__ import annotations

from typing import Any

import msgspec

from projections.seals.log import SignedSeal
from projections.seals.receipts import Inclusion
from runut.proofs import GrowthProof, KeyProof
from runut.rfc3339 import format_time

Document = dict[str, Any]


def checkpoint_document(found: SignedSeal) -> Document:
    """A seal, and the checkpoint of the log that ends with it."""
    return {
        "index": found.seal.index,
        "sealed_at": format_time(found.sealed_at),
        "size": found.checkpoint.size,
        "root": msgspec.to_builtins(found.checkpoint.root),
        "note": found.note.to_bytes().decode(),
        "entry": found.entry.decode(),
        "trees": msgspec.to_builtins(found.seal.heads),
    }


def inclusion_document(found: Inclusion) -> Document:
    """Where a record stands, the first seal that covers it, and the proof."""
    place, first = found.place, found.first_sealed
    return {
        "event_id": place.event_id,
        "recorded_at": format_time(place.recorded_at) if place.recorded_at else None,
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "first_sealed": {"index": first.index, "sealed_at": format_time(first.sealed_at)},
        "proof": msgspec.to_builtins(found.proof),
    }


def proof_document(proof: KeyProof | GrowthProof) -> Document:
    """A proof as it is."""
    document: Document = msgspec.to_builtins(proof)
    return document
