"""What the compiled writer of bodies writes is what the plain one writes, or nothing."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runut import avro_writer
from runut.avro_writer import LONGEST, Unusual, Write
from runut.catalogue import EventType, catalogue
from runut.errors import BadFile
from runut.event import Event
from runut.examples import examples
from runut.json_form import from_json
from runut.native import avro_writing
from tests.fixtures.event_strategies import events

untimed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

REFUSED = (Unusual, KeyError, TypeError, AttributeError, ValueError, IndexError)
"""What sends an event the long way round."""


@cache
def writers(event_type: EventType) -> tuple[Write, Write]:
    return avro_writer.compiled(event_type.schema), avro_writing.compiled(event_type.schema)


@untimed
@given(st.sampled_from(list(catalogue())).flatmap(events))
def test_any_event_has_the_same_bytes(event: Event) -> None:
    plain, compiled = writers(catalogue().by_name(event.type))
    assert compiled(event.meta, event.data) == plain(event.meta, event.data)


@pytest.mark.parametrize("example", examples().values(), ids=lambda one: one["type"])
def test_the_example_of_each_type_has_the_same_bytes(example: dict[str, Any]) -> None:
    event = from_json(example)
    plain, compiled = writers(catalogue().by_name(event.type))
    assert compiled(event.meta, event.data) == plain(event.meta, event.data)


LETTER = from_json(examples()["LetterSent"])


def letter(**values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    meta = {name: values.pop(name, value) for name, value in LETTER.meta.items()}
    return meta, LETTER.data | values


class Text(str):
    __slots__ = ()


class Day(date):
    __slots__ = ()


@pytest.mark.parametrize(
    "values",
    [
        {"title": "a\0"},
        {"title": "\ud800"},
        {"title": 5},
        {"title": None},
        {"title": b"Surat"},
        {"title": Text("Surat")},
        {"title": "a" * (LONGEST + 1)},
        {"title": "\u0430" * (LONGEST // 2 + 1)},
        {"urgency": "UNSPECIFIED"},
        {"urgency": ["URGENT"]},
        {"event_id": "F4DE6737-8793-572F-8E28-441F4793A4C8"},
        {"event_id": "f4de67378793-572f-8e28-441f4793a4c8-"},
        {"event_id": "f4de6737-8793-572f-8e28-441f4793a4c"},
        {"event_id": 5},
        {"occurred_at": datetime(1899, 12, 31, tzinfo=UTC)},
        {"occurred_at": datetime(2025, 1, 1)},
        {"occurred_at": datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=7)))},
        {"occurred_at": date(2025, 1, 1)},
        {"dated": date(1899, 12, 31)},
        {"dated": Day(2025, 1, 1)},
        {"dated": datetime(2025, 1, 1, tzinfo=UTC)},
        {"to": ("kemlu",)},
        {"to": ["kemlu", 5]},
        {"to": ["kemlu"] * (LONGEST + 1)},
        {"reply_expected": 1},
        {"colour": "red"},
    ],
    ids=str,
)
def test_what_the_plain_writer_leaves_alone_is_left_alone(values: dict[str, Any]) -> None:
    for write in writers(catalogue().by_name("LetterSent")):
        with pytest.raises(REFUSED):
            write(*letter(**values))


@pytest.mark.parametrize(
    "values",
    [
        {"title": "a" * LONGEST},
        {"to": ["kemlu"] * LONGEST, "title": ""},
        {"title": "\U0001f600"},
        {"dated": date.max},
        {"dated": date(2024, 2, 29)},
        {"dated": date(1900, 1, 1)},
        {"occurred_at": datetime.max.replace(tzinfo=UTC)},
        {"occurred_at": datetime(1970, 1, 1, fold=1, tzinfo=UTC)},
    ],
    ids=lambda one: str(one)[:60],
)
def test_what_is_at_the_edge_has_the_same_bytes(values: dict[str, Any]) -> None:
    plain, compiled = writers(catalogue().by_name("LetterSent"))
    assert compiled(*letter(**values)) == plain(*letter(**values))


def test_every_month_of_two_centuries_has_the_same_bytes() -> None:
    plain, compiled = writers(catalogue().by_name("LetterSent"))
    for year, month in product(range(1900, 2101), range(1, 13)):
        last = date(year, month, monthrange(year, month)[1])
        time = datetime(year, month, 1, 23, 59, 59, 999_999, UTC)
        meta, data = letter(dated=last, occurred_at=time)
        assert compiled(meta, data) == plain(meta, data)


def schema(kind: Any) -> dict[str, Any]:
    meta = {"type": "record", "name": "Meta", "fields": []}
    fields = [{"name": "meta", "type": meta}, {"name": "x", "type": kind}]
    return {"type": "record", "name": "X", "fields": fields}


AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", True),
        ("int", 2**31),
        ("int", -(2**31) - 1),
        ("long", 2**63),
        ("long", -(2**63) - 1),
        ("bytes", bytearray(b"a")),
        ("bytes", bytes(LONGEST + 1)),
        ("boolean", 0),
        (AMOUNT, Decimal("5.001")),
        (AMOUNT, Decimal("1e17")),
        (AMOUNT, Decimal("-0.00")),
        (AMOUNT, Decimal("NaN")),
        (AMOUNT, 5),
    ],
    ids=str,
)
def test_numbers_and_bytes_that_the_plain_writer_leaves_alone_are_left_alone(
    kind: Any, value: object
) -> None:
    for module in (avro_writer, avro_writing):
        with pytest.raises(REFUSED):
            module.compiled(schema(kind))({}, {"x": value})


@untimed
@given(st.integers(-(2**63), 2**63 - 1))
def test_every_number_has_the_same_bytes(number: int) -> None:
    plain, compiled = (one.compiled(schema("long")) for one in (avro_writer, avro_writing))
    assert compiled({}, {"x": number}) == plain({}, {"x": number})


@pytest.mark.parametrize("kind", [{"type": "map", "values": "string"}, ["string", "null"]], ids=str)
def test_a_schema_that_no_contract_may_use_is_refused_alike(kind: Any) -> None:
    said = []
    for module in (avro_writer, avro_writing):
        with pytest.raises(BadFile) as error:
            module.compiled(schema(kind))
        said.append(str(error.value))
    assert said[0] == said[1]
