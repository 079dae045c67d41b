"""From an agency's own PostgreSQL to the ledger: nothing lost, overtaken or left unsaid."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from embedded import postgres
from embedded.platform import Endpoints
from producers.outbox import positions
from producers.outbox.positions import READY_ROWS, WINDOW_ROWS, Place, Shard
from producers.outbox.relay import Relay, Relayed
from producers.outbox.source import connected
from producers.outbox.standing import resolve, standing
from runut.errors import BadInput, MissingKey, NotFound, Unreachable
from runut.named_queries import read_queries
from runut.settings import Settings
from tests.builders import ROOT
from tests.integration.logs import read_log
from tests.outboxes import (
    AGENCY,
    AgencyDatabase,
    Connection,
    Row,
    as_role,
    contact,
    ids,
    insert,
    make_outbox,
    sent,
)
from tests.own_postgres import own_postgres

DEADLINE_S = 60.0
QUERIES = read_queries(ROOT / "producers" / "outbox" / "relay.sql")


@pytest.fixture
async def database(platform: Endpoints, platform_data: Path) -> AgencyDatabase:
    """An agency's database on the session's PostgreSQL."""
    port = urlsplit(platform.postgres_url).port or 0
    password = postgres.open_passwords(platform_data / "postgres").postgres
    return await make_outbox(postgres.url(port, password, postgres.OWNER))


@pytest.fixture
async def app(database: AgencyDatabase) -> AsyncIterator[Connection]:
    """The agency's own system, every statement a transaction unless it says otherwise."""
    async with session(database.app) as connection:
        yield connection


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Connection]:
    """A connection for as long as the block lasts."""
    connection: Connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        yield connection


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


async def relay_once(settings: Settings, database: AgencyDatabase) -> Relayed:
    """Send whatever can be sent now."""
    relay = Relay(settings, database.relay, AGENCY, at_once=4)
    await relay.run(once=True)
    return relay.relayed


async def relay_all(settings: Settings, database: AgencyDatabase) -> Relayed:
    """Send all, when nobody holds rows back: PostgreSQL itself may, for a moment."""

    async def is_held_back() -> bool:
        return (await standing(database.relay)).held_back > 0

    async with asyncio.timeout(DEADLINE_S):
        while await is_held_back():
            await asyncio.sleep(0.05)
    return await relay_once(settings, database)


async def test_a_row_is_an_event_of_the_agency_signed_and_with_the_rows_id(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    meta = {"channel": "CALL", "officer_role": "Pengantar Kerja"}
    (row,) = await insert(app, Row("case/A", 1, payload=contact(1), meta=meta))
    assert await relay_all(ledger, database) == Relayed(sent=1)
    (recorded,) = (await read_log(ledger)).events
    event = recorded.event
    assert (event.event_id, event.subject, event.agency) == (row, "case/A", AGENCY)
    assert event.occurred_at.isoformat() == "2025-05-08T03:00:00+00:00"
    assert {name: event.meta[name] for name in meta} == meta
    assert event.data == contact(1) | {"party": None, "duration_s": None}
    assert recorded.signature == "VALID"


async def test_what_was_sent_is_not_sent_again(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    rows = await insert(app, *(Row("case/A", n) for n in range(1, 6)))
    await relay_all(ledger, database)
    assert await relay_all(ledger, database) == Relayed()
    assert ids((await read_log(ledger)).events) == rows


async def test_a_row_that_is_committed_later_than_rows_after_it_is_not_passed_over(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    async with session(database.app) as slow:
        async with slow.transaction():
            (late,) = await insert(slow, Row("case/A", 1))
            (early,) = await insert(app, Row("case/A2", 1))
            assert await relay_once(ledger, database) == Relayed()
            stands = await standing(database.relay)
            assert (stands.unsent, stands.held_back) == (1, 1)
        assert await relay_all(ledger, database) == Relayed(sent=2)
    assert set(ids((await read_log(ledger)).events)) == {late, early}


async def test_versions_go_in_their_order_whatever_that_of_the_transactions(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    async with session(database.app) as other:
        async with other.transaction():
            await insert(other, Row("case/B", 1))  # it has its number before the first version
            (first,) = await insert(app, Row("case/A", 1))
            (second,) = await insert(other, Row("case/A", 2))
        await relay_all(ledger, database)
    assert ids((await read_log(ledger)).on_subject("case/A")) == [first, second]


async def test_a_row_waits_for_the_version_before_it_and_nobody_else_does(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    later = await insert(app, Row("case/A", 3), Row("case/A", 2), Row("case/B", 1))
    assert await relay_all(ledger, database) == Relayed(sent=1)
    (waiting,) = (await standing(database.relay)).waiting
    assert (waiting.subject, waiting.missing, waiting.seen) == ("case/A", 1, 3)
    (first,) = await insert(app, Row("case/A", 1))
    assert await relay_all(ledger, database) == Relayed(sent=3)
    assert ids((await read_log(ledger)).on_subject("case/A")) == [first, later[1], later[0]]
    assert not (await standing(database.relay)).needs_a_person


async def test_a_backlog_that_one_row_held_up_goes_in_order_and_once_however_long_it_is(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    count = 2 * READY_ROWS + WINDOW_ROWS // 2
    async with app.transaction():
        later = await insert(app, *(Row("case/A", n) for n in range(2, count + 1)))
    assert await relay_all(ledger, database) == Relayed()
    first = await insert(app, Row("case/A", 1))
    assert await relay_all(ledger, database) == Relayed(sent=count)
    assert ids((await read_log(ledger)).events) == first + later


async def test_rows_without_a_version_are_numbered_in_the_order_of_their_transactions(
    ledger: Settings, database: AgencyDatabase
) -> None:
    async def write(writer: int) -> None:
        async with session(database.app) as connection:
            for n in range(25):
                await insert(connection, Row(f"case/{n % 3}", payload=contact(f"{writer}-{n:02}")))

    await asyncio.gather(*(write(writer) for writer in range(4)))
    assert await relay_all(ledger, database) == Relayed(sent=100)
    log = await read_log(ledger)
    for n in range(3):
        found = [one.event.data["contact_id"] for one in log.on_subject(f"case/{n}")]
        for writer in range(4):
            own = [contact_id for contact_id in found if contact_id.startswith(f"c-{writer}")]
            assert own == sorted(own)
    async with session(database.owner) as owner:
        cursor = await owner.execute(
            "SELECT id::text FROM runut_outbox.outbox WHERE aggregateid = '0' ORDER BY version"
        )
        assert ids(log.on_subject("case/0")) == [row_id for (row_id,) in await cursor.fetchall()]


async def test_an_application_may_leave_the_numbering_to_the_outbox_at_any_time(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    rows = await insert(app, Row("case/A", 1), Row("case/A", 2), Row("case/A"))
    assert await relay_all(ledger, database) == Relayed(sent=3)
    async with session(database.owner) as owner:
        await owner.execute("DELETE FROM runut_outbox.outbox")
    rows += await insert(app, Row("case/A"), Row("case/A"))
    assert await relay_all(ledger, database) == Relayed(sent=2)
    assert ids((await read_log(ledger)).events) == rows


BAD: dict[str, tuple[Row, str]] = {
    "type": (
        Row("case/1", 1, type="LetterSnt"),
        "type: expected an event type of the catalogue (did you mean LetterSent?), found LetterSnt",
    ),
    "a type of the directory": (
        Row("agency/2", 1, type="MandateGranted", payload={}),
        "data.agency: expected text, found nothing",
    ),
    "kind of subject": (Row("meeting/3", 1), "subject: expected case/ID with ID "),
    "id": (Row("case/4 B", 1), "subject: expected case/ID with ID 1 to 80 of A-Z a-z 0-9 . _ -"),
    "type of a field": (
        Row("case/5", 1, payload=contact(1) | {"duration_s": "long"}),
        'data.duration_s: expected a whole number of 32 bits, found "long"',
    ),
    "unknown field": (
        Row("case/6", 1, payload=contact(1) | {"colour": "red"}),
        "data.colour: expected a known field",
    ),
    "payload that is no object": (
        Row("case/7", 1, payload=[1]),
        "data: expected an object (ContactLogged), found [1]",
    ),
    "size": (
        Row("case/8", 1, payload=contact(1) | {"summary": "x" * 300_000}),
        "data: expected payload and meta of 262144 bytes at most, found 300",
    ),
    "meta that is no object": (
        Row("case/9", 1, meta=[1]),
        "meta: expected an object of further meta fields, found [1]",
    ),
    "meta that speaks for another agency": (
        Row("case/10", 1, meta={"agency": "polri"}),
        "meta.agency: expected no such field: it is the relay's --agency, found polri",
    ),
    "meta with an unknown field": (
        Row("case/11", 1, meta={"chanel": "CALL"}),
        "chanel: expected a known field (did you mean channel?), found an unknown one",
    ),
    "time": (Row("case/12", 1, occurred_at="infinity"), "occurred_at: expected an RFC 3339 time"),
}


async def test_rows_that_can_be_no_events_are_refused_by_field_and_hold_up_their_subjects_alone(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    bad = await insert(app, *(row for row, _ in BAD.values()))
    await insert(app, *(Row(row.subject, 2) for row, _ in BAD.values()), Row("case/Z", 1))
    assert await relay_all(ledger, database) == Relayed(sent=1, refused=len(BAD))
    refused = {one.id: one for one in (await standing(database.relay)).refused}
    for row_id, (row, reason) in zip(bad, BAD.values(), strict=True):
        assert (refused[row_id].subject, refused[row_id].version) == (row.subject, 1)
        assert refused[row_id].reason.startswith(reason)
    assert await relay_all(ledger, database) == Relayed()
    assert [one.event.subject for one in (await read_log(ledger)).events] == ["case/Z"]


async def test_a_refused_row_that_is_corrected_goes_and_those_after_it(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    bad = Row("case/A", 2, payload=contact(2) | {"mode": "TELEX"})
    rows = await insert(app, Row("case/A", 1), bad, Row("case/A", 3))
    assert await relay_all(ledger, database) == Relayed(sent=1, refused=1)
    await insert(app, Row("case/A", 4))
    assert await relay_all(ledger, database) == Relayed()
    async with session(database.owner) as owner:
        await owner.execute(
            'UPDATE runut_outbox.outbox SET payload = payload || \'{"mode": "CHAT"}\' '
            "WHERE id = %s",
            [rows[1]],
        )
    assert await relay_all(ledger, database) == Relayed(sent=3)
    assert ids((await read_log(ledger)).events)[:3] == rows
    assert not (await standing(database.relay)).needs_a_person


async def test_a_refused_row_is_tried_again_or_left_out_as_the_operator_says(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    bad, good = await insert(app, Row("case/A", 1, type="Unheard"), Row("case/A", 2))
    await relay_all(ledger, database)
    assert await resolve(database.relay, bad, skipped=False) == ("case/A", 1)
    assert await relay_all(ledger, database) == Relayed(refused=1)
    assert await resolve(database.relay, bad, skipped=True) == ("case/A", 1)
    assert await relay_all(ledger, database) == Relayed(sent=1)
    assert ids((await read_log(ledger)).events) == [good]
    with pytest.raises(NotFound, match="no such row was refused"):
        await resolve(database.relay, good, skipped=True)
    with pytest.raises(BadInput, match="row: expected the UUID of an outbox row, found 17"):
        await resolve(database.relay, "17", skipped=True)


async def test_a_version_that_was_sent_already_is_refused_where_it_is_inserted(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    await insert(app, Row("case/A", 1), Row("case/A", 2))
    await relay_all(ledger, database)
    async with session(database.owner) as owner:
        await owner.execute("DELETE FROM runut_outbox.outbox")
    (again,) = await insert(app, Row("case/A", 2))
    (third,) = await insert(app, Row("case/A", 3))
    assert await relay_all(ledger, database) == Relayed(sent=1)
    (refused,) = (await standing(database.relay)).refused
    reason = "version: expected more than 2, which was sent already, found 2"
    assert (refused.id, refused.reason) == (again, reason)
    assert ids((await read_log(ledger)).events)[2:] == [third]
    await resolve(database.relay, again, skipped=True)
    assert not (await standing(database.relay)).needs_a_person


async def test_a_commit_tells_the_relay(database: AgencyDatabase, app: Connection) -> None:
    async with connected(database.relay, name="tests") as source, asyncio.timeout(DEADLINE_S):
        await source.listen()
        waiting = asyncio.create_task(source.news(timeout_s=3600))
        await insert(app, Row("case/A", 1))
        await waiting


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
