"""What the compiled readers of JSON values take has the values that the plain converters give."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runut import json_form
from runut.catalogue import catalogue
from runut.errors import FieldError
from runut.event import Event
from runut.examples import examples
from runut.json_form import from_json, to_json
from runut.json_values import record_converter
from runut.native import json_reading
from tests.fixtures.event_strategies import events

untimed = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def of(value: object) -> object:
    """A value with its types: True is no 1, and a time has its zone."""
    if isinstance(value, dict):
        return [(of(name), of(one)) for name, one in value.items()]
    if isinstance(value, list):
        return [of(one) for one in value]
    return type(value), repr(value)


def readers(schema: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The plain reader, which gives None for what is wrong, and the compiled one."""
    defined: dict[str, Any] = {}
    convert = record_converter(schema, defined)

    def plain(value: object) -> object:
        try:
            return convert(value, "")
        except FieldError:
            return None

    return plain, json_reading.compiled(schema, defined)


READERS = {one.name: readers(one.schema) for one in catalogue()}


def nested(event: Event) -> dict[str, Any]:
    """The JSON form, with the meta fields where the schema has them."""
    meta = {name: value for name, value in to_json(event).items() if name not in {"type", "data"}}
    return {"meta": meta, **to_json(event)["data"]}


@untimed
@given(st.sampled_from(list(catalogue())).flatmap(events))
def test_any_event_is_read_alike(event: Event) -> None:
    plain, compiled = READERS[event.type]
    form = nested(event)
    found = compiled(form)
    # None is for the plain one to read, such as times of the first and the last year.
    assert found is None or of(found) == of(plain(form))


@pytest.mark.parametrize("example", examples().values(), ids=lambda one: one["type"])
def test_an_example_is_read_alike_and_needs_no_closer_look(example: dict[str, Any]) -> None:
    plain, compiled = READERS[example["type"]]
    form = nested(from_json(example))
    assert compiled(form) is not None
    assert of(compiled(form)) == of(plain(form))


@untimed
@given(st.sampled_from(sorted(examples())), ANY_JSON, st.data())
def test_what_the_plain_ones_refuse_is_never_taken(name: str, value: Any, data: Any) -> None:
    plain, compiled = READERS[name]
    form = nested(from_json(examples()[name]))
    part = form["meta"] if data.draw(st.booleans()) else form
    part[data.draw(st.sampled_from([*part, "colour"]))] = value
    found = compiled(form)
    assert found is None or of(found) == of(plain(form))


def one(kind: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return readers({"name": "X", "fields": [{"name": "x", "type": kind}]})


TIME = {"type": "long", "logicalType": "timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
UUID = {"type": "string", "logicalType": "uuid"}
DAYS = st.builds("{:04}-{:02}-{:02}".format, *map(st.integers, (1898, 0, 0), (2101, 13, 32)))
CLOCKS = st.builds("{:02}:{:02}:{:02}".format, *map(st.integers, (0, 0, 0), (24, 60, 60)))
PARTS = st.sampled_from(["", "", "."]) | st.integers(0, 9_999_999).map(".{}".format)
ZONES = st.sampled_from(["Z", "", "z", "+07", "+0700"]) | st.builds(
    "{}{:02}:{:02}".format, st.sampled_from("+- "), st.integers(0, 24), st.integers(0, 60)
)


@untimed
@given(DAYS, st.sampled_from("TTTTt "), CLOCKS, PARTS, ZONES)
def test_times_are_read_alike(day: str, t: str, clock: str, part: str, zone: str) -> None:
    plain, compiled = one(TIME)
    found = compiled({"x": day + t + clock + part + zone})
    assert found is None or of(found) == of(plain({"x": day + t + clock + part + zone}))


@pytest.mark.parametrize(
    ("time", "utc"),
    [
        ("2025-01-01T00:30:00+07:00", "2024-12-31T17:30:00+00:00"),
        ("2024-12-31T23:30:00-07:00", "2025-01-01T06:30:00+00:00"),
        ("2024-03-01T00:00:00.000001+00:01", "2024-02-29T23:59:00.000001+00:00"),
        ("2023-02-28T23:59:59.5-23:59", "2023-03-01T23:58:59.500000+00:00"),
        ("1901-01-01T00:00:00Z", "1901-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_of_another_zone_is_read_at_once(time: str, utc: str) -> None:
    found = one(TIME)[1]({"x": time})
    assert found["x"].isoformat() == utc


@untimed
@given(DAYS)
def test_days_are_read_alike(day: str) -> None:
    plain, compiled = one(DATE)
    found = compiled({"x": day})
    assert found is None or of(found) == of(plain({"x": day}))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (UUID, "01a204b5-d8b6-791a-ba5e-1376060a193C"),
        (UUID, "01a204b5-d8b6-791a-ba5e-1376060a193\u0663"),
        (UUID, "01a204b5-d8b6-791a-ba5e-1376060a193"),
        ("string", "a\x00b"),
        ("string", "\ud800"),
        ("string", "\u20ac\x0b"),
        ("string", b"a"),
        ("int", True),
        ("int", 1.0),
        ("int", 2**31),
        ("long", -(2**63) - 1),
        ("boolean", 1),
        ("int", None),
        (TIME, "2025-01-01T00:00:00\u0660Z"),
        (TIME, "2025-02-29T00:00:00Z"),
        (TIME, 5),
        (DATE, "2025-1-01"),
        (DATE, "\u0662025-01-01"),
        ({"type": "array", "items": "string"}, ["a"] * 10_001),
        ({"type": "array", "items": "string"}, ["a", 5]),
        ({"type": "array", "items": "string"}, ("a",)),
        ({"type": "bytes", "logicalType": "decimal", "scale": 2}, 5),
        ("bytes", "YQ="),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_wrong_or_rare_is_left_to_the_plain_ones(kind: Any, value: object) -> None:
    assert one(kind)[1]({"x": value}) is None


@untimed
@given(st.text(st.sampled_from('"": \t\n\r{}[],\\ab'), max_size=30), ANY_JSON)
def test_names_are_counted_alike(text: str, value: Any) -> None:
    found = {"a": value}
    for raw in (text.encode(), json.dumps(found).encode()):
        assert json_reading.names_once(raw, found) == json_form.names_once(raw, found)


def test_what_is_nested_deep_is_read_by_the_strict_reader() -> None:
    found = json.loads('{"a":' * 70 + "1" + "}" * 70)
    assert not json_reading.names_once(json.dumps(found).encode(), found)
    assert json_form.json_object(json.dumps(found)) == found
