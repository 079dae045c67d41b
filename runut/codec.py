"""An event as bytes: Confluent's frame and the Avro body, both ways.

Reading trusts nothing (events.md §1 "what is no event", stack.md §fastavro): whatever is not
exactly one record of the schema is NotAnEvent. Writing sends nothing that reading would
refuse or show differently: what is not of the usual kind is read back before it leaves.
"""

from __future__ import annotations

import struct
from functools import cache
from io import BytesIO
from typing import Any, Final

import fastavro

from runut import avro_writer
from runut.avro_reader import Reader
from runut.avro_writer import Unusual, Write
from runut.catalogue import EventType
from runut.errors import BadInput, NotAnEvent
from runut.event import Event
from runut.native import IS_USED
from runut.resolution import resolution

if IS_USED:
    from runut.native import avro_writing

MAX_VALUE: Final = 256 * 1024
"""Bytes of a Kafka value at most: frame and body."""
FRAME_SIZE: Final = 5
MAX_BODY: Final = MAX_VALUE - FRAME_SIZE
_FRAME: Final = struct.Struct(">BI")
_compiled_writer: Final = avro_writing.compiled if IS_USED else avro_writer.compiled
# All that is read passes here: looking into a dictionary takes a third of asking a cache.
_readers: dict[EventType, Reader] = {}


def frame(schema_id: int, body: bytes) -> bytes:
    """A Kafka value: magic byte 0, the schema's 4-byte id at the registry, the Avro body."""
    return _FRAME.pack(0, schema_id) + body


def unframe(value: bytes | None) -> tuple[int, bytes]:
    """The schema id and the Avro body of a Kafka value.

    Raises:
        NotAnEvent: no value, no frame, or more than `MAX_VALUE` bytes.
    """
    if value is None or len(value) < FRAME_SIZE:
        raise NotAnEvent("value", "magic byte 0, a 4-byte schema id and an Avro body", value)
    if len(value) > MAX_VALUE:
        raise NotAnEvent("value", f"{MAX_VALUE} bytes at most", f"{len(value)} bytes")
    magic, schema_id = _FRAME.unpack_from(value)
    if magic:
        raise NotAnEvent("magic byte", "0", magic)
    return schema_id, value[FRAME_SIZE:]


def decode(event_type: EventType, body: bytes) -> Event:
    """The event in an Avro body, without its frame; of an earlier contract as one of today.

    Raises:
        NotAnEvent: it is not exactly one record of the schema: naming the field.
    """
    if len(body) > MAX_BODY:
        raise NotAnEvent("body", f"{MAX_BODY} bytes at most", f"{len(body)} bytes")
    reader = _readers.get(event_type) or _new_reader(event_type)
    data = reader.read(body)
    return Event(event_type.name, data.pop("meta"), data)


def encode(event_type: EventType, event: Event) -> bytes:
    """The event's Avro body, without a frame. Every field of the schema must be there.

    Raises:
        BadInput: a value is not of its field's type, or too large.
    """
    try:
        body = _writer(event_type)(event.meta, event.data)
        if len(body) <= MAX_BODY:
            return body
    except (Unusual, KeyError, TypeError, AttributeError, ValueError, IndexError):
        pass  # not of the usual kind, or wrong: then it takes the long way, which says what is
    return _encode_and_read_back(event_type, event)


def _encode_and_read_back(event_type: EventType, event: Event) -> bytes:
    record, buffer = {"meta": event.meta, **event.data}, BytesIO()
    try:
        fastavro.schemaless_writer(buffer, _writing_schema(event_type), record, strict=True)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise BadInput(event_type.name, "the values of its schema", error) from None
    body = buffer.getvalue()
    try:
        read = decode(event_type, body)
    except NotAnEvent as error:
        raise BadInput(error.thing, error.expected, error.found) from None
    if read != event:
        raise BadInput(event_type.name, "values that can be read back", _difference(read, event))
    return body


@cache
def _writer(event_type: EventType) -> Write:
    return _compiled_writer(event_type.schema)


def _new_reader(event_type: EventType) -> Reader:
    found = _readers[event_type] = Reader(event_type.schema)
    if event_type.today is not None:
        found.read = _Earlier(found, event_type.schema, event_type.today.schema).read
    return found


class _Earlier:
    """Reads bodies of an earlier contract."""

    def __init__(self, reader: Reader, earlier: dict[str, Any], today: dict[str, Any]) -> None:
        self._read = reader.read
        self._resolve = resolution(earlier, today)

    def read(self, body: bytes) -> dict[str, Any]:
        resolved: dict[str, Any] = self._resolve(self._read(body))
        return resolved


@cache
def _writing_schema(event_type: EventType) -> Any:
    return fastavro.parse_schema(event_type.schema)


def _difference(read: Event, given: Event) -> str:
    """The first field that would change, by name and as given."""
    for place, ours, theirs in (
        ("meta.", read.meta, given.meta),
        ("", read.data, given.data),
    ):
        for name, value in ours.items():
            if theirs.get(name) != value:
                return f"{place}{name}: {theirs.get(name)!r}"
    return f"type: {given.type}"
