"""The leaf of a Kafka record: its encoding is the documented one, and no two share it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut.errors import BadInput
from runut.records import (
    LOG_APPEND_TIME,
    encode_record,
    filler_entry,
    filler_leaf,
    leaf_entry,
    record_leaf,
)

contents = st.none() | st.binary(max_size=6)
records = st.tuples(
    st.text(max_size=4),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 1),
    contents,
    contents,
    st.lists(st.tuples(st.text(max_size=4), contents), max_size=3),
)


def test_a_record_is_encoded_as_documented() -> None:
    headers = [("ce_id", b"7"), ("empty", b""), ("null", None)]
    found = encode_record("t", 3, 17, 1_700_000_000_000, LOG_APPEND_TIME, b"case/X", None, headers)
    assert found.hex(" ", 4) == bytes.fromhex(
        "00000001 74"
        "00000003 0000000000000011 0000018bcfe56800 01"
        "00000006 636173652f58"
        "ffffffff"
        "00000003"
        "00000005 63655f6964 00000001 37"
        "00000005 656d707479 00000000"
        "00000004 6e756c6c ffffffff"
    ).hex(" ", 4)


def test_a_leaf_is_the_hash_of_its_entry() -> None:
    record = encode_record("t", 0, 0, 0, LOG_APPEND_TIME, b"case/X", b"value", [])
    entry = b"runut/leaf/v1\n" + sha256(b"case/X").digest() + sha256(record).digest()
    assert leaf_entry(b"case/X", record) == entry
    leaf = record_leaf("t", 0, 0, 0, LOG_APPEND_TIME, b"case/X", b"value", [])
    assert leaf == sha256(b"\x00" + entry).digest()


def test_a_null_key_shares_the_place_of_an_empty_one_and_not_its_leaf() -> None:
    null, empty = ((key, encode_record("t", 0, 0, 0, 1, key, b"", [])) for key in (None, b""))
    assert leaf_entry(*null)[:46] == leaf_entry(*empty)[:46]
    assert leaf_entry(*null) != leaf_entry(*empty)


def test_the_order_of_headers_counts() -> None:
    one, other = ("a", b"1"), ("b", b"2")
    leaves = {
        record_leaf("t", 0, 0, 0, 1, b"", b"", order) for order in ([one, other], [other, one])
    }
    assert len(leaves) == 2


@given(records, records)
def test_two_records_never_share_an_encoding(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert (encode_record(*one) == encode_record(*other)) == (one == other)


@given(records, st.integers(0, 7), st.data())
def test_a_change_of_any_part_changes_the_leaf(
    record: tuple[Any, ...], part: int, data: Any
) -> None:
    other = data.draw(records.filter(lambda found: found[part] != record[part]))
    changed = (*record[:part], other[part], *record[part + 1 :])
    assert record_leaf(*changed) != record_leaf(*record)


def test_an_offset_without_a_record_has_a_filler_of_its_own() -> None:
    assert filler_entry("t", 3, 17) == b"runut/filler/v1\n" + bytes.fromhex(
        "00000001 74 00000003 0000000000000011"
    )
    assert filler_leaf("t", 3, 17) == sha256(b"\x00" + filler_entry("t", 3, 17)).digest()
    assert len({filler_leaf("t", 3, 17), filler_leaf("t", 3, 18), filler_leaf("t", 4, 17)}) == 3


@pytest.mark.parametrize("place", [(-1, 0, 0, 1), (0, -1, 0, 1), (0, 0, 2**63, 1), (0, 0, 0, -1)])
def test_a_number_that_does_not_fit_is_named(place: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadInput, match=r"record of runut\.events"):
        encode_record("runut.events", *place, b"", b"", [])


def test_a_filler_has_a_place_that_fits() -> None:
    with pytest.raises(BadInput, match=r"place in runut\.events"):
        filler_entry("runut.events", 0, -1)
