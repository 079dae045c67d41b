"""Relays that share an outbox, hang or are stopped; databases that are not as they should be."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from embedded import postgres
from producers.outbox import positions
from producers.outbox.positions import READY_ROWS, WINDOW_ROWS, Place, Shard
from producers.outbox.relay import Relay, Relayed
from producers.outbox.source import connected
from producers.outbox.standing import standing
from runut.errors import BadInput, MissingKey, Unreachable
from runut.named_queries import read_queries
from runut.settings import Settings
from tests.builders import ROOT
from tests.integration.logs import read_log
from tests.outboxes import (
    AGENCY,
    DEADLINE_S,
    AgencyDatabase,
    Connection,
    Row,
    as_role,
    ids,
    insert,
    relay_all,
    relay_once,
    sent,
    session,
)
from tests.own_postgres import own_postgres

QUERIES = read_queries(ROOT / "producers" / "outbox" / "relay.sql")


@asynccontextmanager
async def relaying(settings: Settings, database: AgencyDatabase) -> AsyncIterator[Relay]:
    """A relay that runs for as long as the block lasts."""
    relay = Relay(settings, database.relay, AGENCY, at_once=4)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_several_relays_share_the_work_without_repeating_or_reordering(
    ledger: Settings, database: AgencyDatabase
) -> None:
    async def write(writer: int) -> None:
        async with session(database.app) as connection:
            for n in range(1, 26):
                async with connection.transaction():
                    await insert(
                        connection, *(Row(f"case/{writer}-{case}", n) for case in range(8))
                    )

    async with (
        relaying(ledger, database) as one,
        relaying(ledger, database) as two,
        relaying(ledger, database) as three,
    ):
        await asyncio.gather(*(write(writer) for writer in range(4)))

        async def all_sent() -> bool:
            return sum(relay.relayed.sent for relay in (one, two, three)) == 800

        await until(all_sent)
    log = await read_log(ledger)
    assert len(log.events) == 800
    for writer in range(4):
        for case in range(8):
            found = log.on_subject(f"case/{writer}-{case}")
            assert [one.event.data["contact_id"] for one in found] == [
                f"c-{n}" for n in range(1, 26)
            ]


async def shard_of(database: AgencyDatabase, row_id: str) -> Shard:
    """To which share of the work a row belongs."""
    async with session(database.owner) as owner:
        cursor = await owner.execute(
            "SELECT shard FROM runut_outbox.outbox WHERE id = %s", [row_id]
        )
        ((shard,),) = await cursor.fetchall()
        return Shard(shard)


async def test_a_relay_that_hangs_holds_up_what_it_has_taken_and_nothing_else(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    (taken,) = await insert(app, Row("case/A", 1))
    async with (
        connected(database.relay, name="hangs") as hangs,
        connected(database.relay, name="tests") as other,
        hangs.transaction(),
    ):
        assert await positions.lock(hangs, await shard_of(database, taken))
        (free,) = await insert(app, Row("case/C", 1))
        assert await shard_of(database, free) != await shard_of(database, taken)
        async with other.transaction():
            assert not await positions.lock(other, await shard_of(database, taken))
        assert await relay_all(ledger, database) == Relayed(sent=1)
        assert ids((await read_log(ledger)).events) == [free]
    assert await relay_all(ledger, database) == Relayed(sent=1)
    assert sorted(ids((await read_log(ledger)).events)) == sorted([free, taken])


FULL = """
CREATE SEQUENCE attempts;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM nextval('public.attempts');
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER fail BEFORE INSERT ON runut_outbox.progress EXECUTE FUNCTION fail();
"""


async def test_a_database_that_does_not_take_our_progress_does_not_fill_the_ledger_with_repeats(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    rows = await insert(app, *(Row("case/A", n) for n in range(1, 11)))
    async with session(database.owner) as owner, relaying(ledger, database) as relay:

        async def has_tried_three_times() -> bool:
            cursor = await owner.execute("SELECT last_value FROM attempts")
            return await cursor.fetchall() >= [(3,)]

        await owner.execute(FULL)
        await until(has_tried_three_times)
        await owner.execute("DROP TRIGGER fail ON runut_outbox.progress")

        async def all_sent() -> bool:
            return relay.relayed.sent == len(rows)

        await until(all_sent)
    assert await relay_all(ledger, database) == Relayed()
    assert ids((await read_log(ledger)).events) == rows


async def test_a_relay_that_is_told_to_stop_writes_down_what_is_under_way(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    rows = await insert(app, Row("case/A", 1))
    async with session(database.owner) as owner:

        async def is_recording() -> bool:
            cursor = await owner.execute(
                "SELECT FROM pg_locks "
                "WHERE NOT granted AND relation = 'runut_outbox.progress'::regclass"
            )
            return await cursor.fetchone() is not None

        async with session(database.owner) as locking:
            relay = Relay(ledger, database.relay, AGENCY, at_once=4)
            task = asyncio.create_task(relay.run())
            async with locking.transaction():
                await locking.execute("LOCK TABLE runut_outbox.progress IN EXCLUSIVE MODE")
                await until(is_recording)
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert relay.relayed == Relayed(sent=1)
    assert await relay_all(ledger, database) == Relayed()
    assert ids((await read_log(ledger)).events) == rows


SPEND = """
DO $$ BEGIN FOR n IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""


async def test_a_database_restored_into_another_cluster_sends_what_is_unsent_and_all_that_is_new(
    ledger: Settings, database: AgencyDatabase, tmp_path: Path
) -> None:
    async with session(database.owner) as owner:
        await owner.execute(SPEND)  # the other cluster will not have come to these numbers
        before = await insert(owner, Row("case/A", 1), Row("case/A", 2), Row("case/B", 1))
        await relay_all(ledger, database)
        before += await insert(owner, Row("case/A", 3))
    async with own_postgres(tmp_path / "other") as other:
        restored = database._replace(
            owner=as_role(other.admin, "postgres"), relay=as_role(other.admin, "postgres")
        )
        dump = tmp_path / "agency.sql"
        call("pg_dump", "--no-owner", "--no-privileges", f"--file={dump}", database.owner)
        call("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}", restored.owner)
        async with session(restored.owner) as owner:
            after = await insert(owner, Row("case/A", 4), Row("case/B", 2))
        assert await relay_once(ledger, restored) == Relayed(sent=3)
    log = await read_log(ledger)
    assert len(log.events) == len(before + after)
    assert sent(log, "case/A") == [before[0], before[1], before[3], after[0]]
    assert sent(log, "case/B") == [before[2], after[1]]


def call(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL."""
    subprocess.run([postgres.program(program), *arguments], check=True)


async def test_rights_are_those_that_are_needed(database: AgencyDatabase, app: Connection) -> None:
    (row,) = await insert(app, Row("case/A", 1))
    forbidden = {
        database.app: (
            "SELECT FROM runut_outbox.outbox",
            "UPDATE runut_outbox.outbox SET payload = '{}'",
            "UPDATE runut_outbox.position SET seq = 0",
            "INSERT INTO runut_outbox.outbox (aggregatetype, aggregateid, type, payload, xid) "
            "VALUES ('case', 'A', 'ContactLogged', '{}', '1')",
        ),
        database.relay: (
            f"UPDATE runut_outbox.outbox SET payload = '{{}}' WHERE id = '{row}'",
            "DELETE FROM runut_outbox.outbox",
            "DELETE FROM runut_outbox.progress",
            "SELECT FROM runut_outbox.numbering",
            "CREATE TABLE runut_outbox.other ()",
        ),
    }
    for url, statements in forbidden.items():
        async with session(url) as connection:
            for statement in statements:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(statement.encode())


async def test_what_is_wrong_is_said_in_one_sentence(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    await insert(app, Row("case/A", 1))
    without = as_role(database.owner, "postgres")
    for url, kind, said in (
        (without, BadInput, r"outbox at .*/postgres: expected the tables of `runut outbox ddl`"),
        (database.app, BadInput, "found permission denied for table position"),
        ("postgresql://127.0.0.1:1/x", Unreachable, "does not answer at 127.0.0.1:1/x .*refused"),
        ("secret", BadInput, "source: expected an address such as postgresql://.*, found none"),
    ):
        with pytest.raises(kind, match=said):
            await relay_once(ledger, database._replace(relay=url))
    with pytest.raises(BadInput, match=r"agency: expected a code that matches .*, found KP2MI"):
        Relay(ledger, database.relay, "KP2MI", at_once=1)
    assert await relay_all(ledger, database) == Relayed(sent=1)


async def test_a_database_that_does_not_answer_is_given_up(
    database: AgencyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.outbox.source.ANSWER_TIMEOUT_S", 0.2)
    async with session(database.owner) as owner, owner.transaction():
        await owner.execute("LOCK TABLE runut_outbox.position")
        with pytest.raises(Unreachable, match=r"does not answer at .* \(no answer in time\)"):
            await standing(database.relay)


async def test_an_agency_without_a_key_is_told_before_there_is_anything_to_send(
    ledger: Settings, database: AgencyDatabase
) -> None:
    with pytest.raises(MissingKey, match="no signing key for agency stranger"):
        await Relay(ledger, database.relay, "stranger", at_once=1).run()


async def test_looking_for_news_costs_the_same_however_many_rows_were_sent(
    database: AgencyDatabase,
) -> None:
    async with session(database.owner) as owner:
        await owner.execute(
            "INSERT INTO runut_outbox.outbox (aggregatetype, aggregateid, type, payload) "
            "SELECT 'case', n::text, 'ContactLogged', '{}' FROM generate_series(1, 20000) AS n"
        )
        await owner.execute(
            "INSERT INTO runut_outbox.progress (aggregatetype, aggregateid, sent, seen) "
            "SELECT aggregatetype, aggregateid, version, version FROM runut_outbox.outbox"
        )
        plans: dict[str, dict[str, object]] = {
            "due": {},
            "window": {"shard": 3, **Place("5", 5)._asdict(), "limit": WINDOW_ROWS},
            "ready": {
                "types": ["case"] * 50,
                "ids": [str(n) for n in range(50)],
                "limit": READY_ROWS,
                "max_size": 1,
                "max_bytes": 1,
                **Place("99999999", 5)._asdict(),
            },
        }
        for analyzed in (False, True):
            if analyzed:
                await owner.execute("ANALYZE")
            for query, given in plans.items():
                plan = await explained(owner, query, given)
                assert not re.search(r"Seq Scan on (outbox|progress)", plan), plan


async def explained(connection: Connection, query: str, given: dict[str, object]) -> str:
    """How PostgreSQL would go about a named query of the relay."""
    cursor = await connection.execute(b"EXPLAIN " + QUERIES[query].encode(), given)
    return "\n".join(line for (line,) in await cursor.fetchall())
