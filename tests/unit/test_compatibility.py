"""Contracts may grow, and only so that old and new programs read each other."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable
from typing import Any

import fastavro
import pytest
from fastavro.read import SchemaResolutionError

from runut.catalogue import catalogue
from runut.compatibility import incompatibilities

GRADE = {
    "type": "enum",
    "name": "Grade",
    "doc": ".",
    "symbols": ["LOW", "HIGH", "UNSPECIFIED"],
    "default": "UNSPECIFIED",
}
OLD: dict[str, Any] = {
    "type": "record",
    "name": "Thing",
    "namespace": "runut.events",
    "doc": ".",
    "subjects": ["case"],
    "fields": [
        {"name": "title", "type": "string", "doc": "."},
        {"name": "grade", "type": GRADE, "doc": "."},
        {"name": "worst", "type": "Grade", "doc": "."},
        {"name": "nth", "type": "int", "doc": "."},
        {"name": "note", "type": ["null", "string"], "doc": ".", "default": None},
        {"name": "items", "type": {"type": "array", "items": "string"}, "doc": ".", "default": []},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": "."},
    ],
}
VALUE = {
    "title": "t",
    "grade": "LOW",
    "worst": "LOW",
    "nth": 1,
    "note": "n",
    "items": ["i"],
    "at": 0,
}


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in schema["fields"] if one["name"] == name)


def remove(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema["fields"].remove(field(schema, name))


def add(position: int, **new: Any) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema["fields"].insert(position, {"doc": ".", **new})


def retype(name: str, to: Any) -> Callable[[dict[str, Any]], None]:
    return lambda schema: field(schema, name).update(type=to)


def symbols(*names: str, default: str | None = "UNSPECIFIED") -> Callable[[dict[str, Any]], None]:
    grade = {**GRADE, "symbols": list(names), "default": default}
    return retype("grade", {key: value for key, value in grade.items() if value is not None})


GROWS = {
    "docs": lambda schema: schema.update(doc="Other words."),
    "a nullable field": add(7, name="new", type=["null", "string"], default=None),
    "a first use elsewhere": lambda schema: (
        schema["fields"].insert(0, {"name": "g", "type": GRADE, "doc": ".", "default": "LOW"}),
        retype("grade", "Grade")(schema),
    ),
    "a field with a default removed": remove("note"),
    "a symbol": symbols("LOW", "HIGH", "HIGHEST", "UNSPECIFIED"),
    "a symbol removed": symbols("LOW", "UNSPECIFIED"),
    "another order": lambda schema: (
        schema["fields"].reverse()
        or [retype("worst", GRADE)(schema), retype("grade", "Grade")(schema)]
    ),
}
BREAKS = {
    "a required field": (add(0, name="new", type="string"), r"Thing\.new: added without a default"),
    "a required field removed": (remove("title"), r"Thing\.title: removed without a default"),
    "another type": (retype("nth", "string"), r"Thing\.nth: expected int, found string"),
    "a wider number": (retype("nth", "long"), r"Thing\.nth: expected int, found long"),
    "other items": (
        retype("items", {"type": "array", "items": "int"}),
        r"Thing\.items\[\]: expected string, found int",
    ),
    "null taken away": (retype("note", "string"), r"Thing\.note: expected a union of 2"),
    "null added": (
        retype("title", ["null", "string"]),
        r"Thing\.title: expected string, found a u",
    ),
    "a third branch": (
        retype("note", ["null", "string", "int"]),
        "expected a union of 2, found one",
    ),
    "another branch": (retype("note", ["null", "int"]), r"Thing\.note: expected string, found int"),
    "another meaning": (retype("at", "long"), r"Thing\.at: expected logicalType timestamp-micros"),
    "another enum": (retype("grade", {**GRADE, "name": "G"}), r"Thing\.grade: expected name Grade"),
    "symbols without default": (
        symbols("LOW", "HIGH", "X", default=None),
        r"Thing\.grade: removed UNSPECIFIED without a default of the enum",
    ),
    "other subjects": (lambda schema: schema.update(subjects=["meeting"]), "expected subjects"),
}


def grown(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    change(new)
    return new


@pytest.mark.parametrize("change", GROWS.values(), ids=GROWS)
def test_growth_is_compatible_and_fastavro_reads_both_ways(change: Any) -> None:
    new = grown(change)
    assert incompatibilities(OLD, new) == []
    assert incompatibilities(new, OLD) == []
    defaults = {one["name"]: one.get("default") for one in new["fields"]}
    names = {one["name"] for one in new["fields"]}
    given = {name: one for name, one in (defaults | VALUE).items() if name in names}
    for writer, reader, value in ((OLD, new, VALUE), (new, OLD, given)):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, value)
        read = fastavro.schemaless_reader(io.BytesIO(buffer.getvalue()), writer, reader)
        assert read["nth"] == 1


@pytest.mark.parametrize(("change", "reason"), BREAKS.values(), ids=BREAKS)
def test_a_break_is_named(change: Any, reason: str) -> None:
    found, *_ = incompatibilities(OLD, grown(change))
    assert re.match(reason, found) or reason in found, found


def test_fastavro_refuses_a_required_field_too() -> None:
    new = grown(BREAKS["a required field"][0])
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, OLD, VALUE)
    with pytest.raises(SchemaResolutionError):
        fastavro.schemaless_reader(io.BytesIO(buffer.getvalue()), OLD, new)


def test_every_contract_is_compatible_with_itself() -> None:
    for event_type in catalogue():
        assert incompatibilities(event_type.schema, event_type.schema) == []
