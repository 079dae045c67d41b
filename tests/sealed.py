"""A ledger in memory that is sealed and witnessed, and bundles of it: Kafka alone is left out.

Records, trees, maps, seals, notes and cosignatures are made by the library itself, so that a test
can make a genuine bundle, or the one that an attacker would make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit import bundle as files
from audit.bundle import Chained, Evidence, Manifest, Place, Witnessed, markers_key
from audit.documents import documents, moment_of
from audit.judging import judge, pairs
from audit.report import reports_of
from audit.report.content import Content
from projections.folds.subject import fold_subject
from runut import merkle
from runut.directory_log import DirectoryLog
from runut.json_form import from_json
from runut.merkle_map import EMPTY, NO_RECORDS, Chain, MerkleMap
from runut.notes import Checkpoint, Cosigner, Note, NoteSigner
from runut.outgoing import Envelope, Outgoing
from runut.partitioner import partition_of
from runut.proofs import GrowthProof, SealProof
from runut.records import LOG_APPEND_TIME, RawRecord, key_hash
from runut.seals import Seal, TreeHead, entry_of, origin_of
from runut.signing import Signer
from tests.builders import PARTITIONS, SCENARIOS, directory_objects, signed_directory

LEDGER = "test"
EVENTS, DIRECTORY = "runut.events", "runut.directory"
STORY = "01-unpaid-wages"
CASE = "case/BP3MI-NTT-2025-0001"
START = datetime(2026, 1, 5, 1, tzinfo=UTC)
"""When the first event is recorded: after all that the scenarios tell."""


def key_of(name: str) -> Ed25519PrivateKey:
    """The same private key each time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


SEALER = NoteSigner(origin_of(LEDGER), key_of("seals"))
WITNESSES = [Cosigner(f"witness-{n}.example", key_of(f"witness {n}")) for n in range(3)]


def directory_with_keys(
    more: Iterable[dict[str, Any]] = (), custody: str = "GATEWAY"
) -> tuple[RawRecord, ...]:
    """The scenarios' directory, with a key of every agency, and more at its end."""
    objects = list(directory_objects())
    agencies = [one["data"]["code"] for one in objects if one["type"] == "AgencyRegistered"]
    for n, code in enumerate(agencies):
        data = {"agency": code, "key_id": f"{code}-1", "public_key": public(key_of(code))}
        objects.append(
            {
                **objects[-1],
                "type": "AgencyKeyPublished",
                "subject": f"agency/{code}",
                "event_id": f"0197aaaa-0000-7000-8000-{n:012x}",
                "data": {**data, "custody": custody, "valid_from": "2019-01-01T00:00:00Z"},
            }
        )
    return signed_directory([*objects, *more])


@dataclass
class Sealed:
    """A ledger: its records by topic and partition, and its seals."""

    directory: list[RawRecord] = field(default_factory=lambda: list(directory_with_keys()))
    events: dict[int, list[RawRecord]] = field(
        default_factory=lambda: {one: [] for one in range(PARTITIONS)}
    )
    seals: list[Seal] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    now: datetime = START

    def log(self) -> DirectoryLog:
        found = DirectoryLog()
        for record in self.directory:
            assert found.append(record) is None
        return found

    def announce(self) -> None:
        """A marker in every partition."""
        log = self.log()
        data = {"offset": log.size - 1, "root": log.root(log.size - 1)}
        for partition in range(PARTITIONS):
            self.emit(
                {
                    "type": "DirectoryAdvanced",
                    "subject": markers_key(partition),
                    "agency": "runut",
                    "occurred_at": self.now,
                    "data": data,
                },
                partition=partition,
            )

    def tell(self, story: str = STORY, subject: str = CASE) -> None:
        """A scenario's events, a minute apart; its case may have another name."""
        for line in (SCENARIOS / f"{story}.jsonl").read_text().splitlines():
            self.emit(line.replace(CASE, subject))

    def emit(
        self, given: Any, *, partition: int | None = None, signer: Signer | None = None
    ) -> RawRecord:
        """Record an event, signed by its agency's key."""
        event = from_json(given, derive_id=True)
        envelope = Envelope.of(self.log().latest)
        signer = signer or Signer(f"{event.agency}-1", key_of(event.agency))
        [record] = envelope.seal([envelope.draft(event)], signer)
        if partition is None:
            partition = partition_of(record.key, PARTITIONS)
        return self.append(record, partition)

    def append(self, record: Outgoing | RawRecord, partition: int) -> RawRecord:
        """Record what may be anything, a minute later than what was before."""
        self.now += timedelta(minutes=1)
        stored = RawRecord(
            *(EVENTS, partition, len(self.events[partition])),
            *(int(self.now.timestamp() * 1000), LOG_APPEND_TIME),
            *(record.key, record.value, tuple(record.headers)),
        )
        self.events[partition].append(stored)
        return stored

    def seal(self, witnesses: Sequence[Cosigner] = WITNESSES) -> Note:
        """Seal what there is; witnesses see it half a minute later."""
        self.now += timedelta(minutes=1)
        heads = [head(DIRECTORY, 0, self.directory)]
        heads += [head(EVENTS, partition, found) for partition, found in self.events.items()]
        founded = self.log().latest.ledger
        assert founded is not None
        at = int(self.now.timestamp() * 1000)
        self.seals.append(Seal(founded.ledger_id, len(self.seals), at, tuple(heads)))
        checkpoint = self.checkpoint(len(self.seals))
        seen_s = int(self.now.timestamp()) + 30
        signatures = [SEALER.sign(checkpoint.text())]
        signatures += [one.cosign(checkpoint, seen_s) for one in witnesses]
        self.notes.append(Note(checkpoint.text(), tuple(signatures)))
        return self.notes[-1]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(origin_of(LEDGER), size, merkle.root(self.leaves()[:size]))

    def leaves(self) -> list[bytes]:
        return [one.leaf() for one in self.seals]

    def seal_proof(self, index: int) -> SealProof:
        path = merkle.inclusion_path(self.leaves()[: index + 1], index)
        note = self.notes[index].to_bytes().decode()
        return SealProof(entry_of(self.seals[index]).decode(), path, note)

    def evidence(self, subject: str, partition: int, index: int) -> Evidence:
        """What ties a subject's records to a seal, with all seals before it."""
        size = self.seals[index].head(EVENTS, partition).size
        records = self.events[partition][:size]
        return Evidence(
            self.seal_proof(index),
            places(records, subject),
            places(records, markers_key(partition)),
            chained(records, subject),
            chained(records, markers_key(partition)),
            tuple(self.witnessed(one, index) for one in range(index)),
        )

    def witnessed(self, index: int, last: int) -> Witnessed:
        leaves = self.leaves()[: last + 1]
        growth = GrowthProof(
            *(index + 1, merkle.root(leaves[: index + 1])),
            *(last + 1, merkle.root(leaves)),
            merkle.consistency_proof(leaves, index + 1),
        )
        return Witnessed(self.seal_proof(index), growth)

    def bundle(self, subject: str = CASE, index: int | None = None) -> bytes:
        """The bundle of a subject, as `runut export` would write it."""
        index = len(self.seals) - 1 if index is None else index
        seal, partition = self.seals[index], partition_of(subject.encode(), PARTITIONS)
        evidence = self.evidence(subject, partition, index)
        known = self.events[partition][: seal.head(EVENTS, partition).size]
        return written(self, subject, seal, evidence, known)


def written(
    ledger: Sealed, subject: str, seal: Seal, evidence: Evidence, known: Sequence[RawRecord]
) -> bytes:
    partition = partition_of(subject.encode(), PARTITIONS)
    records = [one for one in known if one.key == subject.encode()]
    markers = [one for one in known if one.key == markers_key(partition).encode()]
    log, at = ledger.log(), moment_of(seal.sealed_at_ms)
    placed = [*pairs(records, evidence.records), *pairs(markers, evidence.markers)]
    judged = judge(partition, placed, log)
    folded = fold_subject(judged.events, log.at)
    state, history = documents(subject, folded, log.latest, at)
    release = version("runut")
    content = Content(
        *(LEDGER, subject, seal.index, at, evidence.seal.note, folded, log.latest),
        judged.by_gateway,
    )
    manifest = Manifest(
        *(files.FORMAT, LEDGER, seal.ledger_id.hex(), subject, EVENTS, partition, DIRECTORY),
        *(seal.index, release, {}),
    )
    return files.write_bundle(
        manifest,
        {
            files.RECORDS: files.records_file(records),
            files.MARKERS: files.records_file(markers),
            files.DIRECTORY: files.records_file(ledger.directory),
            files.EVIDENCE: files.to_json(evidence),
            files.STATE: state,
            files.HISTORY: history,
            **files.schema_files(one.event.type for one in judged.events),
            **(reports_of(release, content) or {}),
        },
    )


def rewritten(data: bytes, **changes: Any) -> bytes:
    """A bundle with other files, and a manifest that agrees; names with `_` for their dot."""
    found = files.unpack(data)
    manifest = files.from_json(found.pop(files.MANIFEST), Manifest, files.MANIFEST)
    about = {name: changes.pop(name) for name in Manifest.__struct_fields__ if name in changes}
    found.update({name.replace("_", "."): content for name, content in changes.items()})
    return files.write_bundle(msgspec.structs.replace(manifest, **about), found)


def head(topic: str, partition: int, records: Sequence[RawRecord]) -> TreeHead:
    root = merkle.root([one.leaf() for one in records])
    return TreeHead(topic, partition, len(records), root, key_map(records).root)


def key_map(records: Iterable[RawRecord]) -> MerkleMap:
    chains: dict[bytes, Chain] = {}
    for one in records:
        key = key_hash(one.key)
        chains[key] = chains.get(key, NO_RECORDS).then(one.leaf())
    return MerkleMap().updated(chains)[0] if chains else MerkleMap(EMPTY)


def chained(records: Sequence[RawRecord], key: str) -> Chained:
    tree, hashed = key_map(records), key_hash(key.encode())
    proof, found = tree.prove(hashed), tree.get(hashed)
    if found is None:
        return Chained(0, None, proof.siblings, proof.leaf)
    return Chained(found.count, found.head, proof.siblings, None)


def places(records: Sequence[RawRecord], key: str) -> tuple[Place, ...]:
    leaves = [one.leaf() for one in records]
    return tuple(
        Place(one.offset, one.timestamp_ms, merkle.inclusion_path(leaves, one.offset))
        for one in records
        if one.key == key.encode()
    )
