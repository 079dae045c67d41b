"""Compiled reading of a batch's records finds what plain reading finds, rubbish above all."""

from __future__ import annotations

import pickle

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from runut.adapters.record_batches import Batch, batches, plain_records_of
from runut.native import batch_reading


def a_batch() -> Batch:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**20)
    for number, name in enumerate(("ce_id", "ce_id", "k\u00e9", "k\u00e9")):
        headers = [(name, b"1"), ("null", None), (name, b"")]
        builder.append(number, timestamp=number, key=b"case/X", value=None, headers=headers)
    [found] = batches(bytes(builder.build()))
    return found


@given(st.binary(max_size=40), st.integers(-1, 5), st.integers(0, 3), st.none() | st.just(9))
def test_rubbish(rubbish: bytes, count: int, at: int, given_ms: int | None) -> None:
    some = Batch(7, 9, 1000, given_ms, False, count, bytes(at) + rubbish, at, at + len(rubbish))
    assert batch_reading.records_of("t", 3, some) == plain_records_of("t", 3, some)


@given(st.data())
def test_what_was_written_and_then_changed(data: st.DataObject) -> None:
    one = a_batch()
    changed = bytearray(one.records)
    changed[data.draw(st.integers(one.at, one.end - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(one.end) | st.integers(one.at, one.end))
    some = one._replace(records=bytes(changed), end=end)
    assert batch_reading.records_of("t", 3, some) == plain_records_of("t", 3, some)


@given(st.sampled_from([(1 << 63) - 2, -(1 << 63) + 1, 0]), st.sampled_from(["ms", "offset"]))
def test_places_and_times_that_no_number_of_kafka_s_can_have(first: int, which: str) -> None:
    some = a_batch()._replace(**{f"first_{which}": first})
    found = batch_reading.records_of("t", 3, some)
    assert found == plain_records_of("t", 3, some)
    assert (found is None) is (first > 0)


def test_nothing_is_read_beyond_the_bytes() -> None:
    one = a_batch()
    for at, end in ((-1, 5), (0, len(one.records) + 1), (9, 8)):
        assert batch_reading.records_of("t", 3, one._replace(at=at, end=end)) is None
        assert batch_reading.checksum(one.records, at, end) is None


def test_headers_are_to_all_who_ask_the_tuple_of_them() -> None:
    some = a_batch()
    compiled, plain = batch_reading.records_of("t", 3, some), plain_records_of("t", 3, some)
    assert compiled is not None
    assert plain is not None
    given, expected = compiled[2].headers, plain[2].headers
    assert type(given) is not type(expected) is tuple
    assert (given, hash(given), repr(given)) == (expected, hash(expected), repr(expected))
    assert expected == given == compiled[3].headers != compiled[1].headers
    assert (len(given), given[1], given[::-1]) == (3, expected[1], expected[::-1])
    assert dict(given) == dict(expected)
    match given:
        case (("k\u00e9", b"1"), *_):
            pass
        case _:
            pytest.fail("no sequence")
    assert pickle.loads(pickle.dumps(given)) == expected
    assert [type(one) for one in pickle.loads(pickle.dumps([given]))] == [tuple]


def test_a_name_that_is_no_text_is_hashed_as_it_lies_there() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**20)
    builder.append(0, timestamp=0, key=b"case/X", value=b"v", headers=[("ce_id", b"7")])
    [one] = batches(bytes(builder.build()))
    bent = one._replace(records=bytes(one.records).replace(b"ce_id", b"ce\xff\xfed"))
    [found], [plain] = (read("t", 3, bent) for read in (batch_reading.records_of, plain_records_of))
    assert found.headers == plain.headers == (("ce\udcff\udcfed", b"7"),)
    assert found.hashes() == plain.hashes() == found.hashes_of_its_encoding()
