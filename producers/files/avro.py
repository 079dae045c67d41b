"""Avro object container files: the records of one event type, as many as there are.

Owns which schemas are read: those of the catalogue, known by the hash of their whole text; no
other is ever decoded (stack.md, fastavro). fastavro tells where each record ends; what it says
is then read as strictly as what comes from Kafka.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from io import BytesIO
from itertools import islice
from typing import Any, Final

import fastavro

from producers.files.container import Block, Container
from producers.files.entries import BadLine, Binary, Entry, Found, bad_line
from runut import codec
from runut.admission import check_ids
from runut.catalogue import NAMESPACE, EventType, canonical_json, catalogue
from runut.errors import BadInput

BATCH: Final = 200
_PREFIX: Final = f"{NAMESPACE}."
# What fastavro raises over bytes that are no records.
_UNREADABLE: Final = (EOFError, IndexError, KeyError, ValueError, OverflowError, struct.error)


class AvroFile:
    """The events of an Avro object container file; their lines are the records' numbers."""

    def __init__(self, file: Binary) -> None:
        self._container = Container(file)

    @property
    def size(self) -> int:
        """Bytes read so far."""
        return self._container.size

    def batches(self) -> Iterator[Sequence[Entry]]:
        """The records; nothing of a file whose schema is unknown but that."""
        entries = self._entries()
        while batch := list(islice(entries, BATCH)):
            yield batch

    def _entries(self) -> Iterator[Entry]:
        number = 1
        try:
            event_type = type_of_schema(self._container.schema())
            for block in self._container.blocks():
                yield from _records(event_type, block, number)
                number += block.count
        except BadInput as error:
            yield bad_line(number, error, "")


def type_of_schema(text: bytes) -> EventType:
    """The event type whose schema this is, in whatever order of keys and with full names or short.

    Raises:
        BadInput: it is no schema of the catalogue.
    """
    try:
        schema = _as_ours(json.loads(text))
        digest = sha256(canonical_json({**schema, "namespace": NAMESPACE})).digest()
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput("schema", "one of this release's catalogue", error) from None
    event_type = catalogue().by_sha256(digest)
    if event_type.topic != "events":
        raise BadInput("schema", "that of an event of an agency", event_type.name)
    return event_type


def _as_ours(schema: Any) -> Any:
    """A schema with short names, as libraries write what they read from ours."""
    if isinstance(schema, list):
        return [_as_ours(one) for one in schema]
    if isinstance(schema, dict):
        return {
            key: _as_ours(value) if key in _HOLDS_NAMES else value
            for key, value in schema.items()
            if key != "namespace"
        }
    return schema.removeprefix(_PREFIX) if isinstance(schema, str) else schema


_HOLDS_NAMES: Final = frozenset({"type", "items", "fields", "name"})


def _records(event_type: EventType, block: Block, first: int) -> Iterator[Found | BadLine]:
    schema, rest = _bare(event_type), BytesIO(block.body)
    for number in range(first, first + block.count):
        start = rest.tell()
        try:
            fastavro.schemaless_reader(rest, schema, None)
        except _UNREADABLE as error:
            expected = f"records up to number {first + block.count - 1}, told apart"
            yield bad_line(number, BadInput("block", expected, error), "")
            return
        yield _entry(event_type, block.body[start : rest.tell()], number)
    if rest.tell() < len(block.body):
        found = f"{len(block.body) - rest.tell()} bytes more"
        last = first + block.count - 1
        yield bad_line(last, BadInput("block", f"no more than {block.count} records", found), "")


def _entry(event_type: EventType, body: bytes, number: int) -> Found | BadLine:
    try:
        event = codec.decode(event_type, body)
        check_ids(event_type, event)
    except BadInput as error:
        return bad_line(number, error, event_type.name)
    return Found(number, event, f"{event.type} {event.event_id} on {event.subject}")


@cache
def _bare(event_type: EventType) -> Any:
    """The schema without logical types: only where records end is asked."""
    return fastavro.parse_schema(_without_logical_types(event_type.schema))


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical_types(one) for one in schema]
    if isinstance(schema, dict):
        return {
            key: _without_logical_types(value) if key in _HOLDS_NAMES else value
            for key, value in schema.items()
            if key != "logicalType"
        }
    return schema
