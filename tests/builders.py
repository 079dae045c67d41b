"""Build what tests fold: a signed directory, and events with a place in a log that is not there.

Everything is made by the library itself: the directory's records are encoded, signed by a root key
and read by `DirectoryLog`, bodies are the codec's. Only Kafka is left out.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import holidays
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from projections.batch import Changes, fold_batch
from projections.folds.subject import Directories
from projections.loaded import Subjects
from projections.store import Position, Store
from runut import codec
from runut.adapters.postgres import Connection
from runut.admission import cloud_event_headers
from runut.catalogue import catalogue
from runut.directory_log import DirectoryLog
from runut.event import Event, Recorded, SignatureStatus
from runut.json_form import from_json
from runut.log_reader import content_of
from runut.records import LOG_APPEND_TIME, RawRecord
from runut.signing import Signable, SignedEvent, Signer

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = ROOT / "tests" / "scenarios"
DIRECTORY = SCENARIOS / "directory.toml"
LEDGER_ID = bytes(range(16))
PARTITIONS = 8
FIRST_OFFSET = 1
"""Offset 0 of every partition is a marker."""
FOUNDED_AT = datetime(2018, 12, 1, tzinfo=UTC)
RECORDED_AT = datetime(2026, 7, 1, tzinfo=UTC)
"""When events are recorded unless a test says otherwise: later than all scenarios."""
YEARS = range(2019, 2028)


def directory_from(path: Path = DIRECTORY) -> Directories:
    """The directory of a file's agencies, with default protocol, calendars and schema ids.

    Events made by `recorded` are judged by the whole of it.
    """
    return directory_log(path).at


def directory_log(path: Path = DIRECTORY) -> DirectoryLog:
    """The same as a log that was read record by record; shared, so do not append to it."""
    return _directory_log(path)


def directory_records(path: Path = DIRECTORY) -> tuple[RawRecord, ...]:
    """Signed records of a directory topic: founding, schemas, protocol, calendars, agencies."""
    return _directory_records(path)


@cache
def _directory_log(path: Path) -> DirectoryLog:
    return read_directory(directory_records(path))


@cache
def _directory_records(path: Path) -> tuple[RawRecord, ...]:
    return signed_directory(directory_objects(path))


def read_directory(records: Iterable[RawRecord]) -> DirectoryLog:
    """The log of records that all count."""
    log = DirectoryLog()
    for record in records:
        reason = log.append(record)
        assert reason is None, reason
    return log


def signed_directory(objects: Iterable[dict[str, Any]]) -> tuple[RawRecord, ...]:
    """Records of directory events, given in their JSON form, in this order; the first founds."""
    events = [from_json(one) for one in objects]
    bodies = [codec.encode(catalogue().by_name(event.type), event) for event in events]
    signable = [
        Signable(catalogue().by_name(event.type).sha256, event.subject, body)
        for event, body in zip(events, bodies, strict=True)
    ]
    signer = root_signer()
    signed = [one for at in range(0, len(signable), 1024) for one in _signed(signer, signable, at)]
    return tuple(
        _directory_record(event, body, one, offset, FOUNDED_AT)
        for offset, (event, body, one) in enumerate(zip(events, bodies, signed, strict=True))
    )


def directory_record(obj: dict[str, Any], signer: Signer, offset: int, at: datetime) -> RawRecord:
    """A directory event, given in its JSON form, signed by anybody and stored at a time."""
    event = from_json({**_ABOUT, **obj})
    event_type = catalogue().by_name(event.type)
    body = codec.encode(event_type, event)
    [signed] = signer.sign(LEDGER_ID, [Signable(event_type.sha256, event.subject, body)])
    return _directory_record(event, body, signed, offset, at)


def _directory_record(
    event: Event, body: bytes, signed: SignedEvent, offset: int, at: datetime
) -> RawRecord:
    return RawRecord(
        topic="runut.directory",
        partition=0,
        offset=offset,
        timestamp_ms=int(at.timestamp() * 1000) + offset,
        timestamp_type=LOG_APPEND_TIME,
        key=event.subject.encode(),
        value=codec.frame(schema_ids()[event.type], body),
        headers=(*cloud_event_headers(event), *signed.headers),
    )


def root_signer() -> Signer:
    """Whoever signs with the directory's root key."""
    return Signer("root", _root_key())


def public_key_of(key: Ed25519PrivateKey) -> bytes:
    """Its public half, as the directory has it."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@cache
def schema_ids() -> dict[str, int]:
    """An id for every type, as a registry would give."""
    return {name: n for n, name in enumerate(sorted(one.name for one in catalogue()), 1)}


def recorded(
    obj: dict[str, Any] | str | Event,
    offset: int,
    recorded_at: datetime | None = None,
    signature: SignatureStatus = "VALID",
    partition: int = 0,
) -> Recorded:
    """An event, given in its JSON form, at its place in the log.

    Without `recorded_at`, one second passes with each offset after RECORDED_AT.
    """
    event = obj if isinstance(obj, Event) else from_json(obj, derive_id=True)
    body = codec.encode(catalogue().by_name(event.type), event)
    return Recorded(
        event=event,
        partition=partition,
        offset=offset,
        recorded_at=recorded_at or RECORDED_AT + timedelta(seconds=offset),
        directory_offset=len(directory_records()) - 1,
        signature=signature,
        schema_id=schema_ids()[event.type],
        body=body,
        content=content_of(event.type, body),
    )


def scenario(name: str, first_offset: int = FIRST_OFFSET) -> list[Recorded]:
    """A scenario's events in the order of its file, such as `01-unpaid-wages`."""
    lines = (SCENARIOS / f"{name}.jsonl").read_text().splitlines()
    return [recorded(line, offset) for offset, line in enumerate(lines, first_offset)]


def expected(name: str) -> dict[str, Any]:
    """What must be true after a scenario."""
    return json.loads((SCENARIOS / f"{name}.expected.json").read_text())  # type: ignore[no-any-return]


def on_subject(records: Iterable[Recorded], subject: str) -> list[Recorded]:
    """Those about one subject."""
    return [one for one in records if one.event.subject == subject]


def agrees(wanted: Any, found: Any) -> bool:
    """Whether `found` holds all that an expected.json wants (scenarios/README.md).

    Objects may have more fields than wanted, lists may not have more items.
    """
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and agrees(value, found[name]) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(agrees(one, other) for one, other in zip(wanted, found, strict=True))
        )
    return bool(wanted == found)


async def project(
    connection: Connection,
    records: Sequence[Recorded],
    directories: Directories | None = None,
    batch: int = 1000,
    path: Path = DIRECTORY,
) -> None:
    """Fold records and write them as the projector does, with the records of a directory file.

    Partitions are claimed anew: offsets go on where an earlier call ended.
    """
    store, directories = Store(connection), directories or directory_from(path)
    await store.save_directory(directory_records(path), directory_log(path).latest)
    positions = await store.claim({one.partition for one in records})
    for at in range(0, len(records), batch):
        some, subjects = records[at : at + batch], Subjects()
        histories = await store.load(some, subjects, directories)
        changes: Changes = fold_batch(some, subjects, histories, directories)
        moves = moves_past(positions, some)
        await store.commit(moves, changes, [])
        positions.update({after.partition: after for _, after in moves})


def moves_past(
    positions: Mapping[int, Position], records: Sequence[Recorded]
) -> list[tuple[Position, Position]]:
    """Each partition's position before and after these records."""
    last = {one.partition: one for one in records}
    return [
        (
            positions[partition],
            Position(
                partition=partition,
                epoch=positions[partition].epoch,
                next_offset=one.offset + 1,
                leaf_hash=sha256(one.body).digest(),
                recorded_at=one.recorded_at,
                directory_offset=one.directory_offset,
            ),
        )
        for partition, one in last.items()
    ]


def _signed(signer: Signer, signable: Sequence[Signable], at: int) -> Sequence[SignedEvent]:
    return signer.sign(LEDGER_ID, signable[at : at + 1024])


@cache
def _root_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(b"root key of the tests").digest())


def directory_objects(path: Path = DIRECTORY) -> Iterator[dict[str, Any]]:
    """Directory events in their JSON form: founding, schemas, protocol, calendars, agencies."""
    root = public_key_of(_root_key())
    founding = {
        "ledger_id": LEDGER_ID,
        "partitions": PARTITIONS,
        "root_keys": [root],
        "require_signatures": True,
        "clock": "BROKER",
    }
    yield _about_ledger("LedgerCreated", founding)
    for one in catalogue():
        schema = {"schema_id": schema_ids()[one.name], "name": one.full_name}
        yield _about_ledger("SchemaRegistered", {**schema, "sha256": one.sha256.hex()})
    body = (ROOT / "protocols" / "pmi.toml").read_text()
    protocol = {"version": "pmi-1", "effective_from": FOUNDED_AT, "body": body}
    digest = sha256(body.encode()).hexdigest()
    yield _about_ledger("ProtocolPublished", {**protocol, "sha256": digest})
    for year in YEARS:
        calendar = {"year": year, "days": list(_days(year)), "basis": "holidays"}
        yield _about_ledger("CalendarPublished", calendar)
    for agency in tomllib.loads(path.read_text())["agency"]:
        yield {**_ABOUT, "type": "AgencyRegistered", "subject": f"agency/{agency['code']}"} | {
            "data": agency
        }


def _about_ledger(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {**_ABOUT, "type": event_type, "subject": "ledger/test", "data": data}


def _days(year: int) -> Iterator[dict[str, Any]]:
    for kind, category in (("PUBLIC", "public"), ("JOINT", "government")):
        found = holidays.country_holidays("ID", years=year, categories=(category,))
        for day, name in sorted(found.items()):
            yield {"date": day, "name": name, "kind": kind}


_ABOUT: dict[str, Any] = {"agency": "runut", "occurred_at": FOUNDED_AT}
