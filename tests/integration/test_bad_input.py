"""Bad input of every kind, straight to Kafka: its verdict, or quarantine with a reason.

What the JSON form, files and commands refuse before anything is sent is tested beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from projections.waiting import wait_until_projected
from runut.adapters import kafka
from runut.adapters.postgres import Connection
from runut.codec import FRAME_SIZE, frame, unframe
from runut.directory_follower import DirectoryFollower
from runut.directory_writer import DirectoryWriter
from runut.event_ids import new_event_id
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.outgoing import Envelope, Outgoing
from runut.partitioner import partition_of
from runut.settings import Settings
from runut.signing import Signer
from tests.integration.test_projector import projecting

CASE = "case/BAD-1"
PARTITIONS = 4
DEADLINE_S = 60.0

Record = tuple[bytes | None, bytes | None, int, list[tuple[str, bytes]]]


def contact(**changed: Any) -> dict[str, Any]:
    data = {"contact_id": "K1", "mode": "CHAT", "direction": "INCOMING", "summary": "-"}
    now = datetime.now(UTC)
    about = {"type": "ContactLogged", "subject": CASE, "agency": "kp2mi", "occurred_at": now}
    return {**about, "event_id": new_event_id(), "data": data, **changed}


def report(agency: str, custodian: str | None = None) -> dict[str, Any]:
    codes = {"category": "ABUSE", "urgency": "NORMAL", "phase": "DURING", "country": "MY"}
    more = {"intake": "EMAIL", "relation": "NGO", "sector": "FORMAL", "placement": "UNKNOWN"}
    data = {**codes, **more, "summary": "-", "custodian": custodian}
    return contact(type="CaseReported", agency=agency, data=data)


class Forger:
    """Makes records as a hostile or broken client would, and sends them past the SDK."""

    def __init__(self, settings: Settings, envelope: Envelope) -> None:
        self.settings = settings
        self.keys = KeyStore(settings.keys)
        self.envelope = envelope

    def seal(self, given: dict[str, Any], signer: Signer | None) -> Outgoing:
        return self.envelope.seal([self.envelope.draft(from_json(given))], signer)[0]

    def signed(self, given: dict[str, Any]) -> Outgoing:
        return self.seal(given, self.keys.get(given["agency"]).signer())

    async def send(self, records: Sequence[Record]) -> dict[int, int]:
        """Write records; gives the highest offset in each partition."""
        ends: dict[int, int] = {}
        producer = kafka.producer(self.settings)
        async with kafka.connected(self.settings, producer):
            for key, value, partition, headers in records:
                stored = await producer.send_and_wait(
                    self.settings.events_topic, value, key, partition=partition, headers=headers
                )
                ends[partition] = stored.offset
        return ends


def as_record(out: Outgoing, **changed: Any) -> Record:
    partition = partition_of(out.key, PARTITIONS)
    given: dict[str, Any] = {"key": out.key, "value": out.value, "partition": partition}
    given |= {"headers": out.headers, **changed}
    return given["key"], given["value"], given["partition"], given["headers"]


@pytest.fixture
async def forger(ledger: Settings) -> Forger:
    async with DirectoryFollower(ledger) as follower:
        return Forger(ledger, Envelope.of(follower.log.latest))


async def project(settings: Settings, connection: Connection, ends: dict[int, int]) -> None:
    async with projecting(settings):
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)


async def verdicts(connection: Connection) -> dict[str, tuple[str, ...]]:
    cursor = await connection.execute("SELECT event_id, codes FROM history")
    return {event_id: tuple(codes) for event_id, codes in await cursor.fetchall()}


async def test_each_wrong_signature_agency_or_time_has_its_code(
    forger: Forger, connection: Connection
) -> None:
    stranger = Signer("stranger", Ed25519PrivateKey.generate())
    kemlu_key = forger.keys.get("kemlu")
    wrong = Signer(forger.keys.get("kp2mi").key_id, Ed25519PrivateKey.generate())
    future = datetime.now(UTC) + timedelta(minutes=30)
    await _revoke(forger.settings, "kemlu", kemlu_key.key_id)
    sound = forger.signed(contact())
    twice = forger.signed(contact())
    made: list[tuple[str, Record]] = [
        ("UNKNOWN_AGENCY", as_record(forger.seal(contact(agency="nobody"), stranger))),
        ("SIGNATURE_MISSING", as_record(forger.seal(contact(), None))),
        ("KEY_UNKNOWN", as_record(forger.seal(contact(), stranger))),
        ("KEY_UNKNOWN", as_record(forger.seal(contact(), kemlu_key.signer()))),
        ("KEY_REVOKED", as_record(forger.seal(contact(agency="kemlu"), kemlu_key.signer()))),
        ("SIGNATURE_INVALID", as_record(forger.seal(contact(), wrong))),
        ("SIGNATURE_INVALID", as_record(twice, headers=[*twice.headers, twice.headers[-1]])),
        ("OCCURRED_IN_FUTURE", as_record(forger.signed(contact(occurred_at=future)))),
        ("UNKNOWN_SUBJECT", as_record(sound)),
        ("UNKNOWN_AGENCY", as_record(forger.signed(report("kp2mi", "nobody")))),
        ("CUSTODIAN_REQUIRED", as_record(forger.signed(report("sbmi")))),
    ]
    await project(forger.settings, connection, await forger.send([one for _, one in made]))
    cursor = await connection.execute('SELECT codes FROM history ORDER BY "offset"')
    assert [codes for (codes,) in await cursor.fetchall()] == [[code] for code, _ in made]
    cursor = await connection.execute("SELECT count(*) FROM quarantine")
    assert await cursor.fetchone() == (0,)


async def test_what_is_no_event_is_quarantined_with_what_was_expected_and_found(
    forger: Forger, connection: Connection
) -> None:
    good = forger.signed(contact())
    schema_id, body = unframe(good.value)
    wrong_type = dict(good.headers) | {"ce_type": b"runut.events.LetterSent"}
    nul = body.replace(b"\x02-", b"\x02\x00", 1)
    assert nul != body
    made: list[tuple[str, Record]] = [
        ("value", as_record(good, value=None)),
        ("value", as_record(good, value=b"")),
        ("magic byte", as_record(good, value=b"\x01" + good.value[1:])),
        ("schema id", as_record(good, value=frame(999_999, body))),
        ("value", as_record(good, value=frame(schema_id, body + b"\x00" * 300_000))),
        ("", as_record(good, value=good.value[:-3])),
        ("", as_record(good, value=good.value[: FRAME_SIZE + 1])),
        ("", as_record(good, value=good.value + b"\x00")),
        ("", as_record(good, value=frame(schema_id, b"\xff" * 40))),
        ("", as_record(good, value=frame(schema_id, nul))),
        ("key", as_record(good, key=b"case/OTHER")),
        ("key", as_record(good, key=None)),
        ("partition", as_record(good, partition=_another_partition(good))),
        ("header ce_type", as_record(good, headers=list(wrong_type.items()))),
    ]
    ends = await forger.send([*(one for _, one in made), as_record(good)])
    await project(forger.settings, connection, ends)
    cursor = await connection.execute(
        'SELECT reason FROM quarantine ORDER BY recorded_at, "offset"'
    )
    reasons = [reason for (reason,) in await cursor.fetchall()]
    assert len(reasons) == len(made)
    for thing in (thing for thing, _ in made if thing):
        assert any(reason.startswith(f"{thing}: expected") for reason in reasons), thing
    assert all("expected" in reason and "found" in reason for reason in reasons)
    cursor = await connection.execute("SELECT DISTINCT key_id, agency, type FROM quarantine")
    claims = await cursor.fetchall()
    assert claims == [(forger.keys.get("kp2mi").key_id, "kp2mi", "ContactLogged")]
    # The partition went on: the sound event behind all that has its line in the history.
    assert await verdicts(connection) == {str(good.event.event_id): ("UNKNOWN_SUBJECT",)}


async def test_a_schema_that_only_the_registry_knows_decodes_nothing(
    forger: Forger, connection: Connection
) -> None:
    """A recursive schema crashes Avro decoders: what the directory did not announce is not read."""
    schema = '{"type":"record","name":"Deep","fields":[{"name":"in","type":["null","Deep"]}]}'
    url = f"{forger.settings.registry_url}/subjects/recursive-value/versions"
    schema_id = await _register(url, schema)
    good = forger.signed(contact())
    ends = await forger.send([as_record(good, value=frame(schema_id, b"\x02" * 100_000))])
    await project(forger.settings, connection, ends)
    cursor = await connection.execute("SELECT reason FROM quarantine")
    assert await cursor.fetchall() == [
        (f"schema id: expected one that the directory announced, found {schema_id}",)
    ]


def _another_partition(out: Outgoing) -> int:
    return (partition_of(out.key, PARTITIONS) + 1) % PARTITIONS


async def _revoke(settings: Settings, agency: str, key_id: str) -> None:
    data = {"agency": agency, "key_id": key_id, "revoked_at": datetime.now(UTC), "reason": "-"}
    async with DirectoryWriter(settings, KeyStore(settings.keys)) as writer:
        await writer.publish([writer.compose("AgencyKeyRevoked", f"agency/{agency}", data)])


async def _register(url: str, schema: str) -> int:
    import httpx

    async with httpx.AsyncClient() as client:
        answer = await client.post(url, json={"schema": schema})
        answer.raise_for_status()
        return int(answer.json()["id"])
