"""Avro object container files: what is in them comes out, and no bytes make the reader fail."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Sequence

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.files import container
from producers.files.avro import AvroFile, type_of_schema
from producers.files.entries import BadLine, Entry, Found
from runut import codec
from runut.catalogue import EventType, catalogue
from runut.errors import BadInput
from runut.event import Event
from runut.json_form import from_json
from tests.fixtures.event_strategies import events

EMITTED = [one for one in catalogue() if one.topic == "events"]
CONTACT = catalogue().by_name("ContactAcknowledged")
SYNC = bytes(range(16))


def long(value: int) -> bytes:
    """A number in Avro's encoding."""
    rest, found = value << 1 ^ value >> 63, b""
    while rest > 0x7F:
        found += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return found + bytes([rest])


def file_of(schema: bytes, *blocks: tuple[int, bytes], codec_name: bytes = b"null") -> bytes:
    header = {b"avro.schema": schema, b"avro.codec": codec_name}
    pairs = b"".join(long(len(part)) + part for pair in header.items() for part in pair)
    written = [b"Obj\x01", long(len(header)), pairs, long(0), SYNC]
    for count, body in blocks:
        written += [long(count), long(len(body)), body, SYNC]
    return b"".join(written)


def entries(raw: bytes) -> list[Entry]:
    return [one for batch in AvroFile(io.BytesIO(raw)).batches() for one in batch]


def the_bad(raw: bytes) -> BadLine:
    (bad,) = (one for one in entries(raw) if isinstance(one, BadLine))
    return bad


def an_event() -> Event:
    about = {"type": CONTACT.name, "subject": "case/A", "agency": "kp2mi"}
    about |= {"occurred_at": "2025-05-08T10:00:00+07:00"}
    return from_json({**about, "data": {"contact_id": "c-1", "agrees": True}})


BODY = codec.encode(CONTACT, an_event())


@given(
    data=st.data(),
    event_type=st.sampled_from(EMITTED),
    codec_name=st.sampled_from(["null", "deflate"]),
    interval=st.sampled_from([1, 300, 16_000]),
)
def test_what_another_program_wrote_is_read_record_by_record(
    data: st.DataObject, event_type: EventType, codec_name: str, interval: int
) -> None:
    written: Sequence[Event] = data.draw(st.lists(events(event_type), max_size=5))
    out = io.BytesIO()
    schema = fastavro.parse_schema(event_type.schema)
    records = [{"meta": one.meta, **one.data} for one in written]
    fastavro.writer(out, schema, records, codec=codec_name, sync_interval=interval, strict=True)
    found = entries(out.getvalue())
    assert [one.event for one in found if isinstance(one, Found)] == written
    assert [one.line for one in found] == list(range(1, len(written) + 1))


def test_a_schema_is_known_by_all_of_its_text_and_no_other_is_decoded() -> None:
    assert type_of_schema(CONTACT.canonical) is CONTACT
    assert type_of_schema(json.dumps(CONTACT.schema, indent=2).encode()) is CONTACT
    other = json.loads(CONTACT.canonical)
    other["fields"][1]["doc"] = "another"
    deep = '{"type":"record","name":"Deep","fields":[{"name":"in","type":["null","Deep"]}]}'
    marker = catalogue().by_name("AgencyKeyRevoked").canonical
    for text in (json.dumps(other).encode(), deep.encode(), b"", b"[]", b"7", b"[" * 100_000):
        with pytest.raises(BadInput, match="schema: expected one of this release's catalogue"):
            type_of_schema(text)
        assert the_bad(file_of(text, (1, BODY))).line == 1
    with pytest.raises(BadInput, match="that of an event of an agency"):
        type_of_schema(marker)


def test_a_record_that_is_no_event_is_one_bad_record_among_good_ones() -> None:
    misplaced = BODY.replace(b"case/A", b"cose/A")
    one, bad, other = entries(file_of(CONTACT.canonical, (1, BODY), (2, misplaced + BODY)))
    assert [isinstance(each, Found) for each in (one, bad, other)] == [True, False, True]
    assert isinstance(bad, BadLine)
    assert bad.line == 2
    assert bad.reason.startswith("subject: expected case/ID")


def test_where_records_cannot_be_told_apart_the_rest_of_their_block_is_lost_and_no_other() -> None:
    found = entries(file_of(CONTACT.canonical, (3, BODY + b"\xff" * 30), (1, BODY)))
    assert [(one.line, isinstance(one, Found)) for one in found] == [
        (1, True),
        (2, False),
        (4, True),
    ]
    assert isinstance(found[1], BadLine)
    assert "records up to number 3, told apart" in found[1].reason


def test_a_block_with_more_bytes_than_its_records_is_told() -> None:
    assert (
        "no more than 1 records, found"
        in the_bad(file_of(CONTACT.canonical, (1, BODY + BODY))).reason
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "file: expected 4 bytes more, found its end"),
        (b"{}{}{}", "file: expected an Avro object container file"),
        (file_of(CONTACT.canonical, (1, BODY))[:-1], "file: expected 1 bytes more"),
        (file_of(CONTACT.canonical, (1, BODY))[:-20], "file: expected"),
        (file_of(CONTACT.canonical, (1, BODY))[:-1] + b"x", "the file's sync marker"),
        (file_of(CONTACT.canonical, codec_name=b"snappy"), "codec: expected null or deflate"),
        (file_of(CONTACT.canonical) + long(-1) + long(5), "block: expected records in"),
        (file_of(CONTACT.canonical) + long(1) + long(2**40), "block: expected records in"),
        (b"Obj\x01" + long(2**40) + long(2**50), "header: expected 1048576 bytes at most"),
        (b"Obj\x01" + long(2**60) + long(1) * 3_000_000, "header: expected 1048576 bytes"),
        (b"Obj\x01" + b"\xff" * 20, "number: expected 10 bytes at most"),
    ],
)
def test_a_broken_container_is_told_and_not_decoded(raw: bytes, reason: str) -> None:
    assert reason in the_bad(raw).reason


def test_a_block_that_inflates_beyond_measure_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(container, "MAX_BLOCK", 100_000)
    deflate = zlib.compressobj(wbits=-15)
    bomb = deflate.compress(bytes(1_000_000)) + deflate.flush()
    bad = the_bad(file_of(CONTACT.canonical, (10**12, bomb), codec_name=b"deflate"))
    assert bad.reason.startswith("block: expected 100000 bytes at most when inflated")


GOOD = file_of(CONTACT.canonical, (2, BODY * 2), (1, BODY))


@given(st.data())
def test_whatever_bytes_are_changed_the_reader_gives_events_or_says_why_not(
    data: st.DataObject,
) -> None:
    at = data.draw(st.integers(0, len(GOOD)))
    rest = data.draw(st.integers(0, 4))
    raw = GOOD[:at] + data.draw(st.binary(max_size=4)) + GOOD[at + rest :]
    for one in entries(raw):
        assert isinstance(one, Found | BadLine)
