"""A signed record as JSON: the form is fixed, and what is not of it is named."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut.codec import MAX_VALUE
from runut.encoded import MAX_DOCUMENT, EncodedRecord, record_of
from runut.errors import FieldError

RECORD = EncodedRecord(
    topic="runut.events",
    partition=3,
    key=b"case/A-1",
    value=b"\x00\x00\x00\x00\x07body",
    headers={"ce_id": b"1", "runut-signature": b"\x01\x00\xff"},
)
DOCUMENT = {
    "topic": "runut.events",
    "partition": 3,
    "key": "Y2FzZS9BLTE=",
    "value": "AAAAAAdib2R5",
    "headers": {"ce_id": "MQ==", "runut-signature": "AQD/"},
}


def test_the_form_is_as_documented() -> None:
    assert json.loads(RECORD.to_json()) == DOCUMENT


@given(st.binary(), st.binary(), st.dictionaries(st.text(), st.binary()))
def test_a_record_comes_back_as_it_was(key: bytes, value: bytes, headers: dict[str, bytes]) -> None:
    record = EncodedRecord(key=key, value=value, headers=headers)
    assert record_of(record.to_json()) == record


def test_who_takes_the_record_may_be_left_to_place_it() -> None:
    without = {name: DOCUMENT[name] for name in ("key", "value", "headers")}
    assert record_of(json.dumps(without).encode()).partition is None


def test_a_byte_order_mark_is_no_part_of_the_record() -> None:
    assert record_of(b"\xef\xbb\xbf" + RECORD.to_json()) == RECORD


def test_the_largest_value_fits() -> None:
    record = EncodedRecord(
        key=b"programme/" + b"x" * 80,
        value=bytes(MAX_VALUE),
        headers={f"h{n}": bytes(500) for n in range(20)},
    )
    assert record_of(record.to_json()) == record


@pytest.mark.parametrize(
    ("document", "field", "found"),
    [
        ({**DOCUMENT, "offset": 4}, "record", "unknown field `offset`"),
        ({**DOCUMENT, "value": "not base64!"}, "value", "Invalid base64"),
        ({**DOCUMENT, "headers": {"ce_id": 1}}, "headers[...]", "got `int`"),
        ({**DOCUMENT, "partition": "3"}, "partition", "got `str`"),
        ({"key": ""}, "record", "missing required field `value`"),
        ([], "record", "got `array`"),
    ],
)
def test_what_is_not_of_the_form_is_named(document: object, field: str, found: str) -> None:
    with pytest.raises(FieldError) as caught:
        record_of(json.dumps(document).encode())
    assert caught.value.field == field
    assert found in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b'{"topic": "\xff"}'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(FieldError, match="record: expected a JSON object"):
        record_of(text)


def test_what_is_too_long_is_not_even_read() -> None:
    padding = b64encode(bytes(MAX_DOCUMENT)).decode()
    with pytest.raises(FieldError, match="bytes at most"):
        record_of(json.dumps({**DOCUMENT, "value": padding}).encode())
