"""Proofs hold for what they were made of, and for nothing that differs in a byte."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from runut import merkle
from runut.errors import BadInput
from runut.merkle_map import NO_RECORDS, Chain, MerkleMap
from runut.notes import Checkpoint, Note, NoteSigner
from runut.proofs import GrowthProof, KeyProof, RecordProof, SealProof
from runut.records import key_hash, leaf_entry
from runut.seals import Seal, TreeHead, empty_head, entry_of

TOPIC = "runut.events"
KEYS = [f"case/{n % 5}" for n in range(21)]
ENTRIES = [leaf_entry(key.encode(), f"record {n}".encode()) for n, key in enumerate(KEYS)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]


def chains() -> dict[bytes, Chain]:
    found: dict[bytes, Chain] = {}
    for key, leaf in zip(KEYS, LEAVES, strict=True):
        hashed = key_hash(key.encode())
        found[hashed] = found.get(hashed, NO_RECORDS).then(leaf)
    return found


MAP, _ = MerkleMap().updated(chains())
HEAD = TreeHead(TOPIC, 0, len(LEAVES), merkle.root(LEAVES), MAP.root)
SEALS = [Seal(bytes(16), n, 1000 + n, (HEAD, empty_head(TOPIC, 1))) for n in range(7)]
HASHES = [seal.leaf() for seal in SEALS]
CHECKPOINT = Checkpoint("runut/seals", len(SEALS), merkle.root(HASHES))
SIGNER = NoteSigner("runut/seals", Ed25519PrivateKey.from_private_bytes(bytes(32)))
NOTE = Note(CHECKPOINT.text(), (SIGNER.sign(CHECKPOINT.text()),)).to_bytes().decode()
SEAL = SealProof(entry_of(SEALS[3]).decode(), merkle.inclusion_path(HASHES, 3), NOTE)
RECORD = RecordProof(TOPIC, 0, 6, ENTRIES[6], merkle.inclusion_path(LEAVES, 6), SEAL)


def key_proof(key: str) -> KeyProof:
    hashed = key_hash(key.encode())
    proof, found = MAP.prove(hashed), MAP.get(hashed)
    other = None if found else proof.leaf
    counted = found or NO_RECORDS
    head = found.head if found else None
    return KeyProof(TOPIC, 0, key, counted.count, head, proof.siblings, other, SEAL)


ABSENT = next(f"case/absent-{n}" for n in range(99) if key_proof(f"case/absent-{n}").other)


def test_a_record_s_proof_leads_to_its_seal() -> None:
    assert RECORD.demand() == SEALS[3]


@pytest.mark.parametrize(
    "proof",
    [
        replace(RECORD, offset=7),
        replace(RECORD, partition=1),
        replace(RECORD, partition=2),
        replace(RECORD, topic="runut.directory"),
        replace(RECORD, entry=ENTRIES[7]),
        replace(RECORD, path=RECORD.path[:-1]),
        replace(RECORD, path=RECORD.path[::-1]),
        replace(RECORD, path=(b"short", *RECORD.path[1:])),
        replace(RECORD, seal=replace(SEAL, entry=entry_of(SEALS[2]).decode())),
        replace(RECORD, seal=replace(SEAL, entry=SEAL.entry.replace("seal 3", "seal 4"))),
        replace(RECORD, seal=replace(SEAL, entry="")),
        replace(RECORD, seal=replace(SEAL, path=())),
        replace(RECORD, seal=replace(SEAL, note=NOTE.replace("\n7\n", "\n3\n"))),
        replace(RECORD, seal=replace(SEAL, note="runut/seals")),
    ],
)
def test_what_differs_does_not_lead_to_a_seal(proof: RecordProof) -> None:
    with pytest.raises(BadInput):
        proof.demand()


def test_a_key_s_records_are_proved_to_be_all() -> None:
    for key, count in (("case/0", 5), ("case/4", 4)):
        proof = key_proof(key)
        assert proof.demand() == SEALS[3]
        assert (proof.count, proof.chain_head) == (
            count,
            chains()[key_hash(key.encode())].head,
        )


def test_a_key_without_records_is_proved_to_have_none() -> None:
    proof = key_proof(ABSENT)
    assert (proof.demand(), proof.count, proof.chain_head) == (SEALS[3], 0, None)


PRESENT = key_proof("case/0")


@pytest.mark.parametrize(
    "proof",
    [
        replace(PRESENT, count=4),
        replace(PRESENT, chain_head=sha256().digest()),
        replace(PRESENT, chain_head=None),
        replace(PRESENT, chain_head=None, count=0),
        replace(PRESENT, key="case/1"),
        replace(PRESENT, siblings=PRESENT.siblings[1:]),
        replace(PRESENT, partition=1),
        replace(key_proof(ABSENT), count=1),
        replace(key_proof(ABSENT), other=None),
        replace(key_proof(ABSENT), key="case/0"),
        replace(PRESENT, chain_head=None, count=0, other=key_proof(ABSENT).other),
    ],
)
def test_a_key_with_another_number_of_records_is_not_proved(proof: KeyProof) -> None:
    with pytest.raises(BadInput):
        proof.demand()


def test_growth_is_proved_from_one_size_to_another() -> None:
    roots = merkle.root(HASHES[:3]), merkle.root(HASHES)
    proof = GrowthProof(3, roots[0], 7, roots[1], merkle.consistency_proof(HASHES, 3))
    proof.demand()
    for other in (
        replace(proof, old_size=2),
        replace(proof, old_root=roots[1]),
        replace(proof, new_root=roots[0]),
        replace(proof, proof=proof.proof[:-1]),
    ):
        with pytest.raises(BadInput):
            other.demand()
