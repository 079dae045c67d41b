"""The parts of the intake that need no ledger."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from msgspec.structs import replace

from producers.intake.channel import Channel
from producers.intake.gathering import Gathered
from producers.intake.given import given_event, given_line, idempotency_key, signature_headers
from producers.intake.incoming import Incoming
from producers.intake.recent import Recent
from producers.intake.signing import GatewayKeys, ReceiptSigner
from producers.intake.unprojected import Unprojected
from runut.directory import Directory
from runut.directory_writer import SYSTEM
from runut.errors import AlreadyRecorded, BadInput, FieldError
from runut.event import AgencyCode, Event, Subject
from runut.event_ids import DerivedIds
from runut.examples import examples
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.lanes import Receipt
from tests.builders import RECORDED_AT, directory_log

IDS = DerivedIds(bytes(16))
KP2MI = AgencyCode("kp2mi")
EXAMPLE = examples()["LetterSent"]
EVENT_ID = "0197f1c2-0000-7000-8000-000000000011"
SIGNED = [("runut-key-id", b"kp2mi-1"), ("runut-signature", b"\x01\x00")]


def body(**changed: Any) -> bytes:
    return orjson.dumps({**EXAMPLE, **changed})


def test_the_same_key_of_the_same_agency_gives_the_same_id() -> None:
    def made(key: str | None, agency: AgencyCode = KP2MI, **changed: Any) -> Event:
        return given_event(body(**changed), signature=None, key=key, agency=agency, ids=IDS).event

    assert made("a").event_id == made('"a"').event_id
    assert made("a").event_id != made("b").event_id
    assert made("a").event_id != made("a", AgencyCode("kemlu")).event_id
    assert made(None).event_id != made(None).event_id
    assert made("a", event_id=EVENT_ID).event_id == EVENT_ID


@pytest.mark.parametrize("key", ["", '""', '"a', 'a"b"', "a b", "ä", "x" * 256])
def test_what_is_no_idempotency_key_is_refused(key: str) -> None:
    with pytest.raises(BadInput, match=r"^Idempotency-Key: expected 1 to 255 printable ASCII"):
        idempotency_key(key)


def test_a_line_without_an_id_is_always_the_same_event() -> None:
    line = body()
    assert given_line(line).event == given_line(line).event
    assert given_line(line).event != given_line(body(channel="MESSAGE")).event


def test_a_signature_may_stand_beside_the_fields_of_a_line() -> None:
    signature = b64encode(b"\x01\x00").decode()
    given = given_line(body(event_id=EVENT_ID, key_id="kp2mi-1", signature=signature))
    assert given.signature == SIGNED
    assert given.event == from_json(body(event_id=EVENT_ID))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"key_id": "k"}, "signature"),
        ({"signature": "AQA="}, "key_id"),
        ({"key_id": 5, "signature": "AQA="}, "key_id"),
        ({"key_id": "", "signature": "AQA="}, "key_id"),
        ({"key_id": "k" * 256, "signature": "AQA="}, "key_id"),
        ({"key_id": "k", "signature": "?"}, "signature"),
        ({"key_id": "k", "signature": "ä"}, "signature"),
        ({"key_id": "k", "signature": ["AQA="]}, "signature"),
        ({"key_id": "k", "signature": "AQA="}, "event_id"),
    ],
    ids=str,
)
def test_half_a_signature_is_refused_by_name(more: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        given_line(body(**more))
    assert caught.value.field == field


def test_signed_headers_need_the_id_that_was_signed() -> None:
    signature = signature_headers("kp2mi-1", "AQA=")
    assert signature == SIGNED
    with pytest.raises(FieldError, match=r"^event_id: expected the one that was signed"):
        given_event(body(), signature=signature, key="a", agency=KP2MI, ids=IDS)


def incoming(query: bytes = b"", **headers: str) -> Incoming:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": given, "query_string": query}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    return Incoming(scope, receive)


def test_a_media_type_is_compared_without_its_parameters() -> None:
    assert incoming(content_type=" Application/JSON; charset=utf-8").media_type == (
        "application/json"
    )
    assert incoming().media_type == ""


@pytest.mark.parametrize(
    ("query", "header", "force"),
    [
        (b"", None, False),
        (b"", "true", True),
        (b"force=true", None, True),
        (b"force=false", "true", False),
        (b"x=1&force=true", None, True),
        (b"", "", False),
    ],
)
def test_force_is_asked_for_by_query_or_header(query: bytes, header: str, force: bool) -> None:
    headers = {} if header is None else {"runut_force": header}
    assert incoming(query, **headers).force is force


@pytest.mark.parametrize("query", [b"force=1", b"force=", b"force=TRUE", b"force=true&force=x"])
def test_force_is_said_in_one_way(query: bytes) -> None:
    with pytest.raises(FieldError, match=r"^force: expected true or false"):
        _ = incoming(query).force


async def test_what_is_asked_while_an_answer_is_under_way_is_asked_together() -> None:
    asked: list[list[int]] = []
    go_on = asyncio.Event()

    async def ask(questions: Sequence[int]) -> list[int]:
        asked.append(list(questions))
        await go_on.wait()
        return [-one for one in questions]

    gathered = Gathered(ask, at_most=3)
    first = asyncio.create_task(gathered(1))
    while not asked:
        await asyncio.sleep(0)
    rest = [asyncio.create_task(gathered(n)) for n in (2, 3, 4, 5)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(first, *rest) == [-1, -2, -3, -4, -5]
    assert asked == [[1], [2, 3, 4], [5]]


async def test_a_failure_is_everybodys_who_asked_and_nobodys_after() -> None:
    failing = True

    async def ask(questions: Sequence[int]) -> Sequence[int]:
        if failing:
            raise BadInput("it", "one", "another")
        return questions

    gathered = Gathered(ask, at_most=10)
    results = await asyncio.gather(gathered(1), gathered(2), return_exceptions=True)
    assert [type(one) for one in results] == [BadInput, BadInput]
    failing = False
    assert await gathered(3) == 3


async def test_a_channel_lets_in_what_it_has_room_for_and_gives_all_at_once() -> None:
    channel: Channel[str] = Channel(10)
    await channel.put("huge", 50)
    waiting = asyncio.create_task(channel.put("a", 5))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await channel.take() == ["huge"]
    await waiting
    await channel.put("b", 5)
    channel.close()
    assert await channel.take() == ["a", "b"]
    assert await channel.take() == []


def a_receipt(subject: str = "case/A", offset: int = 1) -> Receipt:
    event = from_json(EXAMPLE)
    return Receipt(
        event_id=event.event_id,
        subject=Subject(subject),
        topic="runut.events",
        partition=0,
        offset=offset,
        recorded_at=RECORDED_AT,
        event_digest=None,
    )


async def test_an_event_is_known_until_its_recording_fails() -> None:
    recent, event = Recent(), from_json(body(event_id=EVENT_ID))
    loop = asyncio.get_running_loop()
    assert recent.find(event, b"a") is None
    first = recent.keep(event, b"a", loop.create_future())
    assert recent.find(event, b"a") is first
    with pytest.raises(AlreadyRecorded, match=EVENT_ID):
        recent.find(event, b"b")
    first.receipt.cancel()
    assert recent.find(event, b"b") is None
    second = recent.keep(event, b"b", loop.create_future())
    second.receipt.set_exception(BadInput("it", "one", "another"))
    assert recent.find(event, b"a") is None
    third = recent.keep(event, b"a", loop.create_future())
    third.receipt.set_result(a_receipt())
    assert recent.find(event, b"a") is third


async def test_only_the_most_recent_are_remembered() -> None:
    recent, loop = Recent(size=2), asyncio.get_running_loop()
    events = [from_json(EXAMPLE) for _ in range(3)]
    for event in events:
        recent.keep(event, b"", loop.create_future())
    assert [recent.find(event, b"") is not None for event in events] == [False, True, True]


def test_the_last_places_of_some_subjects_are_remembered() -> None:
    written = Unprojected(size=2)
    for subject, offset in (("case/A", 1), ("case/B", 2), ("case/A", 3), ("case/C", 4)):
        written.note(a_receipt(subject, offset))
    assert written.last(Subject("case/B")) is None
    assert written.last(Subject("case/A")) == (0, 3)
    written.forget(Subject("case/A"), (0, 1))
    assert written.last(Subject("case/A")) == (0, 3)
    written.forget(Subject("case/A"), (0, 3))
    assert written.last(Subject("case/A")) is None


def test_an_earlier_place_that_is_noted_later_is_not_the_last() -> None:
    written = Unprojected()
    for offset in (101, 100):
        written.note(a_receipt(offset=offset))
    assert written.last(Subject("case/A")) == (0, 101)


async def test_agencies_with_one_event_id_get_a_receipt_each(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    made = store.new(SYSTEM)
    directory = directory_log().latest

    class Known:
        ledger = directory.ledger

        def key(self, _agency: str, _key_id: str) -> Known:
            return self

        public_key = made.public_key

        def is_revoked(self, *_of: object) -> bool:
            return False

    signer = ReceiptSigner(store, cast("Callable[[], Directory]", Known))
    one = a_receipt("case/A", 10)
    other = replace(a_receipt("case/B", 20), event_id=one.event_id)
    kp2mi, kemlu, again = await asyncio.gather(
        signer.sign_soon(KP2MI, one),
        signer.sign_soon(AgencyCode("kemlu"), other),
        signer.sign_soon(KP2MI, one),
    )
    assert [(its.agency, its.offset) for its in (kp2mi, kemlu)] == [("kp2mi", 10), ("kemlu", 20)]
    assert kp2mi is again


def test_a_gateway_signs_with_no_key_that_its_agency_keeps(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    key = store.new("kemlu")

    class Known:
        def __init__(self, custody: str) -> None:
            self.custody = custody

        def key(self, _agency: str, _key_id: str) -> Known:
            return self

    def kept(custody: str) -> GatewayKeys:
        return GatewayKeys(store.path, lambda: Known(custody))  # type: ignore[arg-type, return-value]

    assert kept("SELF").keys("kemlu") == []
    assert kept("GATEWAY").keys("kemlu") == [key]
    unknown = GatewayKeys(store.path, lambda: directory_log().latest)
    assert unknown.keys("kemlu") == [key]  # it may be published yet
