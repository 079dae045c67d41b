"""The outbox relay and its PostgreSQL, killed again and again while rows flow.

At the end the topic, read by itself, has the event of every committed row: one that counts and
else only repeats of it, for each subject in the order of its versions.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from producers.outbox.standing import standing
from projections.folds.subject import fold_subject
from runut.errors import Unreachable
from runut.event_ids import new_event_id
from runut.settings import Settings
from tests.acceptance.processes import POLL_S, Command, started, until
from tests.acceptance.test_crashes import is_another, ledger_in
from tests.integration.logs import read_log
from tests.outboxes import AGENCY, AgencyDatabase, Row, contact, insert, make_outbox, report, sent
from tests.own_postgres import own_postgres

pytestmark = pytest.mark.timeout(900)

ROWS = 20_000
KILLS = 10
"""Of a relay, and as many of its PostgreSQL."""
KAFKA_KILLS = 2
WRITERS = 4
OWN_SUBJECTS = 25
"""Of each writer, who numbers their rows; the shared ones are numbered by the outbox."""
SHARED_SUBJECTS = 50
ROWS_AT_ONCE = 10
MAX_DELAY_S = 0.2


@pytest.fixture
async def settings(platform: Endpoints, tmp_path: Path) -> Settings:
    """Settings of a ledger of its own in the session's platform."""
    return await ledger_in(platform, tmp_path)


class Writer:
    """One thread of an agency's system: commits rows, however often its database goes away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def commit(self, rows: Sequence[Row]) -> None:
        """Commit these rows in one transaction; returns when they surely are committed."""
        while not await self._try(rows):
            await self.close()
            await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _try(self, rows: Sequence[Row]) -> bool:
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
            async with self._connection.transaction():
                await insert(self._connection, *rows)
        except psycopg.OperationalError:
            return False  # perhaps they are committed: their ids tell when it is tried again
        except psycopg.errors.UniqueViolation as error:
            return error.diag.constraint_name == "outbox_pkey"
        return True


class Flow:
    """Rows that writers commit, as many as they may, until all are written."""

    def __init__(self, database: AgencyDatabase, rows: int) -> None:
        self.committed: set[str] = set()
        self._database = database
        self._rows = rows
        self._allowed = 0
        self._begun = 0
        self._more = asyncio.Condition()

    async def report_shared_cases(self) -> None:
        """Commit the first row of each shared subject, so that those after it count."""
        rows = [_row(f"case/SHARED-{n}", 1) for n in range(SHARED_SUBJECTS)]
        writer = Writer(self._database.app)
        await writer.commit(rows)
        await writer.close()
        self.committed.update(str(row.row_id) for row in rows)

    async def allow(self, rows: int) -> None:
        """Let the writers commit so many rows in all."""
        async with self._more:
            self._allowed = rows
            self._more.notify_all()

    async def write(self, number: int) -> None:
        """Commit transactions of a few rows until all are written."""
        chance, versions = random.Random(number), Counter[str]()
        writer = Writer(self._database.app)
        while await self._may_go_on():
            rows = list(_some_rows(number, chance, versions))
            await writer.commit(rows)
            self.committed.update(str(row.row_id) for row in rows)
        await writer.close()

    async def _may_go_on(self) -> bool:
        async with self._more:
            await self._more.wait_for(lambda: self._begun < self._allowed or self._is_over())
            self._begun += ROWS_AT_ONCE
            return self._begun <= self._rows

    def _is_over(self) -> bool:
        return self._begun >= self._rows


def _some_rows(writer: int, chance: random.Random, versions: Counter[str]) -> Iterable[Row]:
    for _ in range(ROWS_AT_ONCE // 2):
        own = f"case/OWN-{writer}-{chance.randrange(OWN_SUBJECTS)}"
        versions[own] += 1
        yield _row(own, versions[own])
    # In one order, as who locks several things does.
    for subject in sorted(chance.sample(range(SHARED_SUBJECTS), ROWS_AT_ONCE // 2)):
        yield _row(f"case/SHARED-{subject}", None)


def _row(subject: str, version: int | None) -> Row:
    row_id = UUID(new_event_id())
    if version == 1:
        return Row(subject, version, "CaseReported", report(), row_id=row_id)
    return Row(subject, version, payload=contact(row_id), row_id=row_id)


async def relayed(database: AgencyDatabase) -> int:
    """How many rows were sent, as the relays wrote down."""
    async with await psycopg.AsyncConnection.connect(database.owner) as connection:
        cursor = await connection.execute(
            "SELECT coalesce(sum(sent), 0)::bigint FROM runut_outbox.progress"
        )
        ((found,),) = await cursor.fetchall()
        return int(found)


async def is_moving(database: AgencyDatabase, before: int) -> bool:
    """Whether more rows were sent than before."""
    return await relayed(database) > before


async def nothing_is_unsent(database: AgencyDatabase) -> bool:
    """Whether the relays have been through all rows."""
    try:
        found = await standing(database.relay)
    except Unreachable:
        return False
    assert not found.needs_a_person, found
    return found.unsent == 0


async def committed_ids(database: AgencyDatabase) -> dict[str, list[str]]:
    """Ids of the rows that are in the outbox, of each subject in order of version."""
    found: dict[str, list[str]] = {}
    async with await psycopg.AsyncConnection.connect(database.owner) as connection:
        cursor = await connection.execute(
            "SELECT aggregatetype || '/' || aggregateid, id::text, version "
            "FROM runut_outbox.outbox ORDER BY aggregatetype, aggregateid, version"
        )
        async for subject, row_id, version in cursor:
            found.setdefault(subject, []).append(row_id)
            assert version == len(found[subject])
    return found


async def check(settings: Settings, database: AgencyDatabase, flow: Flow) -> None:
    """Every committed row is one event that counts, in order; all else that is there repeats it."""
    rows, log = await committed_ids(database), await read_log(settings)
    assert flow.committed == {row_id for row_ids in rows.values() for row_id in row_ids}
    assert log.rejected == []
    assert {one.event.subject for one in log.events} == rows.keys()
    for subject, row_ids in rows.items():
        assert sent(log, subject) == row_ids, subject
        entries = fold_subject(log.on_subject(subject), log.directory.at).entries
        verdicts = Counter((one.recorded.event.event_id, one.folded.verdict) for one in entries)
        assert {verdict for _, verdict in verdicts} <= {"EFFECTIVE", "DUPLICATE"}
        effective = {key[0]: times for key, times in verdicts.items() if key[1] == "EFFECTIVE"}
        assert effective == dict.fromkeys(row_ids, 1), subject


@asynccontextmanager
async def writing(database: AgencyDatabase, rows: int) -> AsyncIterator[Flow]:
    """Writers at work; at the end of the block they have committed all."""
    flow = Flow(database, rows)
    await flow.report_shared_cases()
    async with asyncio.TaskGroup() as writers:
        for number in range(WRITERS):
            writers.create_task(flow.write(number))
        yield flow
        await flow.allow(rows)


def relaying(settings: Settings, database: AgencyDatabase) -> AbstractAsyncContextManager[Command]:
    """A relay as a process, gone at the end of the block."""
    source = ("--source", database.relay, "--agency", AGENCY)
    return started(settings, "outbox", "relay", *source)


async def test_relays_and_their_postgres_killed_ten_times_each_send_every_row_once_and_in_order(
    settings: Settings, tmp_path: Path
) -> None:
    chance, interrupted, relays = random.Random(10), 0, list[Command]()
    async with own_postgres(tmp_path / "agency") as server, AsyncExitStack() as stack:
        database = await make_outbox(server.admin)
        for _ in range(2):
            relays.append(await stack.enter_async_context(relaying(settings, database)))
        async with writing(database, ROWS) as flow:
            for blow in range(2 * KILLS):
                before = await relayed(database)
                await flow.allow((blow + 1) * ROWS // (2 * KILLS))
                await until(partial(is_moving, database, before), "rows to flow", *relays)
                await asyncio.sleep(chance.uniform(0, MAX_DELAY_S))
                interrupted += not await nothing_is_unsent(database)
                if blow % 2:
                    await server.crash()
                    await server.start()
                else:
                    await relays.pop(0).kill()
                    relays.append(await stack.enter_async_context(relaying(settings, database)))
        await until(partial(nothing_is_unsent, database), "all rows to be sent", *relays)
        assert [await one.stop() for one in relays] == [0, 0], relays
        assert interrupted > KILLS
        await check(settings, database, flow)


async def test_a_relay_goes_on_by_itself_when_kafka_was_killed_while_rows_flowed(
    platform: Endpoints, tmp_path: Path
) -> None:
    external = Settings(
        data=tmp_path / "platform",
        registry_url=platform.registry_url,
        postgres_url=platform.postgres_url,
    )
    async with (
        Platform(external, restarts=5, show=Show(quiet=True)) as running,
        own_postgres(tmp_path / "agency") as server,
    ):
        settings = await ledger_in(await running.start(), tmp_path)
        database = await make_outbox(server.admin)
        async with relaying(settings, database) as relay:
            async with writing(database, ROWS // 5) as flow:
                for blow in range(KAFKA_KILLS):
                    before = await relayed(database)
                    await flow.allow((blow + 1) * ROWS // 5 // (KAFKA_KILLS + 1))
                    await until(partial(is_moving, database, before), "rows to flow", relay)
                    pid = running.pids["kafka"]
                    os.kill(pid, signal.SIGKILL)
                    await until(partial(is_another, running, "kafka", pid), "Kafka back", relay)
            await until(partial(nothing_is_unsent, database), "all rows to be sent", relay)
            assert await relay.stop() == 0
        await check(settings, database, flow)
