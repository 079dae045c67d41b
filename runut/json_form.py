"""An event as JSON, both ways: the form of the HTTP API, the CLI and files (events.md §1).

Owns the envelope: meta fields stand at the top level, the payload under `data`. Refuses what
is doubtful: unknown fields, a name twice, times without an offset, amounts as numbers,
control characters. Every error names the field. Values are `runut.json_values`' business.
"""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from functools import cache
from typing import Any, Final, NoReturn

import orjson

from runut.admission import check_ids
from runut.catalogue import EventType, catalogue
from runut.codec import MAX_VALUE
from runut.errors import BadInput, FieldError, NotAnEvent, shorten
from runut.event import Event
from runut.event_ids import line_event_id, new_event_id
from runut.json_values import ABSENT, Converter, record_converter, wrong
from runut.native import IS_USED

if IS_USED:
    from runut.native import json_reading

_NO_DATA: Final[dict[str, Any]] = {}
_UTC_Z: Final = orjson.OPT_UTC_Z


def from_json(given: bytes | str | dict[str, Any], *, derive_id: bool = False) -> Event:
    """The event in one JSON object: text of at most 256 KiB, or the object itself.

    Where `event_id` is absent, a UUIDv7 is made; with `derive_id`, as for files, one that
    depends on the object's content alone, so that the same line is always the same event.

    Raises:
        FieldError: naming the field by its dotted path, what was expected and what was found.
    """
    try:
        return _event(given if isinstance(given, dict) else json_object(given), derive_id)
    except RecursionError:  # what just could be read may still be too deep to be shown
        raise FieldError("event", _AN_OBJECT, _TOO_DEEP) from None


def _event(fields: dict[str, Any], derive_id: bool) -> Event:
    event_type = _event_type(fields.get("type", ABSENT))
    to_meta, to_data = _converters(event_type)
    envelope = dict(fields)
    del envelope["type"]
    data = envelope.pop("data", _NO_DATA)
    if "event_id" not in envelope:
        envelope["event_id"] = line_event_id(_content(fields)) if derive_id else new_event_id()
    event = Event(
        type=event_type.name,
        meta=to_meta(envelope, ""),
        data=to_data(data, "data"),
    )
    try:
        check_ids(event_type, event)
    except NotAnEvent as error:
        raise FieldError(error.thing, error.expected, error.found) from None
    return event


def json_object(text: bytes | str) -> dict[str, Any]:
    """The one JSON object in a text of at most 256 KiB, read strictly: no name stands twice.

    A byte order mark before it is no part of it.

    Raises:
        FieldError: it is none.
    """
    if len(text) > MAX_VALUE:
        raise FieldError("event", f"{MAX_VALUE} bytes at most", f"{len(text)} bytes")
    raw = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    try:
        if (quick := _at_a_glance(raw)) is not None:
            return quick
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise FieldError("event", "UTF-8 text", f"{error.reason} at {error.start}") from None
    found = _strictly(text.removeprefix(_BOM), "event", _AN_OBJECT)
    if not isinstance(found, dict):
        raise wrong("event", _AN_OBJECT, found)
    return found


def json_value(text: str, place: str) -> Any:
    """The JSON value in a text in which no name can stand twice, such as PostgreSQL's jsonb.

    Raises:
        FieldError: there is none that we can read, such as one that nests too deep.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # which takes fewer numbers than there are
        return _strictly(text, place, "JSON")


def to_json(event: Event) -> dict[str, Any]:
    """The event's JSON object; `from_json` makes the same event of it."""
    return orjson.loads(json_bytes(event))  # type: ignore[no-any-return]


def json_bytes(event: Event) -> bytes:
    """The event as one line of JSON: times in UTC, amounts as text, bytes as base64.

    Absent meta fields are left out; the payload is whole.
    """
    meta = {name: value for name, value in event.meta.items() if value is not None}
    return orjson.dumps({"type": event.type, **meta, "data": event.data}, _shown, _UTC_Z)


def data_json(event: Event) -> bytes:
    """The payload alone, as in `data` of the JSON form."""
    return orjson.dumps(event.data, _shown, _UTC_Z)


@cache
def _converters(event_type: EventType) -> tuple[Converter, Converter]:
    """Converters of the meta fields and of the payload."""
    meta, *payload = event_type.schema["fields"]
    defined: dict[str, Any] = {}
    elsewhere = ["type", "data", *(f"data.{field['name']}" for field in payload)]
    to_meta = record_converter(meta["type"], defined, elsewhere)
    data = {**event_type.schema, "fields": payload}
    to_data = record_converter(data, defined)
    if not IS_USED:
        return to_meta, to_data
    return _quick(meta["type"], defined, to_meta), _quick(data, defined, to_data)


def _quick(schema: dict[str, Any], defined: dict[str, Any], plain: Converter) -> Converter:
    """A compiled converter, with the plain one behind it for what is unusual or wrong."""
    read = json_reading.compiled(schema, defined)

    def convert(value: Any, place: str) -> dict[str, Any]:
        found = read(value)
        return plain(value, place) if found is None else found

    return convert


def _event_type(name: Any) -> EventType:
    if not isinstance(name, str):
        raise wrong("type", "the name of an event type", name)
    try:
        return catalogue().by_name(name)
    except BadInput as error:
        raise FieldError(error.thing, error.expected, error.found) from None


def _at_a_glance(text: bytes) -> dict[str, Any] | None:
    """The object, where it is plain that no name stands twice; None where a closer look is due.

    orjson keeps the last of two names. But each name ends in a quote and a colon, with nothing but
    spaces between: where there are as many of these as names were kept, none was lost.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    is_whole = json_reading.names_once(text, found) if IS_USED else names_once(text, found)
    return found if is_whole else None


def names_once(text: bytes, found: dict[str, Any]) -> bool:
    """Whether no name was lost when an object was read from a text."""
    return text.translate(None, _SPACES).count(b'":') == _names(found)


def _names(value: dict[str, Any] | list[Any]) -> int:
    """How many names stand in a JSON value, at whatever depth."""
    found, inner = (len(value), value.values()) if type(value) is dict else (0, value)
    for one in inner:
        if type(one) is dict or type(one) is list:
            found += _names(one)
    return found


def _strictly(text: str, place: str, expected: str) -> Any:
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise FieldError(place, expected, _fault(error)) from None
    except RecursionError:
        raise FieldError(place, expected, _TOO_DEEP) from None
    except ValueError:  # whatever else is wrong, Python says only of this
        raise FieldError(place, expected, "a number of thousands of digits") from None


def _fault(error: json.JSONDecodeError) -> str:
    """What is wrong with a text, and where."""
    line = f"line {error.lineno} " if "\n" in error.doc else ""
    if error.pos >= len(error.doc.rstrip()):
        return f"that it ends at {line}column {error.colno}"
    found = _FAULTS.get(error.msg, "what is no JSON")
    return f"{found} at {line}column {error.colno}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FieldError(shorten(twice), "a name given once", f"{names.count(twice)} times")
    return found


def _constant(name: str) -> NoReturn:
    raise FieldError("event", "JSON", name)


def _content(fields: dict[str, Any]) -> str:
    """What a line says, whatever its spaces and the order of its names."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), default=str)


def _shown(value: Any) -> str:
    """What orjson does not know: amounts with their two decimals, bytes."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError


_AN_OBJECT: Final = "a JSON object"
_TOO_DEEP: Final = "values within values, too deep to be read"
_BOM: Final = "\ufeff"
_FAULTS: Final = {
    "Extra data": "more after its end",
    "Expecting value": "what is no value",
    "Expecting property name enclosed in double quotes": "no name in double quotes",
    "Expecting ':' delimiter": "no colon after a name",
    "Expecting ',' delimiter": "no comma after a value",
    "Unterminated string starting at": "a text without an end",
    "Invalid control character at": "a control character in a text",
    "Invalid \\escape": "a backslash before what needs none",
    "Invalid \\uXXXX escape": "a backslash and u without four hexadecimal digits",
}
_SPACES: Final = b" \t\r\n"
_STRICT: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
