"""A year of 2,000 cases: whatever is killed when, each limit that passes is spoken of once.

The ledger has a test clock, so that the year takes minutes. Every evening the workers have to have
said what `tests.deadline_reference` says; at the end the log has to hold that and no more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from embedded.platform import Endpoints
from projections.install import install
from runut import Producer
from runut.adapters.postgres import Connection, connected
from runut.json_form import from_json
from runut.settings import Settings
from tests.acceptance.processes import Command, started, until
from tests.deadline_reference import Json, Reference, Reminder, Said
from tests.fold_check import check_against_fold
from tests.integration.logs import read_log
from tests.ledgers import own_settings
from tests.timed import Timed, found_timed, is_reminded
from tests.year_of_cases import EVENING, MORNING, days, year_of_cases

pytestmark = pytest.mark.timeout(900)

CASES = 2000
SEED = 5
KILLS = 20
THREE_FROM = 180
"""Day from which on three workers run at once."""
LEADER_DIES = {20, 60}
"""Days after that. Kafka waits 10 s for a dead worker, so that these are few."""
MAX_DELAY_S = 0.3
FIRST_EVENING = datetime.combine(days()[0] - timedelta(days=1), EVENING)

Mornings = list[tuple[date, list[Json]]]


class Year:
    """The ledger through the year, beside what it should come to."""

    def __init__(self, connection: Connection, producer: Producer) -> None:
        self.reference = Reference(FIRST_EVENING)
        self._connection = connection
        self._producer = producer
        self._timed = Timed(producer)

    async def begin(self, *workers: Command) -> None:
        """Let time begin, and be noticed."""
        await self._timed.pass_to(FIRST_EVENING)
        await self.until_said(*workers)

    async def morning(self, day: date, events: list[Json]) -> None:
        """Agencies act."""
        self.reference.morning(events)
        at = datetime.combine(day, MORNING)
        sent = [await self._producer.send(from_json(one), recorded_at=at) for one in events]
        await asyncio.gather(*sent)

    async def evening(self, day: date) -> None:
        """Limits pass."""
        now = datetime.combine(day, EVENING)
        self.reference.evening(now)
        await self._timed.pass_to(now)

    async def until_said(self, *workers: Command) -> None:
        """Wait until the workers have said what there is to say by now, and reminded everybody."""
        try:
            await until(self._is_said, "everything to be said", *workers)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{await self._difference()}") from None

    async def said(self) -> list[Said]:
        """What the ledger itself said, as far as it had an effect."""
        cursor = await self._connection.execute(
            "SELECT type, subject, coalesce(data ->> 'commitment_id', data ->> 'transfer_id'),"
            " coalesce(data ->> 'due_at', data ->> 'arbiter',"
            " (data ->> 'to') || ' ' || (data ->> 'level'), ''), occurred_at"
            " FROM history WHERE agency = 'runut' AND verdict = 'EFFECTIVE'"
        )
        return [Said(*row) for row in await cursor.fetchall()]

    async def reminders(self) -> list[Reminder]:
        """Whom it reminded."""
        cursor = await self._connection.execute(
            "SELECT agency, subject, about, due_at FROM notice WHERE kind = 'REMINDER'"
        )
        return [Reminder(*row) for row in await cursor.fetchall()]

    async def _is_said(self) -> bool:
        if not await is_reminded(self._connection, self.reference.reminded_until):
            return False
        cursor = await self._connection.execute(
            "SELECT (SELECT count(*) FROM notice WHERE kind = 'REMINDER'), (SELECT count(*) "
            "FROM history WHERE agency = 'runut' AND verdict = 'EFFECTIVE')"
        )
        wanted = (len(self.reference.reminders), len(self.reference.said))
        return await cursor.fetchone() == wanted

    async def _difference(self) -> str:
        said, reminders = set(await self.said()), set(await self.reminders())
        wanted, to_remind = set(self.reference.said), set(self.reference.reminders)
        return (
            f"not said: {wanted - said}; said: {said - wanted}; "
            f"not reminded: {to_remind - reminders}; reminded: {reminders - to_remind}"
        )


@asynccontextmanager
async def a_year(settings: Settings) -> AsyncIterator[Year]:
    async with (
        connected(settings, name="tests", autocommit=True) as connection,
        Producer(settings) as producer,
    ):
        await install(connection, settings)
        yield Year(connection, producer)


async def test_every_limit_that_passes_is_spoken_of_once_however_often_workers_die(
    platform: Endpoints, tmp_path: Path
) -> None:
    settings = await found_timed(own_settings(platform, tmp_path))
    mornings = year_of_cases(CASES, SEED)
    async with a_year(settings) as year:
        await one_worker_at_a_time(settings, year, mornings[:THREE_FROM])
        await three_workers_at_once(settings, year, mornings[THREE_FROM:])
        await check_log(settings, year)


async def one_worker_at_a_time(settings: Settings, year: Year, mornings: Mornings) -> None:
    """Through the first part of the year with a worker that is killed again and again."""
    chance, killed = random.Random(SEED), 0
    async with AsyncExitStack() as stack:
        alone = in_a_group_of_its_own(settings, killed)
        worker = await stack.enter_async_context(started(alone, "worker"))
        await year.begin(worker)
        for number, (day, events) in enumerate(mornings):
            await year.morning(day, events)
            await year.evening(day)
            if number % (len(mornings) // KILLS) == 0 and killed < KILLS:
                await asyncio.sleep(chance.uniform(0, MAX_DELAY_S))
                await worker.kill()
                killed += 1
                alone = in_a_group_of_its_own(settings, killed)
                worker = await stack.enter_async_context(started(alone, "worker"))
            await year.until_said(worker)
        assert killed == KILLS
        assert await worker.stop() == 0


async def three_workers_at_once(settings: Settings, year: Year, mornings: Mornings) -> None:
    """Through the rest of it with three, of which the leader dies twice."""
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(started(settings, "worker")) for _ in range(3)]
        for number, (day, events) in enumerate(mornings):
            await year.morning(day, events)
            await year.evening(day)
            if number in LEADER_DIES:
                leader = next(one for one in workers if "leads the deadlines" in one.log)
                await leader.kill()
                workers.remove(leader)
                workers.append(await stack.enter_async_context(started(settings, "worker")))
            await year.until_said(*workers)
        for worker in workers:
            assert await worker.stop() == 0


def in_a_group_of_its_own(settings: Settings, name: int) -> Settings:
    """Settings of a worker whom Kafka gives all partitions, whoever had them before."""
    return settings.model_copy(update={"worker_group": f"{settings.worker_group}-{name}"})


async def check_log(settings: Settings, year: Year) -> None:
    """The log holds what the reference says, each once; the read models are the log's fold."""
    log = await read_log(settings)
    async with connected(settings, name="tests", autocommit=True) as connection:
        await check_against_fold(connection, log)
        cursor = await connection.execute(
            "SELECT DISTINCT verdict, differs FROM history"
            " WHERE agency = 'runut' AND verdict <> 'EFFECTIVE'"
        )
        # What a worker had on its way when it died may arrive when the next one has looked.
        assert set(await cursor.fetchall()) <= {("DUPLICATE", False)}
    assert sorted(await year.said()) == sorted(year.reference.said)
    assert sorted(await year.reminders()) == sorted(year.reference.reminders)
    assert {one.type for one in year.reference.said} == {
        *("CommitmentBreached", "EscalationRaised", "TransferLapsed", "TransferEscalated")
    }
