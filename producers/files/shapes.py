"""What each field of an event takes, by its dotted path: what a table's mapping is checked against.

Pure. Paths are those of the JSON form: `occurred_at`, `data.category`, `data.respondent.kind`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, Literal

import msgspec

from runut.avro_values import UNSPECIFIED
from runut.catalogue import EventType
from runut.errors import BadInput

Kind = Literal["text", "id", "time", "date", "amount", "number", "boolean", "enum", "bytes"]

_KINDS: Final[Mapping[str, Kind]] = {
    "string": "text",
    "string.uuid": "id",
    "long.timestamp-micros": "time",
    "int.date": "date",
    "bytes.decimal": "amount",
    "int": "number",
    "long": "number",
    "boolean": "boolean",
    "enum": "enum",
    "bytes": "bytes",
}


class Shape(msgspec.Struct, frozen=True):
    """What one field takes."""

    kind: Kind | None
    """None for a list of records, which no cell can hold."""
    is_list: bool = False
    is_required: bool = True
    """Whether every event must say it: it has no default, nor has what it stands in."""
    symbols: tuple[str, ...] = ()
    """What an enum may be."""


Shapes = Mapping[str, Shape]


@cache
def shapes_of(event_type: EventType) -> Shapes:
    """Every field of a type's JSON form but `type`, by its path."""
    meta, *payload = event_type.schema["fields"]
    defined: dict[str, Any] = {}
    return dict(
        [
            *_record("", meta["type"]["fields"], defined, is_required=True),
            *_record("data.", payload, defined, is_required=True),
        ]
    )


def shape_of(path: str, shapes: Shapes) -> Shape:
    """The shape of a field.

    Raises:
        BadInput: there is no such field; the message suggests a close one.
    """
    found = shapes.get(path)
    if found is None:
        close = get_close_matches(path, shapes, n=1)
        hint = f" (did you mean {close[0]}?)" if close else f": {', '.join(shapes)}"
        raise BadInput(path, f"a known field{hint}", "an unknown one")
    return found


def _record(
    prefix: str, fields: list[dict[str, Any]], defined: dict[str, Any], *, is_required: bool
) -> Iterator[tuple[str, Shape]]:
    for field in fields:
        wanted = is_required and "default" not in field
        yield from _field(prefix + field["name"], field["type"], defined, is_required=wanted)


def _field(
    path: str, schema: Any, defined: dict[str, Any], *, is_required: bool
) -> Iterator[tuple[str, Shape]]:
    if isinstance(schema, list):
        schema = schema[1]
    schema = _resolved(schema, defined)
    if schema["type"] == "record":
        yield from _record(f"{path}.", schema["fields"], defined, is_required=is_required)
    elif schema["type"] == "array":
        item = _resolved(schema["items"], defined)
        kind = None if item["type"] == "record" else _kind(item)
        yield path, Shape(kind, True, is_required, _symbols(item))
    else:
        yield path, Shape(_kind(schema), False, is_required, _symbols(schema))


def _resolved(schema: Any, defined: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        defined.get(schema, {"type": schema}) if isinstance(schema, str) else schema
    )
    if "name" in found:
        defined[found["name"]] = found
    return found


def _kind(schema: dict[str, Any]) -> Kind:
    return _KINDS[".".join(filter(None, (schema["type"], schema.get("logicalType"))))]


def _symbols(schema: dict[str, Any]) -> tuple[str, ...]:
    return tuple(one for one in schema.get("symbols", ()) if one != UNSPECIFIED)
