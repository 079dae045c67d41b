"""Compile the fields of a record into one function that converts only what is not as it will be.

Owns speed alone: most values of an event come as they stay, text and null above all, and a glance
tells. Every other value goes to its converter (`runut.json_values`), which knows what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from runut.avro_values import UNSPECIFIED
from runut.event import UUID_PATTERN

Convert = Callable[[Any, str], Any]


class Field(NamedTuple):
    """A field of a record: its Avro type, what converts its values, what stands for none."""

    name: str
    schema: Any
    """By its definition, not by name."""
    convert: Convert
    default: Any


def compiled(fields: Sequence[Field]) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    """What makes the record of an object's members; its place is for errors, empty at the top."""
    names: dict[str, Any] = {"is_uuid": UUID_PATTERN.fullmatch, "at": _at}
    lines = ["def convert(given, place):", "    get = given.get"]
    for n, field in enumerate(fields):
        names |= {f"c{n}": field.convert, f"d{n}": field.default}
        lines.append(f"    v{n} = get({field.name!r}, d{n})")
        stays = _stays(field.schema, f"v{n}", f"s{n}", names)
        converted = f"v{n} = c{n}(v{n}, at(place, {field.name!r}))"
        lines.append(f"    if not ({stays}): {converted}" if stays else f"    {converted}")
    pairs = ", ".join(f"{field.name!r}: v{n}" for n, field in enumerate(fields))
    lines.append(f"    return {{{pairs}}}")
    # The text is made from the release's own schema files, never from input.
    exec(compile("\n".join(lines), "<values of a record>", "exec"), names)  # noqa: S102
    convert: Callable[[dict[str, Any], str], dict[str, Any]] = names["convert"]
    return convert


def _stays(schema: Any, v: str, symbols: str, names: dict[str, Any]) -> str:
    """The condition under which a value needs no conversion; empty where each does."""
    if isinstance(schema, list):
        inner = _stays(schema[1], v, symbols, names)
        return f"{v} is None or {inner}" if inner else f"{v} is None"
    if isinstance(schema, str):
        schema = {"type": schema}
    if schema["type"] == "enum":
        names[symbols] = frozenset(schema["symbols"]) - {UNSPECIFIED}
        return f"type({v}) is str and {v} in {symbols}"
    kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
    return _STAYS.get(kind, "").format(v=v)


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


_STAYS: Final = {
    # Line feeds and tabs are text too, but not usual: the converter knows.
    "string": "type({v}) is str and {v}.isprintable()",
    "string.uuid": "type({v}) is str and is_uuid({v})",
    "boolean": "{v} is True or {v} is False",
    "int": f"type({{v}}) is int and {-(2**31)} <= {{v}} < {2**31}",
    "long": f"type({{v}}) is int and {-(2**63)} <= {{v}} < {2**63}",
}
