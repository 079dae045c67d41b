"""Turn JSON values into an event's Python values, as its Avro schema says.

Each converter takes a value and its place (`data.to[1]`) and raises FieldError naming the
place, what was expected and what was found. Python values (aware datetime, date, Decimal,
bytes, UUID, tuple) may stand where JSON has text or a list, records of `runut.events` where it has
an object.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from runut.avro_values import MAX_ARRAY, UNSPECIFIED
from runut.errors import BadInput, FieldError, shorten
from runut.event import UUID_PATTERN
from runut.json_compiling import Field, compiled
from runut.rfc3339 import A_DATE, A_TIME, parse_date, parse_time, utc

Converter = Callable[[Any, str], Any]

ABSENT: Final = object()
"""Stands for a field that was not given and has no default."""

# All C0 controls but those of lines, which Windows ends by two; halves of UTF-16 pairs are no
# characters.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_AMOUNT: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?")
_AN_AMOUNT: Final = "an amount as text with at most 16 digits and 2 decimals, such as 5000000.00"
_CENT: Final = Decimal("0.01")


def wrong(place: str, expected: str, found: object) -> FieldError:
    """The error for one field, with what was found shown as JSON shows it."""
    if found is ABSENT:
        return FieldError(place, expected, "nothing")
    return FieldError(place, expected, json.dumps(found, default=repr, ensure_ascii=False))


def record_converter(
    schema: dict[str, Any], defined: dict[str, Any], also: Iterable[str] = ()
) -> Converter:
    """Convert an object to a whole record: nothing unknown, defaults where a field is absent.

    `defined` collects the named types met so far; `also` are names to suggest beside the
    record's own when a field is unknown.
    """
    fields = [_field(field, defined) for field in schema["fields"]]
    names = frozenset(field.name for field in fields)
    known = [*(field.name for field in fields), *also]
    to_record = compiled(fields)

    def convert(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            if not isinstance(value, Struct):
                raise wrong(place, f"an object ({schema['name']})", value)
            value = dict(zip(value.__struct_encode_fields__, astuple(value), strict=True))
        if not value.keys() <= names:
            prefix = f"{place}." if place else ""
            raise _unknown(prefix, next(name for name in value if name not in names), known)
        return to_record(value, place)

    return convert


def _field(field: dict[str, Any], defined: dict[str, Any]) -> Field:
    convert = _converter(field["type"], defined)
    default = field.get("default", ABSENT)
    return Field(field["name"], _defined(field["type"], defined), convert, default)


def _defined(schema: Any, defined: dict[str, Any]) -> Any:
    """A type by its definition where it is given by name."""
    if isinstance(schema, list):
        return [_defined(one, defined) for one in schema]
    return defined.get(schema, schema) if isinstance(schema, str) else schema


def _unknown(prefix: str, name: object, known: list[str]) -> FieldError:
    shown = shorten(name)
    close = get_close_matches(shown, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else f": {', '.join(known)}"
    return FieldError(f"{prefix}{shown}", f"a known field{hint}", "an unknown one")


def _converter(schema: Any, defined: dict[str, Any]) -> Converter:
    if isinstance(schema, list):
        return _nullable(_converter(schema[1], defined))
    if isinstance(schema, str):
        schema = defined.get(schema, {"type": schema})
    if "name" in schema:
        defined[schema["name"]] = schema
    kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
    if kind == "record":
        return record_converter(schema, defined)
    if kind == "array":
        return _array(_converter(schema["items"], defined))
    if kind == "enum":
        return _enum(schema)
    return CONVERTERS[kind]


def _nullable(inner: Converter) -> Converter:
    return lambda value, place: None if value is None else inner(value, place)


def _array(item: Converter) -> Converter:
    def convert(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise wrong(place, "a list", value)
        if len(value) > MAX_ARRAY:
            raise FieldError(place, f"{MAX_ARRAY} items at most", f"{len(value)} items")
        return [item(one, f"{place}[{index}]") for index, one in enumerate(value)]

    return convert


def _enum(schema: dict[str, Any]) -> Converter:
    symbols = [one for one in schema["symbols"] if one != UNSPECIFIED]
    allowed = f"one of {', '.join(symbols)}"

    def convert(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in symbols:
            raise wrong(place, allowed, value)
        return value

    return convert


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise wrong(place, "text", value)
    if _FORBIDDEN.search(value):
        raise wrong(place, "text without control characters", value)
    return value


def _uuid(value: Any, place: str) -> str:
    text = str(value).lower() if isinstance(value, str | UUID) else ""
    if not UUID_PATTERN.fullmatch(text):
        raise wrong(place, "a UUID, such as 01970f7e-5a10-7c3e-9d52-2b1f6a0c4e11", value)
    return text


def _boolean(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise wrong(place, "true or false", value)
    return value


def _integer(bits: int) -> Converter:
    limit = 1 << bits - 1

    def convert(value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit:
            raise wrong(place, f"a whole number of {bits} bits", value)
        return value

    return convert


def _timestamp(value: Any, place: str) -> datetime:
    try:
        if isinstance(value, datetime):
            return utc(value)
        if isinstance(value, str):
            return parse_time(value)
    except BadInput as error:
        raise wrong(place, error.expected, value) from None
    raise wrong(place, A_TIME, value)


def _date(value: Any, place: str) -> date:
    # A datetime is a date to Python, but which day it is depends on the place.
    text = value.isoformat() if isinstance(value, date) else value
    try:
        if isinstance(text, str):
            return parse_date(text)
    except BadInput as error:
        raise wrong(place, error.expected, value) from None
    raise wrong(place, A_DATE, value)


def _amount(value: Any, place: str) -> Decimal:
    text = format(value, "f") if isinstance(value, Decimal) else value
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise wrong(place, _AN_AMOUNT, value)
    return Decimal(text).quantize(_CENT)


def _bytes(value: Any, place: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        found = b64decode(value, validate=True) if isinstance(value, str) else None
    except (NotBase64, ValueError):
        found = None
    # Only one text for the same bytes: bits that padding hides must be zero.
    if found is None or b64encode(found).decode() != value:
        raise wrong(place, "bytes in base64", value)
    return found


CONVERTERS: Final[dict[str, Converter]] = {
    "string": _text,
    "string.uuid": _uuid,
    "bytes": _bytes,
    "bytes.decimal": _amount,
    "boolean": _boolean,
    "int": _integer(32),
    "int.date": _date,
    "long": _integer(64),
    "long.timestamp-micros": _timestamp,
}
"""Of the types that hold no other, by Avro type and logical type."""
