"""Emitting events into a real ledger: receipts, signatures, order, and what breaks on the way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from runut import Producer, Receipt
from runut import producer as producer_module
from runut.adapters import kafka
from runut.adapters.topics import topic_configs
from runut.errors import (
    BadInput,
    FieldError,
    LedgerMismatch,
    MissingKey,
    NotOpen,
    NotRecorded,
    Unreachable,
)
from runut.event import Event
from runut.event_ids import new_event_id
from runut.events import LetterReceived
from runut.founding import found_ledger, make_topics
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.lanes import Room
from runut.outgoing import Draft, Envelope, Outgoing
from runut.partitioner import partition_of
from runut.registration import apply_directory, publish_keys
from runut.settings import Settings
from runut.signing import SignedBy, event_digest, read_headers
from tests.builders import DIRECTORY
from tests.integration.logs import read_log
from tests.ledgers import PARTITIONS

AGENCIES = ("kp2mi", "kemlu", "polri")
DEADLINE_S = 60.0
MAY_8 = datetime(2025, 5, 8, 3, tzinfo=UTC)


def contact(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A ContactLogged in its JSON form, its contact_id by number."""
    data = {
        "contact_id": f"c-{number}",
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": ["kemnaker"],
        "summary": "Ditelepon.",
    }
    given = {"type": "ContactLogged", "subject": "case/A", "agency": "kp2mi", "data": data}
    return {**given, "occurred_at": MAY_8, **changed}


def contacts(count: int, subjects: int) -> list[Event]:
    """Events of several agencies on several subjects, numbered in the order of the list."""
    return [
        from_json(contact(n, subject=f"case/S{n % subjects}", agency=AGENCIES[n // 7 % 3]))
        for n in range(count)
    ]


async def test_a_receipt_says_where_the_event_stands_and_what_was_signed(
    ledger: Settings,
) -> None:
    before = datetime.now(UTC)
    async with Producer(ledger) as producer:
        receipt = await producer.emit(
            "ContactLogged",
            subject="case/KP2MI-2025-0001",
            agency="kp2mi",
            data=contact()["data"],
            occurred_at=MAY_8,
            channel="CALL",
        )
    log = await read_log(ledger)
    (recorded,) = log.events
    (raw,) = [one for one in log.records if one.key == b"case/KP2MI-2025-0001"]
    ledger_id = log.directory.latest.ledger.ledger_id if log.directory.latest.ledger else b""
    signed = read_headers(raw.headers)
    assert isinstance(signed, SignedBy)
    assert recorded.signature == "VALID"
    assert (recorded.event.occurred_at, recorded.event.meta["channel"]) == (MAY_8, "CALL")
    assert receipt == Receipt(
        event_id=recorded.event.event_id,
        subject=recorded.event.subject,
        topic=ledger.events_topic,
        partition=partition_of(b"case/KP2MI-2025-0001", PARTITIONS),
        offset=recorded.offset,
        recorded_at=recorded.recorded_at,
        event_digest=event_digest(
            ledger_id,
            signed.signature.nonce,
            log.directory.latest.schema(recorded.schema_id).sha256,  # type: ignore[union-attr]
            recorded.event.subject,
            recorded.body,
        ),
    )
    assert before - timedelta(seconds=1) < receipt.recorded_at


async def test_occurred_at_is_now_where_it_is_not_given(ledger: Settings) -> None:
    before = datetime.now(UTC)
    async with Producer(ledger) as producer:
        await producer.emit(
            "ContactLogged", subject="case/A", agency="kp2mi", data=contact()["data"]
        )
    (recorded,) = (await read_log(ledger)).events
    assert before <= recorded.event.occurred_at <= datetime.now(UTC)


async def test_events_of_a_subject_keep_their_order_over_batches_and_agencies(
    ledger: Settings,
) -> None:
    events = contacts(5_000, subjects=7)
    async with Producer(ledger) as producer:
        futures = [await producer.send(event) for event in events]
        receipts = await asyncio.gather(*futures)
    log = await read_log(ledger)
    assert log.rejected == []
    assert {one.signature for one in log.events} == {"VALID"}
    stored = {(one.partition, one.offset): one.event.event_id for one in log.events}
    assert {(one.partition, one.offset): one.event_id for one in receipts} == stored
    for subject in {event.subject for event in events}:
        sent = [event.event_id for event in events if event.subject == subject]
        assert [one.event.event_id for one in log.on_subject(subject)] == sent


async def test_events_that_wait_together_share_signatures(ledger: Settings) -> None:
    async with Producer(ledger) as producer:
        futures = [await producer.send(event) for event in contacts(2_000, subjects=9)]
        await asyncio.gather(*futures)
    log = await read_log(ledger)
    found = [read_headers(one.headers) for one in log.records if one.key != b"case"]
    batches = {one.signature.signed_root for one in found if isinstance(one, SignedBy)}
    assert {one.signature for one in log.events} == {"VALID"}
    # 2,000 events of three agencies are signed together, or in few groups; markers add a few.
    assert len(batches) < 40


async def test_who_sends_alone_waits_for_nobody_to_share_a_signature_with(
    ledger: Settings,
) -> None:
    async with Producer(ledger, linger_s=3600) as producer, asyncio.timeout(60):
        await producer.emit_json(contact(1))
        await asyncio.gather(*(producer.emit_json(contact(number)) for number in (2, 3, 4)))
    log = await read_log(ledger)
    places = {(one.partition, one.offset) for one in log.events}
    of_events = [one for one in log.records if (one.partition, one.offset) in places]
    found = [read_headers(one.headers) for one in of_events]
    assert [one.signature.size for one in found if isinstance(one, SignedBy)] == [1, 3, 3, 3]


async def test_leaving_the_block_waits_for_what_was_sent(ledger: Settings) -> None:
    async with Producer(ledger) as producer:
        future = await producer.send(from_json(contact()))
    assert future.result().offset == (await read_log(ledger)).events[0].offset


async def test_an_event_whose_receiver_went_away_is_recorded_all_the_same(
    ledger: Settings,
) -> None:
    async with Producer(ledger) as producer:
        (await producer.send(from_json(contact(1)))).cancel()
        receipt = await producer.emit_json(contact(2))
    log = await read_log(ledger)
    assert [one.event.data["contact_id"] for one in log.events] == ["c-1", "c-2"]
    assert log.events[1].offset == receipt.offset


async def test_what_is_no_event_of_an_agency_is_refused_by_name(ledger: Settings) -> None:
    async with Producer(ledger) as producer:
        with pytest.raises(FieldError, match=r"^data\.mode: expected one of PHONE"):
            await producer.emit_json(contact(data={**contact()["data"], "mode": "FAX"}))
        with pytest.raises(FieldError, match=r"^subject: expected"):
            await producer.emit_json(contact(subject="letter/A"))
        with pytest.raises(FieldError, match=r"^colour: expected a known field"):
            await producer.emit("ContactLogged", **contact(colour="red", type="ContactLogged"))
        with pytest.raises(BadInput, match="262139 bytes at most"):
            await producer.emit_json(contact(data={**contact()["data"], "summary": "x" * 300_000}))
        event = from_json(contact())
        with pytest.raises(BadInput, match=r"^subject: expected case/ID"):
            await producer.send(Event(event.type, {**event.meta, "subject": "A"}, event.data))
        marker = {"offset": 1, "root": b"\x00" * 32}
        with pytest.raises(BadInput, match=r"^type: expected an event of an agency"):
            await producer.emit_json(
                contact(type="DirectoryAdvanced", subject="directory/0", data=marker)
            )
    assert (await read_log(ledger)).events == []


async def test_an_agency_without_a_usable_key_is_refused(ledger: Settings) -> None:
    async with Producer(ledger) as producer:
        with pytest.raises(MissingKey, match="no signing key for agency stranger"):
            await producer.emit_json(contact(agency="stranger"))
        KeyStore(ledger.keys).new("stranger")  # but nobody published it
        with pytest.raises(MissingKey, match="no signing key for agency stranger"):
            await producer.emit_json(contact(agency="stranger"))


async def test_keys_are_not_required_where_unsigned_events_may_go(ledger: Settings) -> None:
    nowhere = KeyStore(ledger.data / "none")
    async with Producer(ledger, nowhere, require_keys=False) as producer:
        receipt = await producer.emit_json(contact())
    assert receipt.event_digest is None
    assert [one.signature for one in (await read_log(ledger)).events] == ["MISSING"]


async def test_a_key_that_is_published_later_is_found(founded: Settings) -> None:
    async with Producer(founded) as producer:
        with pytest.raises(MissingKey):
            await producer.emit_json(contact())
        await apply_directory(founded, DIRECTORY)
        await publish_keys(founded, ["kp2mi"])
        await producer.emit_json(contact())
    assert [one.signature for one in (await read_log(founded)).events] == ["VALID"]


async def test_an_older_key_signs_where_the_newest_is_not_published(ledger: Settings) -> None:
    KeyStore(ledger.keys).new("kp2mi")
    async with Producer(ledger) as producer:
        await producer.emit_json(contact())
    assert [one.signature for one in (await read_log(ledger)).events] == ["VALID"]


async def test_a_broken_idempotent_producer_is_replaced_and_order_is_kept(
    ledger: Settings,
) -> None:
    events = contacts(3_000, subjects=5)
    async with Producer(ledger) as producer:
        futures = [await producer.send(event) for event in events[:1000]]
        await asyncio.gather(*futures)
        broken = producer._delivery._line
        assert broken is not None
        for partition in range(PARTITIONS):
            # What a lost batch leaves behind: the next sequence is not the one Kafka expects.
            place = TopicPartition(ledger.events_topic, partition)
            broken.producer._txn_manager.increment_sequence_number(place, 1)
        futures += [await producer.send(event) for event in events[1000:]]
        await asyncio.gather(*futures)
        assert producer._delivery._line is not broken
    log = await read_log(ledger)
    for subject in {event.subject for event in events}:
        sent = [event.event_id for event in events if event.subject == subject]
        stored = list(dict.fromkeys(one.event.event_id for one in log.on_subject(subject)))
        assert stored == sent


async def set_topic(settings: Settings, **changed: str) -> None:
    """Configure the events topic as a ledger's, but for what is given."""
    configs = topic_configs(settings, "BROKER") | changed
    admin = AIOKafkaAdminClient(**kafka.client_options(settings))
    async with kafka.connected(settings, admin):
        topic = ConfigResource(ConfigResourceType.TOPIC, settings.events_topic, configs)
        await admin.alter_configs([topic])


async def test_a_batch_that_kafka_keeps_refusing_fails_with_all_that_waits_behind_it(
    ledger: Settings,
) -> None:
    async with Producer(ledger) as producer:
        await set_topic(ledger, **{"max.message.bytes": "100"})
        refused = [await producer.send(from_json(contact(n))) for n in (1, 2)]
        results = await asyncio.gather(*refused, return_exceptions=True)
        await set_topic(ledger)
        assert [type(one) for one in results] == [NotRecorded, NotRecorded]
        assert "MessageSizeTooLarge" in str(results[0])
        await producer.emit_json(contact(3))
    log = await read_log(ledger)
    assert [one.event.data["contact_id"] for one in log.events] == ["c-3"]


async def test_without_a_broker_there_is_one_sentence(ledger: Settings) -> None:
    nowhere = ledger.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(Unreachable, match=r"^Kafka does not answer at 127\.0\.0\.1:1; [^\n]*$"):
        await Producer(nowhere).__aenter__()


async def test_without_a_ledger_there_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(LedgerMismatch, match="found a ledger first: runut ledger create"):
        await Producer(settings).__aenter__()
    await make_topics(settings, "BROKER")
    with pytest.raises(LedgerMismatch, match="the directory holds no founded ledger"):
        await Producer(settings).__aenter__()


async def test_in_a_test_ledger_records_have_the_times_they_are_given(
    settings: Settings, schema_ids: dict[str, int]
) -> None:
    await make_topics(settings, "TEST")
    await found_ledger(settings, schema_ids, clock="TEST")
    await apply_directory(settings, DIRECTORY)
    await publish_keys(settings, ["kp2mi"])
    later = MAY_8 + timedelta(days=3)
    async with Producer(settings) as producer:
        first = await producer.emit_json(contact(1))
        second = await (await producer.send(from_json(contact(2)), recorded_at=later))
    log = await read_log(settings)
    assert [first.recorded_at, second.recorded_at] == [MAY_8, later]
    assert [one.recorded_at for one in log.events] == [MAY_8, later]
    assert [one.signature for one in log.events] == ["VALID", "VALID"]
    assert log.rejected == []


async def test_where_the_brokers_clock_counts_no_time_is_given(ledger: Settings) -> None:
    async with Producer(ledger) as producer:
        with pytest.raises(BadInput, match=r"^recorded_at: expected none"):
            await producer.send(from_json(contact()), recorded_at=MAY_8)


async def test_an_event_sent_again_has_the_same_id(ledger: Settings) -> None:
    event_id = new_event_id()
    async with Producer(ledger) as producer:
        receipts = [await producer.emit_json(contact(event_id=event_id)) for _ in range(2)]
    assert {one.event_id for one in receipts} == {event_id}
    assert len({one.offset for one in receipts}) == 2


async def test_a_cancelled_block_does_not_wait(ledger: Settings) -> None:
    receipts: list[asyncio.Future[Receipt]] = []

    async def emitting() -> None:
        async with Producer(ledger) as producer:
            receipts.append(await producer.send(from_json(contact())))
            # As if the task were cancelled now: the loop has had no turn to send anything.
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await emitting()
    assert receipts[0].cancelled()


async def demand_closed(producer: Producer, accepted: Draft, signed: Outgoing) -> None:
    """Whatever it is asked to do, it says that it is not open."""
    event = accepted.event
    for use in (
        lambda: producer.emit_json(contact(1)),
        lambda: producer.emit(LetterReceived(letter_id="L"), subject="case/A", agency="kp2mi"),
        lambda: producer.emit_event(event),
        lambda: producer.send(event),
        lambda: producer.send(event, recorded_at=MAY_8),
        lambda: producer.send_draft(accepted),
        lambda: producer.send_draft(accepted, recorded_at=MAY_8),
        lambda: producer.forward(signed),
        producer.flush,
        producer.read_directory,
    ):
        with pytest.raises(NotOpen, match=r"^Producer: it is not open$"):
            await use()
    for look in (lambda: producer.draft(event), lambda: producer.directories):
        with pytest.raises(NotOpen, match=r"^Producer: it is not open$"):
            look()


async def test_what_is_not_open_yet_or_no_more_says_so_and_sends_nothing(ledger: Settings) -> None:
    event = from_json(contact(1))
    async with Producer(ledger) as producer:
        draft = producer.draft(event)
        envelope = Envelope.of(producer.directories.latest)
        (signed,) = envelope.seal([draft], KeyStore(ledger.keys).get("kp2mi").signer())
        await producer.emit_json(contact(0))
        late = asyncio.create_task(producer.emit_event(event))  # begins when it is closing
    with pytest.raises(NotOpen):
        await late
    await demand_closed(producer, draft, signed)
    await demand_closed(Producer(ledger), draft, signed)
    assert [one.event.data["contact_id"] for one in (await read_log(ledger)).events] == ["c-0"]


async def test_who_waits_for_room_when_it_is_closed_is_told_so(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer_module, "Room", lambda: Room(max_events=1))
    producer = await Producer(ledger).__aenter__()
    under_way = await producer.send(from_json(contact(1)))
    sending = [asyncio.create_task(producer.send(one)) for one in contacts(3, 3)]
    await asyncio.sleep(0)
    await producer.__aexit__(asyncio.CancelledError, None, None)  # does not wait for what is sent
    assert under_way.cancelled()
    async with asyncio.timeout(DEADLINE_S):
        found = await asyncio.gather(*sending, return_exceptions=True)
    assert [type(one) for one in found] == [NotOpen] * 3
