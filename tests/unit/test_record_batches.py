"""What is read out of Kafka's batches is what aiokafka reads, and more: what stops it does not
stop a ledger.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from runut.adapters import record_batches
from runut.adapters.record_batches import FetchedRecords
from runut.native import IS_USED
from runut.records import RawRecord, decode_record

contents = st.none() | st.binary(max_size=300)
headers = st.lists(
    st.tuples(st.sampled_from(["ce_id", "ce_type", "k\u00e9", ""]), contents), max_size=4
)
written = st.tuples(st.integers(0, 2**42), contents, contents, headers)
CODECS = range(5)
CONTROL = 0b10_0000
BROKER_TIME = 0b1000
ONE = (5, b"case/X", b"value", [("ce_id", b"7")])


def batch(
    first: int, some: Sequence[tuple[Any, ...]], *, codec: int = 0, attributes: int = 0
) -> bytes:
    """As a broker answers it: it gives the first offset, and its time where the topic says so."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 2**20)
    for number, (ms, key, value, with_headers) in enumerate(some):
        builder.append(number, timestamp=ms, key=key, value=value, headers=with_headers)
    found = bytearray(builder.build())
    found[:8] = first.to_bytes(8)
    found[22] |= attributes
    return sealed(found)


def sealed(found: bytearray) -> bytes:
    found[8:12] = (len(found) - 12).to_bytes(4)
    found[17:21] = calc_crc32c(bytes(found[21:])).to_bytes(4)
    return bytes(found)


def by_aiokafka(data: bytes) -> list[RawRecord]:
    found, answer = [], MemoryRecords(data)
    while answer.has_next():
        for one in answer.next_batch():
            place = ("t", 3, one.offset, one.timestamp, one.timestamp_type)
            found.append(RawRecord(*place, one.key, one.value, tuple(one.headers)))
    return found


def read(data: bytes, offset: int = 0) -> list[RawRecord]:
    return list(FetchedRecords("t", 3, data, offset))


@pytest.fixture(params=[True, False], ids=["compiled", "plain"], autouse=True)
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not IS_USED:
        pytest.skip("nothing is compiled here")
    monkeypatch.setattr(record_batches, "IS_USED", request.param)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("attributes", [0, BROKER_TIME])
def test_they_are_those_of_aiokafka(codec: int, attributes: int) -> None:
    @given(st.lists(st.lists(written, min_size=1, max_size=4), max_size=3))
    def holds(several: list[list[tuple[Any, ...]]]) -> None:
        data = b"".join(
            batch(10 * n, some, codec=codec, attributes=attributes)
            for n, some in enumerate(several)
        )
        assert read(data) == by_aiokafka(data)

    holds()


def test_the_fetcher_is_told_where_to_go_on() -> None:
    data = batch(10, [ONE] * 3) + batch(13, [ONE], attributes=CONTROL) + batch(20, [ONE])
    found = FetchedRecords("t", 3, data, 11)
    assert found.next_fetch_offset == 11
    seen = [(one.offset, found.next_fetch_offset) for one in found]
    assert seen == [(11, 12), (12, 13), (20, 21)]


def test_behind_a_batch_is_behind_its_last_offset_even_if_that_record_is_gone() -> None:
    compacted = bytearray(batch(10, [ONE]))
    compacted[23:27] = (7).to_bytes(4)
    found = FetchedRecords("t", 3, sealed(compacted), 10)
    assert ([one.offset for one in found], found.next_fetch_offset) == ([10], 18)


def test_a_batch_that_is_cut_off_is_left_for_the_next_answer() -> None:
    whole, cut = batch(0, [ONE] * 2), batch(2, [ONE] * 2)
    for size in range(len(cut)):
        found = FetchedRecords("t", 3, whole + cut[:size], 0)
        assert ([one.offset for one in found], found.next_fetch_offset) == ([0, 1], 2)


def test_a_changed_byte_is_noticed() -> None:
    data = batch(0, [ONE])
    for at in range(16, len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(CorruptRecordException):
            read(bytes(changed))


@pytest.mark.parametrize("name", [b"\xff\xfe", b"ce_id\xff", b"\xed\xa0\x80"])
def test_a_name_that_is_no_text_is_kept_byte_by_byte(name: bytes) -> None:
    """Kafka takes it; aiokafka raises, and whoever reads with it is stopped for good."""
    data = bytearray(batch(0, [(5, b"k", b"v", [("n" * len(name), b"7")]), ONE]))
    at = data.index(b"n" * len(name))
    data[at : at + len(name)] = name
    with pytest.raises(UnicodeDecodeError):
        by_aiokafka(sealed(data))
    first, second = read(sealed(data))
    assert name in first.encoded()
    assert decode_record(first.encoded()) == first
    assert first.hashes() == first.hashes_of_its_encoding()
    assert second.headers == (("ce_id", b"7"),)


@pytest.mark.parametrize("codec", [1, 2, 3, 4, 5, 7])
def test_what_cannot_be_decompressed_is_named(codec: int) -> None:
    data = bytearray(batch(0, [ONE]))
    data[22] |= codec
    with pytest.raises(CorruptRecordException, match=f"codec {codec}"):
        read(sealed(data))


def test_older_formats_are_named() -> None:
    data = bytearray(batch(0, [ONE]))
    data[16] = 1
    with pytest.raises(CorruptRecordException, match="expected format 2, found 1"):
        read(bytes(data))


def test_what_is_dropped_half_read_holds_nothing() -> None:
    """An answer has megabytes, and cycles are looked for seldom."""
    found = FetchedRecords("t", 3, batch(0, [ONE] * 2) + batch(2, [ONE]), 0)
    next(found)
    dropped = weakref.ref(found)
    gc.disable()
    try:
        del found
        assert dropped() is None
    finally:
        gc.enable()
