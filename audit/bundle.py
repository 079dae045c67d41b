"""What a case bundle holds, and how it is written: records, directory, proofs, documents.

Pure. Owns names and forms of the files (docs/reference/bundle.md); whether what they say is true
is `audit.verify`'s question. Bytes follow from the content alone: two exports of a case at one
checkpoint are equal.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from audit.archive import pack, unpack
from runut.catalogue import catalogue
from runut.errors import BadInput
from runut.merkle_map import MapLeaf
from runut.proofs import GrowthProof, KeyProof, RecordProof, SealProof
from runut.records import RawRecord, decode_record

FORMAT: Final = "runut/bundle/v1"
MANIFEST: Final = "manifest.json"
RECORDS: Final = "records.bin"
MARKERS: Final = "markers.bin"
DIRECTORY: Final = "directory.bin"
EVIDENCE: Final = "evidence.json"
STATE: Final = "state.json"
HISTORY: Final = "history.json"
SCHEMAS: Final = "schemas/"
REPORTS: Final = ("report.html", "report.pdf")
_REQUIRED: Final = (RECORDS, MARKERS, DIRECTORY, EVIDENCE, STATE, HISTORY)
_U32: Final = struct.Struct(">I")

T = TypeVar("T")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle is about, and the hash of every other file in it."""

    format: str
    ledger: str
    """The ledger's name."""
    ledger_id: str
    subject: str
    topic: str
    partition: int
    directory_topic: str
    seal: int
    """The index of the seal up to which it goes."""
    release: str
    """Of Runut, that wrote the report."""
    files: dict[str, str]
    """SHA-256 of each file, in hex."""


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a record stands in its partition's tree."""

    offset: int
    recorded_at_ms: int
    """Its time in the ledger: that of the record, or of one before it if that is later."""
    path: tuple[bytes, ...]


class Chained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many records a key has up to the seal, and the way through the map that shows it."""

    count: int
    chain_head: bytes | None
    siblings: tuple[bytes, ...]
    other: MapLeaf | None


class Witnessed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An earlier seal, under its own checkpoint with cosignatures, and how the log grew from it."""

    seal: SealProof
    growth: GrowthProof


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that ties the records to the checkpoint."""

    seal: SealProof
    records: tuple[Place, ...]
    markers: tuple[Place, ...]
    of_subject: Chained
    of_markers: Chained
    witnessed: tuple[Witnessed, ...]
    """Those between which the records' times are held."""


class Bundle(msgspec.Struct, frozen=True):
    """A bundle taken apart; nothing of it is believed yet."""

    manifest: Manifest
    records: tuple[RawRecord, ...]
    markers: tuple[RawRecord, ...]
    directory: tuple[RawRecord, ...]
    evidence: Evidence
    state: bytes
    history: bytes
    schemas: dict[str, bytes]
    reports: dict[str, bytes]

    def record_proof(self, record: RawRecord, place: Place, entry: bytes) -> RecordProof:
        """The proof that a record is in the log, as the parts of it say."""
        about = (record.topic, record.partition, record.offset)
        return RecordProof(*about, entry, place.path, self.evidence.seal)

    def key_proof(self, key: str, chained: Chained) -> KeyProof:
        """The proof of how many records a key has."""
        return KeyProof(
            self.manifest.topic,
            self.manifest.partition,
            key,
            chained.count,
            chained.chain_head,
            chained.siblings,
            chained.other,
            self.evidence.seal,
        )


def markers_key(partition: int) -> str:
    """The key of the markers in a partition."""
    return f"directory/{partition}"


def write_bundle(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """The bundle of these files; the manifest gets their hashes."""
    hashes = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
    complete = msgspec.structs.replace(manifest, files=hashes)
    return pack({**files, MANIFEST: to_json(complete)})


def read_bundle(data: bytes) -> Bundle:
    """Take a bundle apart.

    Raises:
        BadInput: it is none, or a file is not the one that the manifest names.
    """
    files = unpack(data)
    manifest = from_json(_file(files, MANIFEST), Manifest, MANIFEST)
    if manifest.format != FORMAT:
        raise BadInput(f"format in {MANIFEST}", FORMAT, manifest.format)
    _demand_files(files, manifest)
    return Bundle(
        manifest,
        records_of(RECORDS, files[RECORDS]),
        records_of(MARKERS, files[MARKERS]),
        records_of(DIRECTORY, files[DIRECTORY]),
        from_json(files[EVIDENCE], Evidence, EVIDENCE),
        files[STATE],
        files[HISTORY],
        {name: files[name] for name in files if name.startswith(SCHEMAS)},
        {name: files[name] for name in REPORTS},
    )


def schema_files(names: Iterable[str]) -> dict[str, bytes]:
    """The schemas of these types, as files of a bundle."""
    return {
        f"{SCHEMAS}{name}.avsc": to_json(catalogue().by_name(name).schema)
        for name in sorted(set(names))
    }


def records_file(records: Iterable[RawRecord]) -> bytes:
    """Of each record u32 length and its encoding (runut/records.py)."""
    encoded = [record.encoded() for record in records]
    return b"".join(_U32.pack(len(one)) + one for one in encoded)


def records_of(name: str, content: bytes) -> tuple[RawRecord, ...]:
    """The records of such a file.

    Raises:
        BadInput: it is none.
    """
    found: list[RawRecord] = []
    at = 0
    while at < len(content):
        end = at + _U32.size
        size = int.from_bytes(content[at:end])
        if end + size > len(content):
            raise BadInput(name, "a whole number of records", f"the end in record {len(found)}")
        found.append(decode_record(content[end : end + size]))
        at = end + size
    return tuple(found)


def to_json(document: object) -> bytes:
    """A document in the one way that it has in bundles: keys in order, indented, a last newline."""
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic")) + b"\n"


def from_json(content: bytes, form: type[T], name: str) -> T:
    """A document of some form, which was written in the one way.

    Raises:
        BadInput: it was not.
    """
    try:
        found = msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(name, f"a {form.__name__}", error) from None
    if to_json(found) != content:
        raise BadInput(name, "to be written in the one way", "another")
    return found


def _demand_files(files: Mapping[str, bytes], manifest: Manifest) -> None:
    """That all are there and named, and none beside them; which schemas, its events say."""
    names = set(files) - {MANIFEST}
    for name in (*_REQUIRED, *REPORTS):
        _file(files, name)
    for name in sorted(names - {*_REQUIRED, *REPORTS}):
        if not name.startswith(SCHEMAS):
            raise BadInput("files of the bundle", "those of its format alone", name)
    if names != manifest.files.keys():
        raise BadInput("files of the bundle", ", ".join(manifest.files), ", ".join(sorted(names)))
    for name, expected in manifest.files.items():
        found = sha256(files[name]).hexdigest()
        if found != expected:
            raise BadInput(f"{name} of the bundle", f"SHA-256 {expected}", found)


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BadInput("files of the bundle", name, ", ".join(sorted(files)))
    return files[name]
