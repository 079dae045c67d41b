"""Bytes in and out: what is refused, and how the error says so."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest
from msgspec.structs import replace

from runut.avro_reader import Reader
from runut.avro_values import MAX_ARRAY
from runut.catalogue import catalogue
from runut.codec import MAX_VALUE, decode, encode, frame, unframe
from runut.errors import BadFile, BadInput, NotAnEvent
from runut.event import Event
from runut.json_form import from_json

LETTER = catalogue().by_name("LetterSent")
PAID = catalogue().by_name("FinePaid")


def letter(**changes: Any) -> Event:
    """A letter; names of meta fields begin with `meta_`."""
    event = from_json(
        {
            "type": "LetterSent",
            "subject": "case/KP2MI-2025-0311",
            "agency": "kp2mi",
            "occurred_at": "2025-05-08T10:00:00+07:00",
            "data": {
                "letter_id": "L7",
                "number": "B.207",
                "dated": "2025-05-08",
                "doc_type": "OFFICIAL_LETTER",
                "urgency": "URGENT",
                "title": "Permintaan",
                "to": ["kbri-kl"],
                "reply_expected": True,
            },
        }
    )
    for name, value in changes.items():
        target = event.meta if name.startswith("meta_") else event.data
        target[name.removeprefix("meta_")] = value
    return event


def record(*fields: tuple[str, Any]) -> Reader:
    """A reader of a record with these fields, outside the catalogue."""
    return Reader(
        {"type": "record", "name": "R", "fields": [{"name": n, "type": t} for n, t in fields]}
    )


def test_the_frame_is_confluents() -> None:
    assert frame(258, b"body") == b"\0\0\0\1\2body"
    assert unframe(b"\0\0\0\1\2body") == (258, b"body")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "value: expected magic byte 0"),
        (b"\0\0\0\1", "value: expected magic byte 0"),
        (b"\1\0\0\0\1body", "magic byte: expected 0, found 1"),
        (b"\0" * (MAX_VALUE + 1), "262144 bytes at most, found 262145 bytes"),
    ],
)
def test_a_value_without_a_frame_is_no_event(value: bytes | None, message: str) -> None:
    with pytest.raises(NotAnEvent, match=message):
        unframe(value)


def test_what_is_read_has_python_values() -> None:
    found = decode(LETTER, encode(LETTER, letter()))
    assert found.occurred_at == datetime(2025, 5, 8, 3, tzinfo=UTC)
    assert found.occurred_at.tzinfo is UTC
    assert found.data["dated"] == date(2025, 5, 8)
    assert found.data["cc"] == []
    assert found.data["in_reply_to"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"meta_channel": "UNSPECIFIED"}, r"meta\.channel: expected one of the schema's choices"),
        ({"urgency": "SOON"}, "SOON"),
        ({"title": "a\0b"}, r"LetterSent\.title: expected text without U\+0000"),
        ({"title": 5}, "must be string on field title"),
        ({"title": "\ud800"}, "surrogates not allowed"),
        ({"to": ["a", "b\0"]}, r"LetterSent\.to\[\]: expected text without U\+0000"),
        ({"to": ("kbri-kl",)}, "can be read back, found to"),
        ({"to": ["x"] * (MAX_ARRAY + 1)}, "10000 items at most, found 10001"),
        ({"meta_event_id": "X"}, r"meta\.event_id: expected a lower-case UUID, found X"),
        ({"meta_occurred_at": datetime(2025, 5, 8)}, r"can be read back, found meta\.occurred_at"),
        ({"reply_due_at": 5}, "can be read back, found reply_due_at: 5"),
        ({"dated": date(1899, 12, 31)}, "a year from 1900 to 9999"),
        ({"title": "x" * MAX_VALUE}, "262139 bytes at most"),
        ({"leter": 1}, "leter"),
    ],
)
def test_nothing_is_written_that_would_not_be_read(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        encode(LETTER, letter(**changes))


def test_a_time_of_another_zone_is_the_same_instant() -> None:
    jakarta = timezone(timedelta(hours=7))
    event = letter(reply_due_at=datetime(2025, 5, 19, 23, 59, 59, tzinfo=jakarta))
    found = decode(LETTER, encode(LETTER, event))
    assert found.data["reply_due_at"] == datetime(2025, 5, 19, 16, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("amount", ["0.001", "10000000000000000.00", "NaN", "Infinity"])
def test_an_amount_is_never_rounded(amount: str) -> None:
    event = Event("FinePaid", letter().meta, {"fine_id": "F", "amount": Decimal(amount)})
    event.data["reference"] = "-"
    with pytest.raises(BadInput):
        encode(PAID, event)


def test_amounts_do_not_depend_on_the_programs_decimal_context() -> None:
    data = {"fine_id": "F", "amount": Decimal("9999999999999999.99"), "reference": "-"}
    event = Event("FinePaid", {**letter().meta, "subject": "agreement/A"}, data)
    body = encode(PAID, event)
    with localcontext() as context:
        context.prec = 3
        assert decode(PAID, body) == event


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("int", b"\x80\x80\x80\x80\x20", "32 bits"),
        ("int", b"\x80\x00", "shortest varint"),
        ("long", b"\x80" * 10 + b"\x01", "10 bytes at most"),
        ("long", b"\xff" * 9 + b"\x7f", "64 bits"),
        ("long", b"\x80", "expected more bytes, found the end"),
        ("boolean", b"\x02", "one of the schema's choices"),
        ("string", b"\x01", "a length of 0 or more, found -1"),
        ("string", b"\x04\xc3\x28", "expected UTF-8"),
        ("string", b"\xfe\xff\xff\xff\x0fab", "expected more bytes"),
        ("bytes", b"\x0aab", "expected more bytes"),
        (["null", "int"], b"\x04", "one of the schema's choices, found byte 4"),
        (["null", "int"], b"\x01\x02", "one of the schema's choices, found byte 1"),
        ({"type": "array", "items": "int"}, b"\x04\x02", "expected more bytes"),
        ({"type": "array", "items": "int"}, b"\x01\x04\x02\x00", "a block that ends at byte 4"),
        (
            {"type": "long", "logicalType": "timestamp-micros"},
            b"\xfe" + b"\xff" * 8 + b"\1",
            "year",
        ),
        ({"type": "int", "logicalType": "date"}, b"\xfe\xff\xff\xff\x0f", "a year from 1900"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2},
            b"\x00",
            "18 digits",
        ),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2},
            b"\x10\x7f" + b"\xff" * 7,
            "18 digits",
        ),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2},
            b"\x12" + b"\x00" * 8 + b"\x01",
            "18 digits",
        ),
        (
            {"type": "enum", "name": "E", "symbols": ["A", "UNSPECIFIED"], "doc": "."},
            b"\x01",
            "one of the schema's choices",
        ),
    ],
)
def test_malformed_values_are_refused_by_name(kind: Any, body: bytes, message: str) -> None:
    with pytest.raises(NotAnEvent, match=rf"^R(\.x(\[\])?)?: .*{message}"):
        record(("x", kind)).read(body)


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("int", b"\xff\xff\xff\xff\x0f", -(2**31)),
        ("long", b"\xff" * 9 + b"\x01", -(2**63)),
        ({"type": "array", "items": "int"}, b"\x02\x04\x03\x04\x06\x08\x00", [2, 3, 4]),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2},
            b"\x02\xff",
            Decimal("-0.01"),
        ),
    ],
)
def test_well_formed_values_at_the_edge_are_read(kind: Any, body: bytes, value: Any) -> None:
    assert record(("x", kind)).read(body) == {"x": value}


def test_a_huge_count_or_length_allocates_nothing() -> None:
    texts = record(("x", {"type": "array", "items": "string"}))
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    tracemalloc.start()
    for body in (huge, b"\xa0\x9c\x01" + huge, b"\x02" + huge + b"ab"):
        with pytest.raises(NotAnEvent):
            texts.read(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("double", "one of .*string"),
        ({"type": "map", "values": "string"}, "one of .*string"),
        (["string", "null"], "a union of null and one type"),
        (
            {"type": "enum", "name": "E", "symbols": [f"S{n}" for n in range(65)]},
            "an enum of at most 64 symbols, found 65",
        ),
    ],
)
def test_a_schema_that_no_contract_may_use_is_refused(kind: Any, expected: str) -> None:
    with pytest.raises(BadFile, match=rf"R\.x: expected {expected}"):
        record(("x", kind))


def test_an_event_is_called_as_its_own_meta_says_even_when_made_from_another() -> None:
    first = letter()
    event = replace(first, meta={**first.meta, "event_id": "another", "subject": "case/2"})
    assert (event.event_id, event.subject, event.agency) == ("another", "case/2", first.agency)
