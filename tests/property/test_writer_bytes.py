"""What the compiled writer writes is what fastavro writes, and reads back as it was."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut.avro_writer import Unusual, Write, compiled
from runut.catalogue import EventType, catalogue
from runut.codec import decode, encode
from runut.errors import BadFile, BadInput
from runut.event import Event
from runut.examples import examples
from runut.json_form import from_json
from tests.fixtures.event_strategies import events

TYPES = list(catalogue())
every_type = pytest.mark.parametrize("event_type", TYPES, ids=lambda one: one.name)


@cache
def writer(event_type: EventType) -> Write:
    return compiled(event_type.schema)


def by_fastavro(event_type: EventType, event: Event) -> bytes:
    buffer = io.BytesIO()
    schema = fastavro.parse_schema(event_type.schema)
    record = {"meta": event.meta, **event.data}
    fastavro.schemaless_writer(buffer, schema, record, strict=True)
    return buffer.getvalue()


@every_type
@settings(max_examples=5, deadline=None)
@given(st.data())
def test_any_event_has_the_bytes_that_fastavro_gives_it(event_type: EventType, data: Any) -> None:
    event = data.draw(events(event_type))
    body = writer(event_type)(event.meta, event.data)
    assert body == by_fastavro(event_type, event)
    assert decode(event_type, body) == event


class Text(str):
    __slots__ = ()


def changed(name: str, **values: Any) -> Event:
    event = from_json(examples()[name])
    meta = {key: values.get(key, value) for key, value in event.meta.items()}
    return Event(event.type, meta, event.data | {k: v for k, v in values.items() if k not in meta})


JAKARTA = timezone(timedelta(hours=7))


@pytest.mark.parametrize(
    "event",
    [
        changed("LetterSent", title=Text("Surat")),
        changed("LetterSent", title="a" * 5_000),
        changed("LetterSent", occurred_at=datetime(2025, 5, 8, 10, tzinfo=JAKARTA)),
        changed("FineImposed", amount=Decimal("5.00").copy_negate()),
        changed("LetterSent", to=["kemlu"] * 10_000),
    ],
    ids=["text of another class", "long text", "another zone", "below zero", "many items"],
)
def test_what_is_unusual_and_right_is_written_as_well(event: Event) -> None:
    event_type = catalogue().by_name(event.type)
    body = encode(event_type, event)
    assert body == by_fastavro(event_type, event)
    assert decode(event_type, body) == event


@pytest.mark.parametrize(
    "event",
    [
        changed("LetterSent", title="a\0"),
        changed("LetterSent", title="\ud800"),
        changed("LetterSent", title=5),
        changed("LetterSent", title=None),
        changed("LetterSent", urgency="UNSPECIFIED"),
        changed("LetterSent", urgency=["URGENT"]),
        changed("LetterSent", event_id="F4DE6737-8793-572F-8E28-441F4793A4C8"),
        changed("LetterSent", occurred_at=datetime(1899, 12, 31, tzinfo=UTC)),
        changed("LetterSent", dated=date(1899, 12, 31)),
        changed("LetterSent", to=("kemlu",)),
        changed("LetterSent", to=["kemlu"] * 10_001),
        changed("LetterSent", reply_expected=1),
        changed("LetterSent", colour="red"),
        changed("LetterReminded", nth=True),
        changed("LetterReminded", nth=2**31),
        changed("FineImposed", amount=Decimal("5.001")),
        changed("FineImposed", amount=Decimal("1e17")),
        changed("FineImposed", amount=Decimal("-0.00")),
        changed("FineImposed", amount=5),
        changed("FineImposed", amount=Decimal("NaN")),
    ],
    ids=lambda one: one.type,
)
def test_what_reads_back_as_something_else_is_never_written_unseen(event: Event) -> None:
    event_type = catalogue().by_name(event.type)
    with pytest.raises((Unusual, KeyError, TypeError, AttributeError, ValueError, IndexError)):
        writer(event_type)(event.meta, event.data)
    try:
        body = encode(event_type, event)
    except BadInput:
        return
    assert decode(event_type, body) == event


def test_a_schema_with_what_no_contract_may_use_is_refused() -> None:
    fields = [{"name": "x", "type": {"type": "map", "values": "string"}}]
    with pytest.raises(BadFile, match="map"):
        compiled({"type": "record", "name": "X", "fields": fields})
    fields = [{"name": "x", "type": ["string", "null"]}]
    with pytest.raises(BadFile, match="a union of null and one type"):
        compiled({"type": "record", "name": "X", "fields": fields})
