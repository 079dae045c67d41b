"""The headers that compiled code makes are those of the plain functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runut.admission import cloud_event_headers
from runut.catalogue import catalogue
from runut.event import Event
from runut.examples import examples
from runut.json_form import from_json
from runut.native import heading
from runut.tracing import trace_header
from tests.fixtures.event_strategies import events

untimed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SIGNATURE = (("runut-key-id", b"k-1"), ("runut-signature", bytes(117)))
LETTER = from_json(examples()["LetterSent"])


def plain(event: Event, trace: bytes | None, span: int) -> list[tuple[str, bytes]]:
    return [*cloud_event_headers(event), trace_header(event, trace, span), *SIGNATURE]


@untimed
@given(
    st.sampled_from(list(catalogue())).flatmap(events),
    st.none() | st.binary(max_size=60),
    st.integers(0, 2**64 - 1),
)
def test_they_are_the_same(event: Event, trace: bytes | None, span: int) -> None:
    assert heading.headers(event, SIGNATURE, trace, span) == plain(event, trace, span)


def letter(**meta: Any) -> Event:
    return Event(LETTER.type, LETTER.meta | meta, LETTER.data)


@pytest.mark.parametrize(
    "meta",
    [
        {"occurred_at": datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=7)))},
        {"occurred_at": datetime(2025, 1, 1)},
        {"event_id": "01a204b5d8b6-791a-ba5e-1376060a193c-"},
        {"event_id": "01a204b5-d8b6-791a-ba5e-1376060a193"},
        {"correlation_id": ""},
    ],
    ids=str,
)
def test_what_is_unusual_is_left_to_the_plain_ones(meta: dict[str, Any]) -> None:
    assert heading.headers(letter(**meta), SIGNATURE, None, 1) is None


@pytest.mark.parametrize("year", [1, 999, 1900, 1970, 9999])
@pytest.mark.parametrize("micros", [0, 1, 120_000, 999_999])
def test_times_are_written_alike(year: int, micros: int) -> None:
    event = letter(occurred_at=datetime(year, 12, 31, 23, 59, 58, micros, UTC))
    assert heading.headers(event, SIGNATURE, None, 1) == plain(event, None, 1)
