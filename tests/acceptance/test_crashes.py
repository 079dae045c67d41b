"""Crash safety with real processes: whatever is killed when, nothing is lost, nothing doubled.

At the end of each test the log holds all that was sent, and the read models are an offline fold
of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka.structs import TopicPartition

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from runut import Producer, Receipt
from runut.adapters import kafka
from runut.event import Event
from runut.json_form import from_json
from runut.settings import Settings
from tests.acceptance.many_cases import case_lines
from tests.acceptance.processes import Command, started, until
from tests.acceptance.read_models import ReadModels, identity, read_models
from tests.integration.logs import Log, read_log
from tests.ledgers import found, introduce_agencies, own_settings

pytestmark = pytest.mark.timeout(900)

WORKER_KILLS = 20
SAME_GROUP = {6, 13}
"""Kills after which the next worker is in the same group: Kafka waits 10 s for the dead one."""
IMPORT_KILLS = 5
MAX_DELAY_S = 0.2

BLOWS = (
    ("kafka", signal.SIGKILL),
    ("postgres", signal.SIGQUIT),  # immediate shutdown
    ("postgres", signal.SIGKILL),
)
TROUBLE = """
CREATE TABLE trouble (is_full boolean, pause_s float);
CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM trouble WHERE is_full) THEN
        RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END IF;
    PERFORM pg_sleep(pause_s) FROM trouble;
    RETURN NULL;
END $$;
CREATE TRIGGER trouble BEFORE INSERT ON history FOR EACH STATEMENT EXECUTE FUNCTION trouble();
"""


@pytest.fixture
async def settings(platform: Endpoints, tmp_path: Path) -> Settings:
    """Settings of a ledger of its own in the session's platform."""
    return await ledger_in(platform, tmp_path)


@pytest.fixture
async def models(settings: Settings) -> AsyncIterator[ReadModels]:
    """Its read models."""
    async with read_models(settings) as models:
        yield models


async def ledger_in(platform: Endpoints, data: Path, replication: int = 1) -> Settings:
    """Found a ledger that knows the scenarios' agencies and holds a key of each."""
    settings = own_settings(platform, data, replication=replication)
    await found(settings)
    await introduce_agencies(settings)
    return settings


def in_a_group_of_its_own(settings: Settings, name: object) -> Settings:
    """Settings of a worker whom Kafka gives all partitions, whoever has them already."""
    return settings.model_copy(update={"worker_group": f"{settings.worker_group}-{name}"})


async def log_size(settings: Settings) -> int:
    """How many records the events topic has."""
    places = [TopicPartition(settings.events_topic, one) for one in range(settings.partitions)]
    consumer = kafka.consumer(settings)
    async with kafka.connected(settings, consumer):
        return sum((await kafka.end_offsets(settings, consumer, places)).values())


async def is_longer(settings: Settings, before: int) -> bool:
    """Whether the events topic has more records than before."""
    return await log_size(settings) > before


async def is_another(platform: Platform, part: str, pid: int) -> bool:
    """Whether a part was started again."""
    return platform.pids.get(part, pid) != pid


async def until_all_is_projected(
    importing: Command, models: ReadModels, worker: Command, lines: list[bytes]
) -> None:
    """Let the import end, which sent all lines, and the worker catch up with it."""
    summary = await importing.document()
    assert (summary["published"], summary["bad"]) == (len(lines), 0)
    await until(partial(models.is_past, summary["ends"]), "all to be projected", worker)


async def test_a_worker_killed_twenty_times_during_an_import_projects_every_event_exactly_once(
    settings: Settings, models: ReadModels
) -> None:
    chance, lines = random.Random(20), case_lines(copies=10)
    share, interrupted = len(lines) // WORKER_KILLS, 0
    async with started(settings, "import", "-", "--json", is_fed=True) as importing:
        for kill in range(WORKER_KILLS):
            group = kill - 1 if kill in SAME_GROUP else kill
            async with started(in_a_group_of_its_own(settings, group), "worker") as worker:
                await until(partial(models.is_claimed, kill + 1), "all to be claimed", worker)
                giving = importing.give(lines[kill * share : (kill + 1) * share])
                # Some moments before anything is projected, some amid it, some behind.
                await asyncio.sleep(2 * MAX_DELAY_S * chance.random() ** 2)
                await worker.kill()
            interrupted += await models.projected() < (kill + 1) * share
            await giving
        async with started(settings, "worker") as worker:
            await until_all_is_projected(importing, models, worker, lines)
            # All may be projected before it starts, and what starts hears no signal yet.
            await until(partial(models.is_claimed, WORKER_KILLS + 1), "all to be claimed", worker)
            assert await worker.stop() == 0
    log = await models.check(lines)
    assert len(log.events) == len(lines)
    assert interrupted, "expected kills to come while there was work"


async def test_an_import_killed_and_repeated_loses_no_event_and_counts_none_twice(
    settings: Settings, models: ReadModels
) -> None:
    chance, lines = random.Random(5), case_lines(copies=3)
    async with started(settings, "worker") as worker:
        for _ in range(IMPORT_KILLS):
            async with started(settings, "import", "-", "--json", is_fed=True) as importing:
                before = await log_size(settings)
                giving = importing.give(lines)
                await until(partial(is_longer, settings, before), "events in the log", importing)
                await asyncio.sleep(chance.uniform(0, MAX_DELAY_S))
                await importing.kill()
            await giving
        async with started(settings, "import", "-", "--json", is_fed=True) as importing:
            await importing.give(lines)
            await until_all_is_projected(importing, models, worker, lines)
    log = await models.check(lines)
    assert len(log.events) > len(lines)
    # Of an agency that nobody knows each is irregular, and none ever counts.
    counted = await models.ask(
        "SELECT count(*) FILTER (WHERE verdict <> 'DUPLICATE') FROM history "
        "WHERE signature = 'VALID' GROUP BY subject, agency, event_id"
    )
    assert counted is not None
    assert {found for (found,) in counted} == {1}


async def test_of_two_workers_that_own_one_partition_the_older_stops_with_a_clear_word(
    settings: Settings, models: ReadModels
) -> None:
    lines = case_lines(copies=1)
    half = len(lines) // 2
    async with (
        started(settings, "import", "-", "--json", is_fed=True) as importing,
        started(settings, "worker") as older,
    ):
        await until(partial(models.is_claimed, 1), "all to be claimed", older)
        await importing.give(lines[:half])
        async with started(in_a_group_of_its_own(settings, "another"), "worker") as newer:
            await until(partial(models.is_claimed, 2), "all to be claimed again", newer)
            await importing.give(lines[half:])
            await until_all_is_projected(importing, models, newer, lines)
            assert await older.ended() == 1
            assert "is no longer owned in epoch 1: stopping" in older.log
            assert await newer.stop() == 0
    await models.check(lines)


async def test_worker_and_import_go_on_by_themselves_when_broker_and_database_come_back(
    tmp_path: Path,
) -> None:
    lines = case_lines(copies=4)
    share = len(lines) // (len(BLOWS) + 1)
    running = Platform(Settings(data=tmp_path / "platform"), restarts=5, show=Show(quiet=True))
    async with running as platform:
        settings = await ledger_in(await platform.start(), tmp_path)
        async with (
            read_models(settings) as models,
            started(settings, "import", "-", "--json", is_fed=True) as importing,
            started(settings, "worker") as worker,
        ):
            await until(partial(models.is_claimed, 1), "all to be claimed", worker)
            for n, (part, blow) in enumerate(BLOWS):
                before, pid = await models.projected(), platform.pids[part]
                giving = importing.give(lines[n * share : (n + 1) * share])
                await until(partial(models.has_moved, before), "positions to move", worker)
                os.kill(pid, blow)
                await until(partial(is_another, platform, part, pid), f"{part} back", worker)
                await giving
            await importing.give(lines[len(BLOWS) * share :])
            await until_all_is_projected(importing, models, worker, lines)
            assert await worker.stop() == 0
            await models.check(lines)


async def test_of_three_brokers_one_killed_under_load_takes_no_acknowledged_event_with_it(
    tmp_path: Path,
) -> None:
    events = [from_json(line) for line in case_lines(copies=10)]
    running = Platform(Settings(data=tmp_path / "platform"), brokers=3, show=Show(quiet=True))
    async with running as platform:
        settings = await ledger_in(await platform.start(), tmp_path, replication=3)
        async with Producer(settings, require_keys=False) as producer:
            sent = [await producer.send(event) for event in events[: len(events) // 2]]
            await sent[len(events) // 10]
            os.kill(platform.pids["kafka-2"], signal.SIGKILL)
            sent += [await producer.send(event) for event in events[len(events) // 2 :]]
            receipts = await asyncio.gather(*sent)
        check_receipts(await read_log(settings), events, receipts)


def check_receipts(log: Log, events: list[Event], receipts: list[Receipt]) -> None:
    """Each event is where its receipt says, and those of a subject are in the order of sending."""
    there = {(one.partition, one.offset): identity(one.event) for one in log.events}
    ends: dict[str, tuple[int, int]] = {}
    for event, receipt in zip(events, receipts, strict=True):
        place = (receipt.partition, receipt.offset)
        assert there[place] == identity(event)
        assert ends.get(event.subject, (place[0], -1)) < place < (place[0] + 1, 0)
        ends[event.subject] = place


async def test_a_full_disk_and_a_slow_database_hold_the_worker_up_and_lose_nothing(
    settings: Settings, models: ReadModels
) -> None:
    lines = case_lines(copies=1)
    await models.ask(TROUBLE)
    await models.ask("INSERT INTO trouble VALUES (true, 0)")
    async with (
        started(settings, "import", "-", "--json", is_fed=True) as importing,
        started(settings, "worker") as worker,
    ):
        await importing.give(lines)
        await until(partial(says, worker, "No space left", 3), "to try again and again", worker)
        assert await models.ask("SELECT count(*) FROM history") == [(0,)]
        await models.ask("UPDATE trouble SET is_full = false, pause_s = 0.3")
        await until_all_is_projected(importing, models, worker, lines)
        await until(partial(says, worker, "database writes again", 1), "to say so", worker)
        assert await worker.stop() == 0
    await models.check(lines)


async def says(command: Command, word: str, times: int) -> bool:
    """Whether a command wrote something so often."""
    return command.log.count(word) >= times
