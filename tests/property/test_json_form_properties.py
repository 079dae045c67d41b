"""Whatever stands in a line of JSON, it is an event or an error that names a field."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runut.catalogue import EventType, catalogue
from runut.codec import decode, encode
from runut.errors import FieldError
from runut.event import Event
from runut.json_form import from_json, to_json
from tests.fixtures.event_strategies import events

ANY_EVENT = st.sampled_from(list(catalogue())).flatmap(
    lambda one: st.tuples(st.just(one), events(one))
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(ANY_EVENT, st.data())
def test_a_line_with_any_value_in_any_field_is_an_event_or_names_a_field(
    drawn: tuple[EventType, Event], data: Any
) -> None:
    event_type, event = drawn
    form = to_json(event)
    part = form["data"] if form["data"] and data.draw(st.booleans()) else form
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(ANY_JSON)
    with suppress(FieldError):
        found = from_json(json.dumps(form), derive_id=True)
        event_type = catalogue().by_name(found.type)
        assert decode(event_type, encode(event_type, found)) == found


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text() | ANY_JSON.map(json.dumps))
def test_any_text_is_an_event_or_an_error_that_names_a_field(text: bytes | str) -> None:
    with suppress(FieldError):
        from_json(text)
