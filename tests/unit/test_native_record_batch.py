"""The batches that compiled code fills are those that aiokafka makes, byte for byte."""

from __future__ import annotations

import gc
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from runut.adapters.record_batches import FetchedRecords
from runut.catalogue import catalogue
from runut.event import Event
from runut.examples import examples
from runut.json_form import from_json
from runut.native import record_batch
from runut.outgoing import Envelope, Outgoing
from runut.record_batch import COMPRESSED_FROM, RecordBatch, compressed
from runut.records import RawRecord
from runut.signing import Signer
from tests.fixtures.event_strategies import events

untimed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

NOW_MS = 1_750_000_000_000
LARGE = 1 << 20
ENVELOPE = Envelope(bytes(16), {one.name: 7 for one in catalogue()})
SIGNER = Signer("k-1", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
LETTER = from_json(examples()["LetterSent"])
TRACES = st.none() | st.binary(max_size=60)
HEADERS = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=80)), max_size=4)


def record(event: Event, signer: Signer | None = SIGNER, trace: bytes | None = None) -> Outgoing:
    draft = structs.replace(ENVELOPE.draft(event, is_checked=True), trace=trace)
    [found] = ENVELOPE.seal([draft], signer)
    return found


def aiokafkas(records: list[Outgoing], times: list[int], limit: int = LARGE) -> bytes:
    batch = BatchBuilder(limit, 0)
    for one, time in zip(records, times, strict=True):
        batch.append(timestamp=time, key=one.key, value=one.value, headers=one.headers)
    return built(batch)


def ours(records: list[Outgoing], times: list[int], limit: int = LARGE) -> bytes:
    batch = RecordBatch(limit)
    for one, time in zip(records, times, strict=True):
        batch.put(one, time)
    return built(batch)


def built(batch: BatchBuilder) -> bytes:
    """What would be sent, and what is known of it before."""
    size, count = batch.size(), batch.record_count()
    batch._set_producer_state(2**40 + 5, 3, 2**31 - 1)
    found = bytes(batch._build())
    assert (len(found), int.from_bytes(found[57:61])) == (size, count)
    return found


@untimed
@given(
    st.lists(st.sampled_from(list(catalogue())).flatmap(events), min_size=1, max_size=3),
    st.sampled_from([None, SIGNER]),
    TRACES,
    st.lists(st.integers(0, 2**42), min_size=3, max_size=3),
)
def test_they_are_the_same(
    some: list[Event], signer: Signer | None, trace: bytes | None, times: list[int]
) -> None:
    records = [record(one, signer, trace) for one in some]
    assert ours(records, times[: len(records)]) == aiokafkas(records, times[: len(records)])


@untimed
@given(HEADERS, st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=300))
def test_so_are_those_of_records_that_came_with_their_headers(
    headers: list[tuple[str, bytes | None]], key: bytes | None, value: bytes | None
) -> None:
    given: Any = (key, value, None, None, 0, None, headers)
    records = [Outgoing(LETTER, *given)] * 2
    assert ours(records, [1, 2]) == aiokafkas(records, [1, 2])


@pytest.mark.parametrize("limit", [1, 61, 800, 2_000, 5_000])
def test_a_batch_is_full_with_the_same_record(limit: int) -> None:
    records = [record(LETTER)] * 5
    times = [NOW_MS + 100 * n for n in range(5)]
    assert ours(records, times, limit) == aiokafkas(records, times, limit)


def test_who_is_refused_is_told_so() -> None:
    batch = RecordBatch(100)
    assert [batch.put(record(LETTER), NOW_MS) for _ in range(2)] == [True, False]
    assert batch.record_count() == 1


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
def test_what_is_unusual_is_left_to_the_plain_functions(meta: dict[str, Any]) -> None:
    one = structs.replace(record(LETTER), event=letter(**meta))
    assert record_batch.Builder(LARGE).put(one, NOW_MS) is None
    assert ours([one], [NOW_MS]) == aiokafkas([one], [NOW_MS])


@pytest.mark.parametrize("year", [1900, 1970, 9999])
@pytest.mark.parametrize("micros", [0, 1, 120_000, 999_999])
def test_times_are_written_alike(year: int, micros: int) -> None:
    one = record(letter(occurred_at=datetime(year, 12, 31, 23, 59, 58, micros, UTC)))
    assert record_batch.Builder(LARGE).put(one, NOW_MS) is True
    assert ours([one], [NOW_MS]) == aiokafkas([one], [NOW_MS])


def test_a_record_that_cannot_be_written_leaves_nothing_behind() -> None:
    batch, before = RecordBatch(LARGE), record(LETTER)
    assert batch.put(before, NOW_MS)
    for broken in ({"key": "text"}, {"value": 5}, {"trace": "text"}):
        with pytest.raises(TypeError):
            batch.put(structs.replace(before, **broken), NOW_MS)
    with pytest.raises(UnicodeEncodeError):
        batch.put(structs.replace(before, event=letter(subject="case/\ud800")), NOW_MS)
    gc.collect()
    assert built(batch) == aiokafkas([before], [NOW_MS])


def read(batch: bytes) -> list[RawRecord]:
    return list(FetchedRecords("t", 3, batch, 0))


def test_many_records_are_sent_compressed_and_are_the_same() -> None:
    records = [record(LETTER)] * (COMPRESSED_FROM // 400)
    batch, plain = RecordBatch(LARGE), BatchBuilder(LARGE, 0)
    for one in records:
        batch.put(one, NOW_MS)
        plain.append(timestamp=NOW_MS, key=one.key, value=one.value, headers=one.headers)
    sent, as_it_is = batch._build(), bytes(plain._build())
    assert sent == batch._build() == compressed(as_it_is)
    assert len(sent) < len(as_it_is) / 4
    assert batch.size() == len(sent)
    assert len(read(sent)) == len(records)
    assert read(sent) == read(as_it_is)
    assert MemoryRecords(sent).next_batch().validate_crc()


def test_what_does_not_become_smaller_is_sent_as_it_is() -> None:
    for size in (COMPRESSED_FROM // 2, COMPRESSED_FROM):
        batch = BatchBuilder(LARGE, 0)
        batch.append(timestamp=NOW_MS, key=None, value=random.Random(8).randbytes(size))
        found = bytes(batch._build())
        assert compressed(found) is found
