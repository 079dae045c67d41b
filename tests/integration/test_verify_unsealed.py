"""The live ledger verified where seals do not have all that the log holds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from audit.live import verify_ledger
from audit.offline import lines
from audit.verify import VerificationFailed
from consumers import sealer
from projections.seals.known import StoredTree
from runut.adapters import kafka
from runut.directory import Ledger
from runut.settings import Settings
from tests.integration.sealing_stage import DEADLINE_S, published, seal_all, sealing, write
from tests.ledgers import PARTITIONS


@pytest.fixture
def hasty(ledger: Settings) -> Settings:
    """A ledger whose sealer makes nobody wait."""
    return ledger.model_copy(update={"seal_interval_s": 0.01})


async def test_a_partition_that_seals_do_not_have_is_missed(
    hasty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, left_out = sealer.trees_of, (hasty.events_topic, 3)

    def fewer(settings: Settings, founded: Ledger) -> list[StoredTree]:
        found = genuine(settings, founded)
        return [one for one in found if (one.topic, one.partition) != left_out]

    monkeypatch.setattr(sealer, "trees_of", fewer)
    await seal_once(hasty)
    match = f"step 4, .*: trees of seal .* one of each of .* found none of {left_out[0]}/3"
    with pytest.raises(VerificationFailed, match=match):
        await verify_ledger(hasty, None, full=True)


async def test_what_awaits_a_seal_is_said_when_it_is_late(hasty: Settings) -> None:
    await seal_all(hasty)
    await end_in_a_control_record(hasty, 1)
    await seal_once(hasty)
    found = await verify_ledger(hasty, None, full=True)
    assert (found.checks[3].status, found.missing, found.result) == ("HOLDS", [], "UNANCHORED")
    await write(hasty, "LATE", PARTITIONS)
    found = await verify_ledger(hasty, None)
    assert (found.checks[3].status, found.missing) == ("HOLDS", [])
    later = datetime.now(UTC) + timedelta(minutes=16)
    found = await verify_ledger(hasty, None, now=later)
    check = found.checks[3]
    assert check.status == "NOT_SHOWN"
    assert f"NOT SEALED: {hasty.events_topic}/" in check.says
    assert (found.result, len(found.missing)) == ("INCOMPLETE", 1)
    assert list(lines(found))[-1].startswith("INCOMPLETE: ")


async def test_records_in_a_partition_that_was_added_are_found(hasty: Settings) -> None:
    await seal_all(hasty)
    admin = AIOKafkaAdminClient(**kafka.client_options(hasty))
    async with kafka.connected(hasty, admin):
        await admin.create_partitions({hasty.events_topic: NewPartitions(PARTITIONS + 1)})
    await verify_ledger(hasty, None)
    producer = kafka.producer(hasty)
    async with kafka.connected(hasty, producer):
        await producer.send_and_wait(
            hasty.events_topic, b"hello", key=b"case/LOST", partition=PARTITIONS
        )
    match = f"partitions of {hasty.events_topic}: .*, found 1 records in .*/{PARTITIONS}"
    for full in (False, True):
        with pytest.raises(VerificationFailed, match=match):
            await verify_ledger(hasty, None, full=full)


async def seal_once(settings: Settings) -> None:
    """Run a sealer until there is one seal more."""
    before = len(await published(settings))
    async with sealing(settings) as running, asyncio.timeout(DEADLINE_S):
        while len(await published(settings)) == before:
            if running.done():
                await running
            await asyncio.sleep(0.1)


async def end_in_a_control_record(settings: Settings, partition: int) -> None:
    """Have a partition's last offset hold no record."""
    options = kafka.client_options(settings)
    producer = AIOKafkaProducer(**options, transactional_id=f"{settings.events_topic}.end")
    async with kafka.connected(settings, producer), producer.transaction():
        await producer.send_and_wait(settings.events_topic, b"", key=b"case/X", partition=partition)
