"""Compiled hashes of a record: those of its encoding, and errors left to that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from runut.errors import BadInput
from runut.native.leaves import hashes_of
from runut.records import RawRecord, record_leaf
from tests.fetched import as_fetched

contents = st.sampled_from([None, b"", b"case/X", bytes(range(256)), bytes(300)])
texts = st.sampled_from(["", "runut.events", "ce_id", "k\u00e9\U0001f600", "t" * 80])
raw_records = st.builds(
    RawRecord,
    texts,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 255),
    contents,
    contents,
    st.lists(st.tuples(texts, contents), max_size=4).map(tuple),
)


@given(raw_records)
def test_hashes_of_what_is_fetched_are_the_same(record: RawRecord) -> None:
    fetched = as_fetched(record)
    assert hashes_of(fetched) == hashes_of(record) == fetched.hashes_of_its_encoding()


@given(raw_records)
def test_hashes_are_those_of_the_encoding(record: RawRecord) -> None:
    found = hashes_of(record)
    assert found == record.hashes_of_its_encoding()
    assert record.hashes() == found
    parts = (record.topic, record.partition, record.offset, record.timestamp_ms)
    rest = (record.timestamp_type, record.key, record.value, record.headers)
    assert record.leaf() == record_leaf(*parts, *rest)


@pytest.mark.parametrize(
    "wrong",
    [
        {"partition": 2**32},
        {"partition": -1},
        {"offset": 2**64},
        {"offset": -1},
        {"timestamp_ms": 2**63},
        {"timestamp_type": 256},
    ],
)
def test_numbers_that_do_not_fit_are_refused_by_the_encoding(wrong: dict[str, Any]) -> None:
    record = replace(RawRecord("t", 0, 0, 0, 1, b"k", b"v", ()), **wrong)
    assert hashes_of(record) is None
    with pytest.raises(BadInput, match="partition u32"):
        record.hashes()


def test_parts_of_another_type_are_left_to_the_encoding() -> None:
    about: Any = ("t", 0, 0, 0, 1)
    for rest in (
        ("k", b"v", ()),
        (b"k", bytearray(b"v"), ()),
        (b"k", b"v", ((b"name", b""),)),
        (b"k", b"v", (("name", "value"),)),
        (b"k", b"v", (("\ud800", b""),)),
    ):
        assert hashes_of(RawRecord(*about, *rest)) is None
