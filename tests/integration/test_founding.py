"""Founding a ledger on real Kafka: once, whole, and however often it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from runut.adapters import kafka
from runut.adapters.topics import create_topics
from runut.catalogue import catalogue
from runut.directory import Ledger
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.errors import LedgerMismatch, Unreachable
from runut.founding import (
    create_ledger,
    default_protocol,
    found_ledger,
    make_topics,
    missing_records,
)
from runut.keystore import KeyStore
from runut.protocol import Protocol
from runut.registration import apply_directory, publish_keys
from runut.settings import Settings
from tests.builders import DIRECTORY
from tests.integration.logs import Log, read_log
from tests.ledgers import PARTITIONS

RECORDS = 3 + len(catalogue()) + 1 + 9  # ledger, agency and key, schemas, protocol, calendars


def assert_whole(log: Log) -> None:
    """A ledger that holds what every ledger holds, and nothing twice."""
    directory = log.directory.latest
    assert log.directory.rejected == {}
    assert log.directory.size == RECORDS
    assert {directory.schema_id(one.sha256) for one in catalogue()}.isdisjoint({None})
    assert directory.calendar_years() == frozenset(range(2019, 2028))
    assert log.rejected == []
    assert log.announced == dict.fromkeys(range(PARTITIONS), RECORDS - 1)


async def test_a_founded_ledger_knows_itself_its_schemas_a_protocol_and_calendars(
    settings: Settings,
) -> None:
    made = await create_ledger(settings, name="uji")
    log = await read_log(settings)
    assert_whole(log)
    root, own = KeyStore(settings.keys).root_key(), KeyStore(settings.keys).get(SYSTEM)
    assert root is not None
    assert made == Ledger(
        name="uji",
        ledger_id=made.ledger_id,
        partitions=PARTITIONS,
        root_keys=(root.public_key,),
        require_signatures=True,
        clock="BROKER",
    )
    directory = log.directory.latest
    assert directory.ledger == made
    published = directory.key(SYSTEM, own.key_id)
    assert published is not None
    assert (published.public_key, published.custody) == (own.public_key, "SELF")
    protocol = directory.protocol_at(datetime(2017, 11, 22, tzinfo=UTC))
    assert protocol is not None
    assert vars(protocol) == vars(Protocol(default_protocol().read_text()))
    # The example of events.md §6: an offer on 2025-03-26 with 3 working days.
    due = directory.calendar.nth_working_day_after(datetime(2025, 3, 26, tzinfo=UTC).date(), 3)
    assert due.isoformat() == "2025-04-09"


async def test_founding_twice_writes_nothing_twice(
    founded: Settings, schema_ids: Mapping[str, int]
) -> None:
    before = await read_log(founded)
    again = await create_ledger(founded, name="another", clock="TEST")
    after = await read_log(founded)
    assert after.records == before.records
    assert after.directory.size == before.directory.size
    assert again == before.directory.latest.ledger


@pytest.mark.parametrize("written", [None, 0, 1, 2, 40, RECORDS - 1])
async def test_a_founding_that_was_interrupted_anywhere_is_completed(
    settings: Settings, schema_ids: Mapping[str, int], written: int | None
) -> None:
    await make_topics(settings, "BROKER")
    keys = KeyStore(settings.keys)
    keys.new_root()
    async with DirectoryWriter(settings, keys, schema_ids) as writer:
        if written is not None:
            await writer.found("runut", "BROKER")
            await writer.append(list(missing_records(writer, schema_ids))[:written])
        if written == RECORDS - 1:
            await writer.announce([0])
    await found_ledger(settings, schema_ids, clock="BROKER")
    log = await read_log(settings)
    assert_whole(log)
    assert [record.partition for record in log.records] == list(range(PARTITIONS))


async def test_two_foundings_at_once_leave_one_sound_ledger(
    settings: Settings, schema_ids: Mapping[str, int]
) -> None:
    await make_topics(settings, "BROKER")
    tries = [found_ledger(settings, schema_ids, clock="BROKER") for _ in range(2)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(one, Ledger | LedgerMismatch) for one in results)
    made = await found_ledger(settings, schema_ids, clock="BROKER")
    log = await read_log(settings)
    assert log.directory.latest.ledger == made
    assert log.directory.latest.calendar_years() == frozenset(range(2019, 2028))
    assert set(log.announced.values()) == {log.directory.size - 1}
    assert {one for one in results if isinstance(one, Ledger)} <= {made}


async def test_a_partition_without_the_last_marker_is_repaired(founded: Settings) -> None:
    async with DirectoryWriter(founded, KeyStore(founded.keys)) as writer:
        agency = {"code": "kp2mi", "name_id": "a", "name_en": "b", "kind": "MINISTRY"}
        await writer.append([writer.compose("AgencyRegistered", "agency/kp2mi", agency)])
        await writer.announce([1])
        assert await writer.repair_markers() == [0, 2, 3]
        assert await writer.repair_markers() == []
    log = await read_log(founded)
    assert set(log.announced.values()) == {RECORDS}


async def test_topics_that_others_made_in_another_way_are_refused(settings: Settings) -> None:
    await create_topics(settings, "TEST")
    with pytest.raises(LedgerMismatch, match=r"message\.timestamp\.type=LogAppendTime"):
        await create_topics(settings, "BROKER")
    more = settings.model_copy(update={"partitions": PARTITIONS + 1})
    with pytest.raises(LedgerMismatch, match=f"expected {PARTITIONS + 1} partitions, found 4"):
        await create_topics(more, "TEST")


async def test_the_lost_topic_of_a_founded_ledger_is_not_made_again(founded: Settings) -> None:
    admin = AIOKafkaAdminClient(**kafka.client_options(founded))
    async with kafka.connected(founded, admin):
        await admin.delete_topics([founded.events_topic])
        while founded.events_topic in await admin.list_topics():
            continue
    with pytest.raises(LedgerMismatch, match=f"topic {founded.events_topic}: expected it"):
        await create_ledger(founded)


async def test_the_directory_is_not_written_without_its_root_key(
    founded: Settings, tmp_path: Path
) -> None:
    elsewhere = founded.model_copy(update={"data": tmp_path / "elsewhere"})
    KeyStore(elsewhere.keys).new_root()
    with pytest.raises(LedgerMismatch, match="expected a root key of the ledger runut"):
        await apply_directory(elsewhere, DIRECTORY)
    assert (await read_log(founded)).directory.size == RECORDS


async def test_a_broker_that_is_not_there_is_one_sentence(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(Unreachable, match=r"^Kafka does not answer at 127\.0\.0\.1:1; [^\n]*$"):
        await create_ledger(nowhere)


async def test_applying_a_file_again_writes_only_what_changed(
    founded: Settings, tmp_path: Path
) -> None:
    first = await apply_directory(founded, DIRECTORY)
    assert len(first) == 16  # all but runut, which founding registered
    assert await apply_directory(founded, DIRECTORY) == []
    changed = tmp_path / "changed.toml"
    text = DIRECTORY.read_text().replace('roles = ["OBSERVER"]', "roles = []")
    mandate = '[[mandate]]\nagency = "kp2mi"\nfunction = "placement"\nbasis = "Perpres 165/2024"\n'
    changed.write_text(f"{text}\n{mandate}valid_from = 2024-11-05T00:00:00+07:00\n")
    assert await apply_directory(founded, changed) == ["agency/sbmi", "agency/kp2mi"]
    assert await apply_directory(founded, changed) == []
    log = await read_log(founded)
    directory = log.directory.latest
    assert (sbmi := directory.agency("sbmi")) is not None
    assert sbmi.roles == frozenset()
    assert [one.function for one in directory.mandates("kp2mi")] == ["placement"]
    assert set(log.announced.values()) == {log.directory.size - 1}


async def test_a_key_is_made_only_where_there_is_no_usable_one(ledger: Settings) -> None:
    keys = KeyStore(ledger.keys)
    old = keys.get("kp2mi")
    assert await publish_keys(ledger, ["kp2mi", "kemlu"]) == []
    async with DirectoryWriter(ledger, keys) as writer:
        revoked = {
            "agency": "kp2mi",
            "key_id": old.key_id,
            "revoked_at": datetime.now(UTC),
            "reason": "lost",
        }
        await writer.publish([writer.compose("AgencyKeyRevoked", "agency/kp2mi", revoked)])
    (new,) = await publish_keys(ledger)
    assert (new.agency, keys.get("kp2mi").key_id) == ("kp2mi", new.key_id)
    left_over = keys.new("kp2mi")  # as by a run that was killed before it published
    assert await publish_keys(ledger, ["kp2mi"]) == []
    log = await read_log(ledger)
    assert log.directory.latest.key("kp2mi", left_over.key_id) is None
    published = log.directory.latest.key("kp2mi", new.key_id)
    assert published is not None
    assert published.custody == "GATEWAY"
