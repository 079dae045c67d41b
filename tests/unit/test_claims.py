"""What a record that is no event says of its sender: hints, whatever it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.claims import Claim, claim_of
from runut import codec
from runut.admission import cloud_event_headers
from runut.catalogue import catalogue
from runut.json_form import from_json
from runut.records import LOG_APPEND_TIME, RawRecord
from runut.signing import KEY_ID_HEADER
from tests.builders import directory_log, schema_ids

EVENT = from_json(
    {
        "type": "ClosureConsented",
        "subject": "case/A",
        "agency": "kp2mi",
        "occurred_at": "2025-05-08T10:00:00+07:00",
        "data": {},
    }
)
BODY = codec.encode(catalogue().by_name(EVENT.type), EVENT)
VALUE = codec.frame(schema_ids()[EVENT.type], BODY)
HEADERS = (*cloud_event_headers(EVENT), (KEY_ID_HEADER, b"kp2mi-1"))
SOURCE = ("ce_source", b"/agencies/polri")
TYPE = ("ce_type", b"runut.events.ClosureConsented")

Headers = tuple[tuple[str, bytes | None], ...]


def claimed(value: bytes | None, *headers: tuple[str, bytes | None]) -> Claim:
    record = RawRecord("runut.events", 0, 7, 0, LOG_APPEND_TIME, b"case/B", value, headers)
    return claim_of(record, directory_log().latest)


def test_a_body_that_can_be_read_says_who_and_what() -> None:
    assert claimed(VALUE, *HEADERS) == Claim("kp2mi-1", "kp2mi", "ClosureConsented")
    assert claimed(VALUE, SOURCE) == Claim(None, "kp2mi", "ClosureConsented")
    unknown_schema = codec.frame(999_999, BODY)
    assert claimed(unknown_schema, TYPE) == Claim(None, "kp2mi", "ClosureConsented")


@pytest.mark.parametrize(
    "value",
    [None, b"", VALUE[:-1], VALUE + b"\0", b"\0" * 300_000],
    ids=["none", "empty", "truncated", "a byte more", "too large"],
)
def test_where_the_body_cannot_be_read_the_headers_say_who(value: bytes | None) -> None:
    assert claimed(value, SOURCE, TYPE).agency == "polri"
    assert claimed(value, TYPE).agency is None
    assert claimed(value, ("ce_source", b"/agencies/NO BODY")).agency is None


def test_of_a_header_that_stands_twice_neither_counts() -> None:
    twice = ((KEY_ID_HEADER, b"a"), (KEY_ID_HEADER, b"b"), SOURCE, SOURCE)
    assert claimed(None, *twice) == Claim()


BYTES = st.binary(max_size=60)
NAMES = st.sampled_from([KEY_ID_HEADER, "ce_source", "ce_type", "x"])


@given(
    st.none() | BYTES | BYTES.map(lambda more: VALUE[:40] + more),
    st.lists(st.tuples(NAMES, st.none() | BYTES | BYTES.map(lambda more: b"/agencies/" + more))),
)
def test_whatever_is_sent_gives_a_claim_that_a_table_can_hold(
    value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    claim = claimed(value, *headers)
    for text in (claim.key_id, claim.agency, claim.type):
        assert text is None or (text.isprintable() and len(text) <= 200)
