"""What is read at a glance is what the plain reader reads, to the type; all else is left to it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from runut import event as plain
from runut.avro_reader import Reader
from runut.avro_values import MAX_ARRAY
from runut.catalogue import EventType, catalogue
from runut.codec import decode, encode
from runut.errors import NotAnEvent
from runut.event import Event
from runut.native.avro_reading import AtAGlance
from runut.native.event_attributes import take_from_meta
from tests.fixtures.event_strategies import events

TYPES = list(catalogue())
ANY_EVENT = st.sampled_from(TYPES).flatmap(lambda one: st.tuples(st.just(one), events(one)))
DAY = {"type": "int", "logicalType": "date"}
MOMENT = {"type": "long", "logicalType": "timestamp-micros"}
AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
UUID = {"type": "string", "logicalType": "uuid"}
GRADE = {"type": "enum", "name": "Grade", "symbols": ["LOW", "HIGH", "UNSPECIFIED"]}
ITEMS = {"type": "array", "items": "string"}


def golden(event_type: EventType, name: str) -> bytes:
    """A body with the least that there must be in one of this type, or with all."""
    file = Path(__file__).parents[1] / "golden" / "events" / f"{event_type.name}.json"
    return bytes.fromhex(json.loads(file.read_bytes())[name]["body"])


BODIES = [(one, golden(one, "whole")) for one in TYPES]


class Left(Exception):
    """It was not to be read at a glance."""


def leave(body: bytes) -> Any:
    raise Left(body)


@cache
def readers(event_type: EventType) -> tuple[Callable[[bytes], Any], Callable[[bytes], Any]]:
    """At a glance alone, and plainly."""
    schema = event_type.schema
    return AtAGlance(schema, leave).read, Reader(schema).read_plainly


def record(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "x", "type": kind}]}


def number(value: int) -> bytes:
    """An unsigned varint."""
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def signed(value: int) -> bytes:
    return number(value << 1 if value >= 0 else (-value << 1) - 1)


@pytest.mark.parametrize("event_type", TYPES, ids=lambda one: one.name)
@pytest.mark.parametrize("name", ["least", "whole"])
def test_bodies_of_every_type_are_read_at_a_glance(event_type: EventType, name: str) -> None:
    body = golden(event_type, name)
    at_a_glance, plainly = readers(event_type)
    # Types, order and the numbers of decimals show in it too.
    assert repr(at_a_glance(body)) == repr(plainly(body))


@settings(max_examples=20, deadline=None)
@given(ANY_EVENT)
def test_whatever_is_written_is_read_at_a_glance(drawn: tuple[EventType, Event]) -> None:
    event_type, event = drawn
    at_a_glance, plainly = readers(event_type)
    body = encode(event_type, event)
    assert repr(at_a_glance(body)) == repr(plainly(body))
    assert decode(event_type, body) == event


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(BODIES), st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3))
def test_changed_bytes_are_left_or_read_the_same(
    drawn: tuple[EventType, bytes], place: float, gone: int, put: bytes
) -> None:
    event_type, body = drawn
    at_a_glance, plainly = readers(event_type)
    at = round(place * len(body))
    changed = body[:at] + put + body[at + gone :]
    try:
        found = at_a_glance(changed)
    except Left:
        return
    assert repr(found) == repr(plainly(changed))


@pytest.mark.parametrize(("event_type", "body"), BODIES, ids=[one.name for one in TYPES])
def test_a_body_cut_short_or_made_longer_is_left(event_type: EventType, body: bytes) -> None:
    at_a_glance, _ = readers(event_type)
    for wrong in (*(body[:size] for size in range(len(body))), body + b"\0"):
        with pytest.raises(Left):
            at_a_glance(wrong)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(
        ["int", "long", "boolean", "string", "bytes", UUID, DAY, MOMENT, AMOUNT, GRADE]
    ).flatmap(lambda one: st.sampled_from([one, ["null", one], {"type": "array", "items": one}])),
    st.binary(max_size=24),
)
@example(UUID, b"\x48" + b"01234567-89ab-cdef-0123-456789abcdef")
@example(AMOUNT, b"\x02\xff")
def test_any_bytes_of_any_kind_are_left_or_read_the_same(kind: Any, body: bytes) -> None:
    schema = record(kind)
    try:
        found = AtAGlance(schema, leave).read(body)
    except Left:
        return
    assert repr(found) == repr(Reader(schema).read_plainly(body))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("int", signed(-(2**31))),
        ("int", signed(2**31 - 1)),
        ("long", signed(-(2**63))),
        ("long", signed(2**63 - 1)),
        ("boolean", b"\1"),
        ("bytes", number(2 * 200) + bytes(200)),
        ("string", b"\0"),
        ("string", b"\x08\xf0\x9f\x8c\x8a"),
        (GRADE, b"\2"),
        (["null", "int"], b"\0"),
        (UUID, b"\x48" + b"01234567-89ab-cdef-0123-456789abcdef"),
        (DAY, signed(-25567)),
        (DAY, signed(2932896)),
        (MOMENT, signed(-2208988800 * 10**6)),
        (MOMENT, signed(-1)),
        (MOMENT, signed(253402300799999999)),
        (AMOUNT, b"\x10" + (10**18 - 1).to_bytes(8)),
        (ITEMS, b"\2\2a\4\2b\2c\0"),
        (ITEMS, number(2 * MAX_ARRAY) + b"\0" * MAX_ARRAY + b"\0"),
    ],
)
def test_what_is_at_the_edge_is_read_at_a_glance(kind: Any, body: bytes) -> None:
    schema = record(kind)
    found = AtAGlance(schema, leave).read(body)
    assert repr(found) == repr(Reader(schema).read_plainly(body))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("int", signed(2**31)),
        ("int", signed(-(2**31) - 1)),
        ("int", b"\x80\0"),
        ("long", b"\xff" * 9 + b"\2"),
        ("long", b"\x80" * 9 + b"\x81\1"),
        ("boolean", b"\2"),
        ("string", b"\1"),
        ("string", b"\2\0"),
        ("string", b"\4\xc3\x28"),
        ("string", b"\6\xed\xa0\x80"),
        ("string", b"\xff" * 9 + b"\1"),
        ("bytes", b"\xfe" + b"\xff" * 8 + b"\1" + b"ab"),
        (GRADE, b"\1"),
        (GRADE, b"\4"),
        (GRADE, b"\6"),
        (["null", "int"], b"\4\2"),
        (["null", "int"], b"\1\2"),
        (UUID, b"\x48" + b"01234567-89ab-cdef-0123-456789abcdeF"),
        (UUID, b"\x48" + b"01234567-89ab-cdef-0123-456789abcde-"),
        (UUID, b"\x48" + b"0123456-789ab-cdef-0123-456789abcdef"),
        (UUID, b"\x48" + b"01234567/89ab-cdef-0123-456789abcdef"),
        (UUID, b"\x46" + b"01234567-89ab-cdef-0123-456789abcde"),
        (DAY, signed(-25568)),
        (DAY, signed(2932897)),
        (MOMENT, signed(-2208988800 * 10**6 - 1)),
        (MOMENT, signed(253402300800000000)),
        (AMOUNT, b"\0"),
        (AMOUNT, b"\x10" + (10**18).to_bytes(8)),
        (AMOUNT, b"\x12" + bytes(8) + b"\1"),
        (ITEMS, number(2 * MAX_ARRAY + 2) + b"\0" * (MAX_ARRAY + 1) + b"\0"),
        (ITEMS, b"\2\0" + number(2 * MAX_ARRAY) + b"\0" * MAX_ARRAY + b"\0"),
    ],
)
def test_what_no_reader_takes_is_left(kind: Any, body: bytes) -> None:
    schema = record(kind)
    with pytest.raises(NotAnEvent):
        Reader(schema).read_plainly(body)
    with pytest.raises(Left):
        AtAGlance(schema, leave).read(body)


def test_what_is_left_is_read_by_the_other() -> None:
    schema = record(ITEMS)
    # A block that says how many bytes it has: nobody writes it.
    body = b"\1\2\0\0"
    with pytest.raises(Left):
        AtAGlance(schema, leave).read(body)
    assert Reader(schema).read(body) == {"x": [""]}


def test_a_huge_count_or_length_allocates_nothing() -> None:
    read = AtAGlance(record(ITEMS), leave).read
    huge = b"\xfe" + b"\xff" * 8 + b"\1"
    tracemalloc.start()
    for body in (huge, number(2 * MAX_ARRAY), b"\2" + huge + b"ab"):
        with pytest.raises(Left):
            read(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


@pytest.mark.parametrize("body", [None, "text", bytearray(b"\0"), memoryview(b"\0")])
def test_bodies_are_bytes(body: Any) -> None:
    with pytest.raises(TypeError):
        AtAGlance(record("string"), leave).read(body)


def test_an_event_has_the_same_attributes_of_its_meta() -> None:
    meta = {"event_id": "1", "subject": "case/2", "agency": "kp2mi", "occurred_at": None}
    event, other = Event("CaseVerified", {**meta}, {}), Event("CaseVerified", {**meta}, {})
    for one in (event, other):
        one.meta.update({"event_id": "3", "subject": "case/4", "agency": "polri"})
    take_from_meta(event)
    plain.take_from_meta(other)
    assert astuple(event)[3:] == astuple(other)[3:] == ("3", "case/4", "polri", None)


@pytest.mark.parametrize("take", [take_from_meta, plain.take_from_meta])
def test_a_meta_without_them_makes_no_event(take: Callable[[Event], None]) -> None:
    event = Event("T", {"event_id": "1", "subject": "2", "agency": "3", "occurred_at": None}, {})
    event.meta.clear()
    with pytest.raises(KeyError, match="event_id"):
        take(event)
