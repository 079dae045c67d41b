"""Seals: one way to write each, and what may follow what."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut import seals
from runut.errors import BadInput, LedgerMismatch
from runut.merkle import leaf_hash
from runut.seals import Seal, TreeHead, empty_head, entry_of, seal_of

LEDGER = bytes(range(16))
unhurried = settings(deadline=None)


def hashed(text: str) -> bytes:
    return sha256(text.encode()).digest()


def grown(partition: int, size: int, topic: str = "runut.events") -> TreeHead:
    return TreeHead(topic, partition, size, hashed(f"tree {size}"), hashed(f"map {size}"))


def sealed(index: int, at_ms: int, *heads: TreeHead) -> Seal:
    return Seal(LEDGER, index, at_ms, heads)


hashes = st.binary(min_size=32, max_size=32)
places = st.lists(
    st.tuples(st.sampled_from(["runut.events", "runut.directory", "x"]), st.integers(0, 2**31 - 1)),
    min_size=1,
    max_size=12,
    unique=True,
).map(sorted)
numbers = st.integers(0, 2**63 - 1)


@st.composite
def any_seals(draw: Any) -> Seal:
    heads = [
        empty_head(*place)
        if draw(st.booleans())
        else TreeHead(*place, draw(numbers.filter(bool)), draw(hashes), draw(hashes))
        for place in draw(places)
    ]
    ledger_id = draw(st.binary(min_size=16, max_size=16))
    return Seal(ledger_id, draw(numbers), draw(numbers), tuple(heads))


EXAMPLE = sealed(
    41, 1_763_770_000_000, grown(0, 182, "runut.directory"), empty_head("runut.events", 0)
)
EXAMPLE_ENTRY = b"""runut/seal/v1
ledger 000102030405060708090a0b0c0d0e0f
seal 41
time 1763770000000
runut.directory/0 182 jIrj2KEudCDaoOrg+EwtbCobAm9oO5u0TedJ9gIhgvA= \
4IHsGl3MSkxjQO6ZxUGlfSrg3pJP5Rt4oWoQ6hRrHJ8=
runut.events/0 0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= \
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""


def test_an_entry_is_the_text_that_is_documented() -> None:
    assert entry_of(EXAMPLE) == EXAMPLE_ENTRY
    assert EXAMPLE.leaf() == leaf_hash(EXAMPLE_ENTRY)


@unhurried
@given(any_seals())
def test_a_seal_is_read_back_as_it_was_written(seal: Seal) -> None:
    assert seal_of(entry_of(seal)) == seal


@unhurried
@given(any_seals(), st.data())
def test_no_two_texts_are_the_same_seal(seal: Seal, data: Any) -> None:
    entry = bytearray(entry_of(seal))
    bit = data.draw(st.integers(0, 8 * len(entry) - 1))
    entry[bit // 8] ^= 1 << bit % 8
    try:
        found = seal_of(bytes(entry))
    except BadInput:
        return
    assert found != seal
    assert entry_of(found) == entry


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"runut/seal/v1", b"runut/seal/v2"),
        (b"seal 41", b"seal 041"),
        (b"seal 41", b"seal +41"),
        (b"seal 41", b"seal \xd9\xa4"),  # a digit, but not an ASCII one
        (b"time 17", b"time  17"),
        (b"0a0b0c", b"0A0B0C"),
        (b"\n", b"\r\n"),
        (b"/0 182", b"/00 182"),
        (b"/0 182", b"/4294967296 182"),
        (b"AAA=\n", b"AAA=\n\n"),
        (b"rHJ8=", b"rHJ9="),  # bits left over after the hash
        (b"rHJ8=", b"rHJ8A"),
        (b"rHJ8=", b"rH_8="),
        (b"AAA=\n", b"AAA="),
        (b"AAA=\n", b"AAA= \n"),
        (b"events/0 0 47", b"events/0 1 47"),
        (b"/0 182 ", b"/0 0 "),
    ],
)
def test_other_ways_to_write_it_are_refused(old: bytes, new: bytes) -> None:
    assert old in EXAMPLE_ENTRY
    with pytest.raises(BadInput):
        seal_of(EXAMPLE_ENTRY.replace(old, new))


@pytest.mark.parametrize("entry", [b"", b"\n", b"\xff\xfe", EXAMPLE_ENTRY[:80], EXAMPLE_ENTRY * 2])
def test_what_is_no_seal_is_refused(entry: bytes) -> None:
    with pytest.raises(BadInput):
        seal_of(entry)


@pytest.mark.parametrize(
    "heads",
    [
        (),
        (grown(1, 5), grown(0, 5)),
        (grown(0, 5), grown(0, 5)),
        (grown(10, 5), grown(9, 5)),
        (grown(0, 5, "no such topic"),),
        (TreeHead("t", 0, 1, bytes(31), bytes(32)),),
        (TreeHead("t", 0, -1, bytes(32), bytes(32)),),
    ],
)
def test_trees_stand_in_order_each_once(heads: tuple[TreeHead, ...]) -> None:
    with pytest.raises(BadInput, match="seal"):
        entry_of(sealed(0, 0, *heads))


def test_partitions_are_ordered_by_number_not_by_digits() -> None:
    assert seal_of(entry_of(sealed(0, 0, grown(9, 5), grown(10, 5)))).heads[1].partition == 10


def test_a_ledger_of_too_many_partitions_does_not_fit_an_entry() -> None:
    with pytest.raises(BadInput, match="65535 bytes"):
        entry_of(sealed(0, 0, *(grown(number, 2**62) for number in range(600))))


def test_a_seal_tells_the_tree_of_a_partition_or_that_it_has_none() -> None:
    assert EXAMPLE.head("runut.directory", 0).size == 182
    with pytest.raises(LedgerMismatch, match=r"tree of runut\.events/7"):
        EXAMPLE.head("runut.events", 7)


def test_a_seal_follows_the_one_before_where_its_trees_grew() -> None:
    before = sealed(3, 100, grown(0, 5), grown(1, 5))
    seals.demand_follows(sealed(4, 100, grown(0, 5), grown(1, 9)), before)
    seals.demand_first(sealed(0, 100, grown(0, 5)))


@pytest.mark.parametrize(
    ("seal", "why"),
    [
        (sealed(5, 100, grown(0, 5)), "expected index 4"),
        (sealed(3, 100, grown(0, 5)), "expected index 4"),
        (Seal(bytes(16), 4, 100, (grown(0, 5),)), "one ledger"),
        (sealed(4, 99, grown(0, 5)), "run backwards"),
        (sealed(4, 100, grown(1, 5)), "same partitions"),
        (sealed(4, 100, grown(0, 5), grown(1, 5)), "same partitions"),
        (sealed(4, 100, grown(0, 4)), "at least 5 leaves, found 4"),
        (
            sealed(4, 100, TreeHead("runut.events", 0, 5, hashed("other"), hashed("map 5"))),
            "same roots at the same size 5",
        ),
        (
            sealed(4, 100, TreeHead("runut.events", 0, 5, hashed("tree 5"), hashed("other"))),
            "same roots at the same size 5",
        ),
    ],
)
def test_a_seal_that_may_not_follow_says_why(seal: Seal, why: str) -> None:
    with pytest.raises(LedgerMismatch, match=why):
        seals.demand_follows(seal, sealed(3, 100, grown(0, 5)))


def test_a_log_begins_with_seal_0() -> None:
    with pytest.raises(LedgerMismatch, match="found 1"):
        seals.demand_first(sealed(1, 100, grown(0, 5)))
