"""Which records of the directory count: each once, by keys that are valid, and no poison."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from runut.directory_log import DirectoryLog
from runut.records import CREATE_TIME, RawRecord
from runut.signing import Signer
from tests.builders import (
    FOUNDED_AT,
    ROOT,
    directory_record,
    directory_records,
    public_key_of,
    read_directory,
    root_signer,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"2" * 32)
LATER = FOUNDED_AT + timedelta(days=365)


def agency(*roles: str) -> dict[str, Any]:
    data = {
        "code": "polri",
        "name_id": "Polri",
        "name_en": "Police",
        "kind": "LAW_ENFORCEMENT",
        "roles": roles,
    }
    return {"type": "AgencyRegistered", "subject": "agency/polri", "data": data}


def published(key_id: str, key: Ed25519PrivateKey, valid_from: datetime) -> dict[str, Any]:
    data = {
        "agency": "polri",
        "key_id": key_id,
        "public_key": public_key_of(key),
        "custody": "SELF",
        "valid_from": valid_from,
    }
    return {"type": "AgencyKeyPublished", "subject": "agency/polri", "data": data}


def protocol(body: str) -> dict[str, Any]:
    data = {
        "version": "x",
        "effective_from": FOUNDED_AT,
        "body": body,
        "sha256": sha256(body.encode()).hexdigest(),
    }
    return {"type": "ProtocolPublished", "subject": "ledger/test", "data": data}


@pytest.fixture
def log() -> DirectoryLog:
    return read_directory(directory_records())


def append(
    log: DirectoryLog,
    what: dict[str, Any],
    signer: Signer | None = None,
    at: datetime = FOUNDED_AT,
) -> tuple[RawRecord, str | None]:
    record = directory_record(what, signer or root_signer(), log.size, at)
    return record, log.append(record)


def roles_of_polri(log: DirectoryLog) -> frozenset[str]:
    found = log.latest.agency("polri")
    assert found is not None
    return found.roles


def test_a_record_that_counted_counts_no_second_time(log: DirectoryLog) -> None:
    powerful, reason = append(log, agency("CUSTODIAN", "COORDINATOR"))
    assert reason is None
    assert append(log, agency("CUSTODIAN"))[1] is None
    again = log.append(replace(powerful, offset=log.size))
    assert again is not None
    assert f"record at {powerful.offset}" in again
    assert roles_of_polri(log) == {"CUSTODIAN"}


def test_what_did_not_count_may_be_sent_again(log: DirectoryLog) -> None:
    early, reason = append(log, published("k1", KEY, FOUNDED_AT), Signer("k0", OTHER))
    assert reason is not None
    assert append(log, published("k0", OTHER, FOUNDED_AT))[1] is None
    assert log.append(replace(early, offset=log.size)) is None


@pytest.mark.parametrize(("at", "counts"), [(FOUNDED_AT, False), (LATER, True)])
def test_a_key_signs_no_directory_record_before_it_is_valid(
    log: DirectoryLog, at: datetime, counts: bool
) -> None:
    assert append(log, published("k1", KEY, LATER))[1] is None
    _, reason = append(log, published("k2", OTHER, FOUNDED_AT), Signer("k1", KEY), at)
    assert (reason is None) is counts


def test_the_time_of_an_emitter_makes_no_key_valid(log: DirectoryLog) -> None:
    assert append(log, published("k1", KEY, LATER))[1] is None
    by_key = directory_record(published("k2", OTHER, LATER), Signer("k1", KEY), log.size, LATER)
    reason = log.append(replace(by_key, timestamp_type=CREATE_TIME))
    assert reason is not None
    assert "timestamp type" in reason
    assert append(log, published("k2", OTHER, LATER), Signer("k1", KEY))[1] is not None


@pytest.mark.parametrize(
    "what",
    [
        {
            "type": "SchemaRegistered",
            "subject": "ledger/test",
            "data": {"schema_id": 900, "name": "x", "sha256": "zz"},
        },
        protocol("a=" + "[" * 5000 + "]" * 5000),
        protocol(
            (ROOT / "protocols" / "pmi.toml")
            .read_text()
            .replace("days_between_levels = 3", "days_between_levels = " + "9" * 5000)
        ),
    ],
    ids=["schema", "brackets", "digits"],
)
def test_what_nobody_can_read_counts_for_nothing_and_stops_no_reader(
    log: DirectoryLog, what: dict[str, Any]
) -> None:
    _, reason = append(log, what)
    assert reason is not None
    assert append(log, agency("CUSTODIAN"))[1] is None
