"""Encode then decode is identity for every type; hostile bytes are NotAnEvent and no more."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut.catalogue import EventType, catalogue
from runut.codec import decode, encode
from runut.errors import NotAnEvent
from runut.event import Event
from runut.json_form import from_json, json_bytes
from tests.fixtures.event_strategies import events

TYPES = list(catalogue())
every_type = pytest.mark.parametrize("event_type", TYPES, ids=lambda one: one.name)
ANY_EVENT = st.sampled_from(TYPES).flatmap(lambda one: st.tuples(st.just(one), events(one)))


@cache
def parsed(event_type: EventType) -> Any:
    return fastavro.parse_schema(event_type.schema)


def as_fastavro_reads(body: bytes, event_type: EventType) -> Any:
    return _uuids_as_text(fastavro.schemaless_reader(io.BytesIO(body), parsed(event_type), None))


def _uuids_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _uuids_as_text(one) for name, one in value.items()}
    return str(value) if isinstance(value, UUID) else value


@every_type
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_an_event_survives_its_bytes_and_its_json(event_type: EventType, data: Any) -> None:
    event = data.draw(events(event_type))
    body = encode(event_type, event)
    assert decode(event_type, body) == event
    assert from_json(json_bytes(event)) == event
    assert as_fastavro_reads(body, event_type) == {"meta": event.meta, **event.data}


@settings(max_examples=150, deadline=None)
@given(ANY_EVENT, st.data())
def test_changed_bytes_are_refused_or_are_another_event_that_writes_them(
    drawn: tuple[EventType, Event], data: Any
) -> None:
    event_type, event = drawn
    body = bytearray(encode(event_type, event))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    try:
        found = decode(event_type, bytes(body))
    except NotAnEvent:
        return
    # One event has one body, array blocks with a stated size aside: nothing is read leniently.
    written = encode(event_type, found)
    assert decode(event_type, written) == found
    assert len(written) <= len(body)


@settings(max_examples=150, deadline=None)
@given(ANY_EVENT, st.data())
def test_a_body_cut_short_or_made_longer_is_refused(
    drawn: tuple[EventType, Event], data: Any
) -> None:
    event_type, event = drawn
    body = encode(event_type, event)
    with pytest.raises(NotAnEvent):
        decode(event_type, body[: data.draw(st.integers(0, len(body) - 1))])
    with pytest.raises(NotAnEvent, match="the end of the record"):
        decode(event_type, body + data.draw(st.binary(min_size=1, max_size=9)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TYPES), st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_not_an_event(event_type: EventType, body: bytes) -> None:
    with suppress(NotAnEvent):
        decode(event_type, body)
