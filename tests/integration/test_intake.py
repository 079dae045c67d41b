"""Events over HTTP, into a real ledger: what is recorded, what is refused, and what is said."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson
import pytest

from producers.intake.gateway import Gateway
from runut.directory_follower import DirectoryFollower
from runut.event_ids import new_event_id
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.outgoing import Envelope, Outgoing
from runut.receipts import check, receipt_of
from runut.registration import apply_directory
from runut.settings import Settings
from tests.intake_calls import MAY_FORCE, NDJSON, calling, make_app, opened, results
from tests.integration.logs import read_log
from tests.integration.outbox_stage import projecting
from tests.integration.test_look import runut
from tests.unit.test_json_form import WRONG

pytestmark = pytest.mark.usefixtures("projected")
AS_JSON = {"Content-Type": "application/json"}


def report(number: str, **changed: Any) -> dict[str, Any]:
    """A CaseReported by kp2mi, which opens a case."""
    data = {
        "category": "UNPAID_WAGES",
        "urgency": "URGENT",
        "phase": "DURING",
        "country": "MY",
        "intake": "HOTLINE",
        "relation": "WORKER",
        "sector": "INFORMAL",
        "placement": "PROCEDURAL",
        "summary": "Upah tiga bulan belum dibayar.",
    }
    about = {"type": "CaseReported", "subject": f"case/{number}", "agency": "kp2mi"}
    return {**about, "occurred_at": "2025-07-01T09:00:00+07:00", "data": data, **changed}


def verified(number: str, **changed: Any) -> dict[str, Any]:
    """The CaseVerified that may follow."""
    data = {"result": "VERIFIED", "note": "Sesuai."}
    about = {"type": "CaseVerified", "subject": f"case/{number}", "agency": "kp2mi"}
    return {**about, "occurred_at": "2025-07-02T09:00:00+07:00", "data": data, **changed}


@pytest.fixture(scope="module")
async def gateway(projected: Settings) -> AsyncIterator[Gateway]:
    async with projecting(projected), opened(projected) as gateway:
        yield gateway


@pytest.fixture
async def kp2mi(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app(gateway)) as client:
        yield client


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    found: dict[str, Any] = answer.json()
    assert found["type"] == (f"urn:runut:problem:{name}" if name else "about:blank")
    assert found["status"] == status
    return found


async def test_an_event_is_recorded_and_its_receipt_can_be_checked_by_anybody(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    answer = await kp2mi.post("/events", json=report("A-1"))
    assert answer.status_code == 201, answer.text
    receipt = receipt_of(answer.content)
    key = KeyStore(projected.keys).get("runut")
    assert receipt.key_id == key.key_id
    check(receipt, key.public_key)
    assert answer.json()["foreseen"] == {"verdict": "EFFECTIVE", "codes": []}
    assert answer.headers["location"] == f"receipts/{receipt.event_id}"
    (recorded,) = (await read_log(projected)).on_subject("case/A-1")
    assert recorded.signature == "VALID"
    assert (recorded.partition, recorded.offset) == (receipt.partition, receipt.offset)
    assert recorded.event.event_id == receipt.event_id


async def test_what_follows_at_once_is_judged_by_what_was_recorded_before(
    kp2mi: httpx.AsyncClient,
) -> None:
    for event in (report("B-1"), verified("B-1"), verified("B-1", event_id=new_event_id())):
        answer = await kp2mi.post("/events", json=event)
        assert answer.status_code == 201, answer.text
        assert answer.json()["foreseen"]["verdict"] == "EFFECTIVE"


NEW_AGENCY = """
[[agency]]
code = "dinsos-baru"
name_id = "Dinas Sosial"
name_en = "Social Affairs Office"
kind = "LOCAL_GOVERNMENT"
roles = ["CUSTODIAN"]
"""


async def test_an_agency_that_was_registered_a_moment_ago_is_known(
    kp2mi: httpx.AsyncClient, projected: Settings, tmp_path: Path
) -> None:
    event = report("R-1")
    event["data"]["custodian"] = "dinsos-baru"
    problem(await kp2mi.post("/events", json=event), 409, "irregular")
    file = tmp_path / "directory.toml"
    file.write_text(NEW_AGENCY)
    await apply_directory(projected, file)
    answer = await kp2mi.post("/events", json=event)
    assert answer.status_code == 201, answer.text


async def test_what_would_be_irregular_is_refused_with_its_codes_unless_forced(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    event = verified("C-1")
    found = problem(await kp2mi.post("/events", json=event), 409, "irregular")
    assert found["codes"] == ["UNKNOWN_SUBJECT"]
    problem(await kp2mi.post("/events?force=true", json=event), 403, "forbidden")
    problem(
        await kp2mi.post("/events", json=event, headers={"Runut-Force": "true"}), 403, "forbidden"
    )
    problem(await kp2mi.post("/events?force=yes", json=event), 422, "bad-field")
    assert (await read_log(projected)).on_subject("case/C-1") == []
    answer = await kp2mi.post("/events?force=true", json=event, headers=MAY_FORCE)
    assert answer.status_code == 201
    assert answer.json()["foreseen"] == {"verdict": "IRREGULAR", "codes": ["UNKNOWN_SUBJECT"]}


async def test_the_command_tells_programs_why_it_did_not_send(
    gateway: Gateway, projected: Settings
) -> None:
    del gateway  # only for what it projects
    data = json.dumps(verified("NONE-2")["data"])
    about = ("--subject", "case/NONE-2", "--agency", "kp2mi", "--data", data)
    ended = await runut(projected, "emit", "CaseVerified", *about, "--json")
    assert (ended.code, "would be irregular: UNKNOWN_SUBJECT" in ended.err) == (1, True), ended
    found = ended.document
    assert (found["verdict"], found["codes"]) == ("IRREGULAR", ["UNKNOWN_SUBJECT"])
    assert (found["subject"], found["partition"], found["offset"]) == ("case/NONE-2", None, None)


async def test_an_event_sent_again_gets_the_same_receipt_and_is_recorded_once(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    event = report("D-1", event_id=new_event_id())
    first = await kp2mi.post("/events", json=event)
    again = await kp2mi.post("/events", json=event)
    assert (first.status_code, again.status_code) == (201, 200)
    assert receipt_of(again.content) == receipt_of(first.content)
    assert again.json()["foreseen"] is None
    other = {**event, "occurred_at": "2025-07-01T10:00:00+07:00"}
    problem(await kp2mi.post("/events", json=other), 409, "already-recorded")
    assert len((await read_log(projected)).on_subject("case/D-1")) == 1


async def test_a_gateway_that_knows_nothing_gives_the_same_receipt_again(
    kp2mi: httpx.AsyncClient, projected: Settings, gateway: Gateway
) -> None:
    event = report("D-2", event_id=new_event_id())
    first = receipt_of((await kp2mi.post("/events", json=event)).content)
    assert await gateway._read_models.is_projected(first.partition, first.offset)
    async with opened(projected) as another, calling(make_app(another)) as client:
        again = await client.post("/events", json=event)
        assert again.status_code == 200, again.text
        assert receipt_of(again.content) == first
        other = {**event, "occurred_at": "2025-07-01T10:00:00+07:00"}
        problem(await client.post("/events", json=other), 409, "already-recorded")


async def test_an_id_used_again_for_another_type_is_refused_though_it_says_the_same(
    kp2mi: httpx.AsyncClient, projected: Settings, gateway: Gateway
) -> None:
    assert (await kp2mi.post("/events", json=report("D-TYPE"))).status_code == 201
    event = verified("D-TYPE", event_id=new_event_id())
    said = {"scope": "LEDGER", "ground": event["data"]["note"]}
    closed = {**event, "type": "CaseClosed", "data": said}
    first = await kp2mi.post("/events", json=event)
    assert first.status_code == 201, first.text
    problem(await kp2mi.post("/events", json=closed), 409, "already-recorded")
    place = receipt_of(first.content)
    assert await gateway._read_models.is_projected(place.partition, place.offset)
    async with opened(projected) as another, calling(make_app(another)) as client:
        problem(await client.post("/events", json=closed), 409, "already-recorded")
        assert (await client.post("/events", json=event)).status_code == 200


async def test_many_at_once_with_one_id_are_one_event(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    import asyncio

    event = report("D-3", event_id=new_event_id())
    answers = await asyncio.gather(*(kp2mi.post("/events", json=event) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] * 7 + [201]
    assert len({receipt_of(one.content) for one in answers}) == 1
    assert len((await read_log(projected)).on_subject("case/D-3")) == 1


async def test_an_idempotency_key_makes_a_repeat_the_same_event(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first = await kp2mi.post("/events", json=report("E-1"), headers=key)
    again = await kp2mi.post("/events", json=report("E-1"), headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert receipt_of(again.content) == receipt_of(first.content)
    bare = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    assert (await kp2mi.post("/events", json=report("E-1"), headers=bare)).status_code == 200
    for other in (report("E-2"), report("E-1", occurred_at="2025-07-01T10:00:00+07:00")):
        found = problem(await kp2mi.post("/events", json=other, headers=key), 422, "bad-input")
        assert found["field"] == "Idempotency-Key"
    other_key = {"Idempotency-Key": "another"}
    answer = await kp2mi.post("/events", json=report("E-3"), headers=other_key)
    assert answer.status_code == 201
    found = problem(
        await kp2mi.post("/events", json=report("E-3"), headers={"Idempotency-Key": '"a'}),
        422,
        "bad-input",
    )
    assert found["field"] == "Idempotency-Key"
    assert (await read_log(projected)).on_subject("case/E-2") == []


async def test_a_key_used_for_another_subject_is_known_to_every_gateway(
    kp2mi: httpx.AsyncClient, projected: Settings, gateway: Gateway
) -> None:
    key = {"Idempotency-Key": '"one key, two cases"'}
    first = receipt_of((await kp2mi.post("/events", json=report("E-4"), headers=key)).content)
    assert await gateway._read_models.is_projected(first.partition, first.offset)
    async with opened(projected) as another, calling(make_app(another)) as client:
        again = await client.post("/events", json=report("E-5"), headers=key)
        problem(again, 422, "bad-input")
        again = await client.post("/events", json=report("E-4"), headers=key)
        assert receipt_of(again.content) == first


async def test_an_emitter_emits_as_its_own_agency_alone(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    event = report("F-1", agency="kemlu")
    problem(await kp2mi.post("/events", json=event), 403, "forbidden")
    as_reader = {"Authorization": "Bearer kp2mi/reader"}
    problem(await kp2mi.post("/events", json=report("F-1"), headers=as_reader), 403, "forbidden")
    wrong = {"Authorization": "Bearer wrong"}
    answer = await kp2mi.post("/events", json=report("F-1"), headers=wrong)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    batch = await kp2mi.post("/events/batch", content=orjson.dumps(event), headers=NDJSON)
    (line,) = results(batch)
    assert (line["line"], line["status"]) == (1, 403)
    on_behalf = report("F-2", on_behalf_of="desa-oesapa")
    assert (await kp2mi.post("/events", json=on_behalf)).status_code == 201
    assert (await read_log(projected)).on_subject("case/F-1") == []


async def test_an_agency_without_a_key_here_is_told_what_to_do(gateway: Gateway) -> None:
    async with calling(make_app(gateway)) as client:
        as_stranger = {"Authorization": "Bearer stranger"}
        event = report("G-1", agency="stranger")
        found = await client.post("/events?force=true", json=event, headers=as_stranger)
        assert found.status_code == 403  # no right to force
        forcing = {"Authorization": "Bearer stranger/force"}
        found = await client.post("/events?force=true", json=event, headers=forcing)
        assert "sign" in problem(found, 422, "missing-key")["detail"]
        found = await client.post("/events", json=event, headers=as_stranger)
        assert problem(found, 409, "irregular")["codes"] == ["UNKNOWN_AGENCY"]


async def test_whatever_the_json_form_refuses_is_refused_by_the_same_field(
    kp2mi: httpx.AsyncClient,
) -> None:
    for given, field, message in WRONG:
        body = given if isinstance(given, bytes) else json.dumps(given, default=str)
        answer = await kp2mi.post("/events", content=body, headers=AS_JSON)
        found = problem(answer, 422, "bad-field")
        assert found["field"] == field
        assert re.search(message, f"expected {found['expected']}, found {found['found']}"), found


async def test_personal_data_in_the_clear_is_refused(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    event = report("H-1")
    event["data"]["summary"] = "Keluarga di 0812-3456-7890."
    found = problem(await kp2mi.post("/events", json=event), 422, "bad-field")
    assert found["field"] == "data.summary"
    assert "3456" not in orjson.dumps(found).decode()
    batch = await kp2mi.post("/events/batch", content=orjson.dumps(event), headers=NDJSON)
    (line,) = results(batch)
    assert (line["status"], line["problem"]["field"]) == (422, "data.summary")
    assert (await read_log(projected)).on_subject("case/H-1") == []


class OwnSigner:
    """An agency's system that signs for itself, with a key that the ledger knows."""

    def __init__(self, settings: Settings, envelope: Envelope) -> None:
        self.key = KeyStore(settings.keys).get("kemlu")
        self.envelope = envelope

    def sealed(self, event: dict[str, Any]) -> Outgoing:
        return self.envelope.seal([self.envelope.draft(from_json(event))], self.key.signer())[0]

    def record(self, event: dict[str, Any], **changed: Any) -> bytes:
        made = self.sealed(event)
        record = {"key": made.key, "value": made.value, "headers": dict(made.headers), **changed}
        return msgspec.json.encode(record)

    def signature(self, event: dict[str, Any]) -> str:
        return b64encode(dict(self.sealed(event).headers)["runut-signature"]).decode()


@pytest.fixture(scope="module")
async def kemlu(projected: Settings) -> OwnSigner:
    async with DirectoryFollower(projected) as follower:
        return OwnSigner(projected, Envelope.of(follower.log.latest))


RECORD = {"Content-Type": "application/vnd.runut.record+json"}
AS_KEMLU = {"Authorization": "Bearer kemlu"}


async def test_a_record_that_its_agency_signed_is_recorded_as_it_is(
    kp2mi: httpx.AsyncClient, kemlu: OwnSigner, projected: Settings
) -> None:
    event = report("S-1", agency="kemlu", event_id=new_event_id())
    body = kemlu.record(event)
    answer = await kp2mi.post("/events", content=body, headers=RECORD | AS_KEMLU)
    assert answer.status_code == 201, answer.text
    receipt = receipt_of(answer.content)
    log = await read_log(projected)
    (recorded,) = log.on_subject("case/S-1")
    assert (recorded.signature, recorded.event.event_id) == ("VALID", event["event_id"])
    (raw,) = [one for one in log.records if one.key == b"case/S-1"]
    assert dict(raw.headers) == dict(msgspec.json.decode(body, type=dict)["headers"]) or raw.headers
    again = await kp2mi.post("/events", content=body, headers=RECORD | AS_KEMLU)
    assert (again.status_code, receipt_of(again.content)) == (200, receipt)
    problem(await kp2mi.post("/events", content=body, headers=RECORD), 403, "forbidden")


async def test_an_event_may_come_with_its_signature_beside_it(
    kp2mi: httpx.AsyncClient, kemlu: OwnSigner, projected: Settings
) -> None:
    event = report("S-2", agency="kemlu", event_id=new_event_id())
    signed = {"Runut-Key-Id": kemlu.key.key_id, "Runut-Signature": kemlu.signature(event)}
    answer = await kp2mi.post("/events", json=event, headers=signed | AS_KEMLU)
    assert answer.status_code == 201, answer.text
    follower = verified("S-2", agency="kemlu", event_id=new_event_id())
    line = {**follower, "key_id": kemlu.key.key_id, "signature": kemlu.signature(follower)}
    batch = await kp2mi.post("/events/batch", content=orjson.dumps(line), headers=NDJSON | AS_KEMLU)
    assert [one["status"] for one in results(batch)] == [201]
    log = await read_log(projected)
    assert [one.signature for one in log.on_subject("case/S-2")] == ["VALID", "VALID"]
    digests = {receipt_of(answer.content).event_digest}
    assert None not in digests


async def test_a_signature_that_does_not_hold_is_refused_even_by_force(
    kp2mi: httpx.AsyncClient, kemlu: OwnSigner, projected: Settings
) -> None:
    event = report("S-3", agency="kemlu", event_id=new_event_id())
    signature = kemlu.signature({**event, "occurred_at": "2025-07-01T10:00:00+07:00"})
    forcing = {"Authorization": "Bearer kemlu/force"}
    cases = [
        ({"Runut-Key-Id": kemlu.key.key_id, "Runut-Signature": signature}, "SIGNATURE_INVALID"),
        ({"Runut-Key-Id": "nobody", "Runut-Signature": signature}, "KEY_UNKNOWN"),
        ({"Runut-Key-Id": kemlu.key.key_id, "Runut-Signature": "AAAA"}, "SIGNATURE_INVALID"),
    ]
    for headers, code in cases:
        for path, who in (("/events", AS_KEMLU), ("/events?force=true", forcing)):
            answer = await kp2mi.post(path, json=event, headers=headers | who)
            assert problem(answer, 409, "irregular")["codes"] == [code]
    line = {**event, "key_id": kemlu.key.key_id, "signature": signature}
    batch = await kp2mi.post("/events/batch", content=orjson.dumps(line), headers=NDJSON | AS_KEMLU)
    assert [one["problem"]["codes"] for one in results(batch)] == [["SIGNATURE_INVALID"]]
    assert (await read_log(projected)).on_subject("case/S-3") == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"topic": "other.events"}, "topic"),
        ({"partition": 99}, "partition"),
        ({"key": b"case/OTHER"}, "key"),
        ({"key": b"directory/0"}, "key"),
        ({"value": b"\x01"}, "value"),
        ({"value": b"\x01\x00\x00\x00\x01abc"}, "magic byte"),
        ({"value": b"\x00\x7f\x00\x00\x00abc"}, "schema id"),
        ({"headers": {"ce_type": b"runut.events.LetterSent"}}, "header ce_type"),
        ({"colour": "red"}, "record"),
        ({"value": None}, "value"),
    ],
    ids=str,
)
async def test_a_record_that_is_no_event_is_refused_by_name(
    kp2mi: httpx.AsyncClient, kemlu: OwnSigner, changed: dict[str, Any], field: str
) -> None:
    body = kemlu.record(report("S-4", agency="kemlu"), **changed)
    answer = await kp2mi.post("/events", content=body, headers=RECORD | AS_KEMLU)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_other_media_types_are_refused(kp2mi: httpx.AsyncClient, media_type: str) -> None:
    for path in ("/events", "/events/batch"):
        headers = {"Content-Type": media_type}
        answer = await kp2mi.post(path, content=orjson.dumps(report("K-1")), headers=headers)
        assert "expected application/" in problem(answer, 415, "")["detail"]


async def test_what_is_too_large_is_refused(kp2mi: httpx.AsyncClient) -> None:
    answer = await kp2mi.post("/events", json={"x": "y" * 600_000})
    problem(answer, 413, "too-large")
    answer = await kp2mi.post("/events", json={"x": "y" * 300_000})
    problem(answer, 422, "bad-field")


async def test_whoever_sends_more_than_its_share_is_told_when_to_come_back(
    gateway: Gateway,
) -> None:
    async with calling(make_app(gateway, events_per_s=1)) as client:
        await client.post("/events", json=report("L-1"))
        answer = await client.post("/events", json=report("L-2"))
        found = problem(answer, 429, "too-many-requests")
        assert answer.headers["retry-after"] == str(found["retry_after_s"])


async def test_an_event_of_the_future_is_refused(kp2mi: httpx.AsyncClient) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    answer = await kp2mi.post("/events", json=report("M-1", occurred_at=tomorrow))
    assert problem(answer, 409, "irregular")["codes"] == ["OCCURRED_IN_FUTURE"]


async def test_what_is_recorded_belongs_to_the_trace_of_the_request(
    kp2mi: httpx.AsyncClient, kemlu: OwnSigner, projected: Settings
) -> None:
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    event = report("T-2", agency="kemlu", event_id=new_event_id())
    signed = {"Runut-Key-Id": kemlu.key.key_id, "Runut-Signature": kemlu.signature(event)}
    assert (await kp2mi.post("/events", json=report("T-1"), headers=trace)).status_code == 201
    answer = await kp2mi.post("/events", json=event, headers=signed | AS_KEMLU | trace)
    assert answer.status_code == 201, answer.text
    log = await read_log(projected)
    found = [dict(one.headers) for one in log.records if one.key in {b"case/T-1", b"case/T-2"}]
    assert [one["traceparent"] for one in found] == [trace["traceparent"].encode()] * 2
