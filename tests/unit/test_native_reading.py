"""Compiled reading of records: events as the plain reader makes them, all else left to that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from operator import itemgetter
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runut import log_reader
from runut.directory_log import DirectoryLog
from runut.errors import LedgerMismatch, NotAnEvent
from runut.event import Event
from runut.json_form import from_json
from runut.log_reader import PartitionReader
from runut.native import IS_USED
from runut.native.reading import EventReader
from runut.outgoing import Envelope
from runut.partitioner import partition_of
from runut.records import CREATE_TIME, LOG_APPEND_TIME, RawRecord
from runut.signing import Signer, VerifiedBatches
from tests.builders import PARTITIONS, SCENARIOS, read_directory
from tests.fetched import as_fetched
from tests.sealed import START, Sealed, directory_with_keys, key_of

STAMPED_MS = int(START.timestamp() * 1000)


@cache
def directories() -> DirectoryLog:
    return read_directory(directory_with_keys())


@cache
def records() -> tuple[RawRecord, ...]:
    """The scenarios' events, each agency's in one batch, as the producer orders and signs them."""
    by_agency = defaultdict[str, list[Event]](list)
    for story in sorted(SCENARIOS.glob("0*.jsonl")):
        for line in story.read_text().splitlines():
            event = from_json(line, derive_id=True)
            by_agency[event.agency].append(event)
    envelope, found = Envelope.of(directories().latest), list[RawRecord]()
    for agency, events in by_agency.items():
        drafts = [envelope.draft(event) for event in sorted(events, key=place)]
        for one in envelope.seal(drafts, Signer(f"{agency}-1", key_of(agency))):
            about = ("runut.events", place(one.event), len(found), STAMPED_MS, LOG_APPEND_TIME)
            found.append(as_fetched(RawRecord(*about, one.key, one.value, tuple(one.headers))))
    return tuple(found)


def place(event: Event) -> int:
    return partition_of(event.subject.encode(), PARTITIONS)


def reading(*, is_used: bool) -> Callable[[RawRecord, int], Any]:
    """What a partition's reader, with what is compiled or without, makes of a record."""
    log, verified = directories(), VerifiedBatches()

    def read(record: RawRecord, partition: int) -> Any:
        with patch.object(log_reader, "IS_USED", is_used):
            about = {"directory_offset": log.size - 1, "verified": verified}
            reader = PartitionReader(partition, log, **about)
        return said(lambda: reader.read(record))

    return read


def glancing() -> Callable[[RawRecord, int], Any]:
    """What the compiled reader alone makes of it."""
    log, verified = directories(), VerifiedBatches()

    def read(record: RawRecord, partition: int) -> Any:
        compiled = EventReader(log.latest, partition, verified, log_reader.event_type_of)
        return said(lambda: compiled.read(record, START, log.size - 1))

    return read


def said(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (NotAnEvent, LedgerMismatch) as error:
        return type(error), str(error)


def test_what_our_producers_write_is_read_at_a_glance_and_as_the_plain_reader_does() -> None:
    at_a_glance, plainly = glancing(), reading(is_used=False)
    assert len(records()) > 100
    for record in records():
        seen = at_a_glance(record, record.partition)
        assert seen is not None
        assert seen.signature == "VALID"
        assert seen == plainly(record, record.partition)


@st.composite
def changed(draw: Callable[..., Any]) -> tuple[RawRecord, int]:
    """A record with something changed, and the partition where it lies."""
    record = draw(st.sampled_from(records()))
    other = draw(st.sampled_from(records()))
    match draw(st.sampled_from(["key", "value", "header", "headers", "partition", "mixed"])):
        case "key":
            return replace(record, key=draw(mutated(record.key))), record.partition
        case "value":
            return replace(record, value=draw(mutated(record.value))), record.partition
        case "header":
            at = draw(st.integers(0, len(record.headers) - 1))
            name, value = record.headers[at]
            name = draw(st.sampled_from([name, name.upper(), f"{name}\u00e9", ""]))
            headers = list(record.headers)
            headers[at] = (name, draw(mutated(value)))
            return as_fetched(replace(record, headers=tuple(headers))), record.partition
        case "headers":
            some = draw(st.lists(st.sampled_from(tuple(record.headers)), max_size=11))
            return as_fetched(replace(record, headers=tuple(some))), record.partition
        case "partition":
            return record, draw(st.integers(0, PARTITIONS))
    parts = draw(st.sets(st.sampled_from(["key", "value", "headers"])))
    return replace(record, **{one: getattr(other, one) for one in parts}), record.partition


def mutated(given: bytes | None) -> st.SearchStrategy[bytes | None]:
    """A bit tipped over, cut short, continued, none or another."""
    whole = given or b""
    bits = st.integers(0, max(0, 8 * len(whole) - 1))
    return (
        bits.map(lambda bit: tipped(whole, bit))
        | st.integers(0, len(whole)).map(lambda end: whole[:end])
        | st.binary(max_size=40).map(lambda more: whole + more)
        | st.none()
        | st.binary(max_size=200)
    )


def tipped(given: bytes, bit: int) -> bytes:
    found = bytearray(given or b"\0")
    found[bit // 8] ^= 1 << bit % 8
    return bytes(found)


@settings(deadline=None, max_examples=300)
@given(changed())
def test_what_was_changed_is_read_as_the_plain_reader_does_or_left_to_it(
    given: tuple[RawRecord, int],
) -> None:
    expected = reading(is_used=False)(*given)
    assert glancing()(*given) in (None, expected)
    assert reading(is_used=IS_USED)(*given) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(records()) | changed().map(itemgetter(0)), max_size=40), st.data())
def test_events_read_on_are_those_read_one_by_one(
    given: list[RawRecord], data: st.DataObject
) -> None:
    stamped = [
        replace(
            one,
            timestamp_ms=STAMPED_MS + data.draw(st.sampled_from([0, 0, 0, -1, 1, 2])),
            timestamp_type=data.draw(st.sampled_from([LOG_APPEND_TIME] * 5 + [CREATE_TIME])),
        )
        for one in given
    ]
    partition = data.draw(st.integers(0, PARTITIONS - 1))
    found, all_at_once = list[Any](), reader(partition)
    for left in all_at_once.read_on(stamped, found):
        found.append(said(partial(all_at_once.read, left)))
    plain = reader(partition)
    assert found == [said(partial(plain.read, one)) for one in stamped]
    assert all_at_once.recorded_at == plain.recorded_at


def test_neighbours_are_read_on_together() -> None:
    for partition in {one.partition for one in records()}:
        given = [one for one in records() if one.partition == partition]
        found, one = list[Any](), reader(partition)
        left = one.read_on(given, found)
        assert next(left) is given[0]
        assert not found
        one.read(given[0])
        assert list(left) == []
        assert len(found) == len(given) - 1


class Asked(VerifiedBatches):
    """Writes down of which record it is asked what the key signed."""

    def __init__(self) -> None:
        super().__init__()
        self.about = list[RawRecord | None]()

    def is_signed(self, public_key: bytes, size: int, signed_root: bytes, root: bytes) -> bool:
        self.about.append(self.record)
        return super().is_signed(public_key, size, signed_root, root)


@pytest.mark.parametrize("is_used", [True, False])
def test_whoever_verifies_is_told_of_the_very_record_also_of_a_marker(is_used: bool) -> None:
    """What is known of the record before must not vouch for a marker that nobody signed."""
    ledger = Sealed()
    ledger.announce()
    ledger.tell()
    ledger.announce()
    with patch.object(log_reader, "IS_USED", is_used):
        for partition, given in ledger.events.items():
            asked = Asked()
            one = PartitionReader(partition, ledger.log(), verified=asked)
            for record in given:
                one.read(record)
            assert asked.about == given


def reader(partition: int) -> PartitionReader:
    return PartitionReader(partition, directories(), directory_offset=directories().size - 1)


def test_a_batch_that_is_known_vouches_for_its_own_events_alone() -> None:
    """Of each event read among its neighbours: with a bit of its digest, place or path changed."""
    at_a_glance, plainly = glancing(), reading(is_used=False)
    for number, record in enumerate(records()):
        value = dict(record.headers)["runut-signature"]
        assert value is not None
        bit = 8 * 3 + 7919 * number % (8 * (len(value) - 3))
        headers = (*record.headers[:-1], ("runut-signature", tipped(value, bit)))
        bent = as_fetched(replace(record, headers=headers))
        expected = plainly(bent, record.partition)
        assert expected.signature == "INVALID"
        assert at_a_glance(bent, record.partition) in (None, expected)
        assert at_a_glance(record, record.partition) == plainly(record, record.partition)


def test_what_a_strange_caller_hands_over_is_left_to_the_plain_reader() -> None:
    record = records()[0]
    for strange in (
        replace(record, headers=tuple(record.headers)),
        replace(record, headers=list(record.headers)),
        replace(record, key=record.key and record.key.decode()),
        replace(record, value=bytearray(record.value or b"")),
    ):
        assert glancing()(strange, record.partition) is None
