"""From an agency's own PostgreSQL to the ledger: nothing lost, overtaken or left unsaid."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from producers.outbox.positions import READY_ROWS, WINDOW_ROWS
from producers.outbox.relay import Relayed
from producers.outbox.source import connected
from producers.outbox.standing import resolve, standing
from runut.errors import BadInput, NotFound
from runut.settings import Settings
from tests.integration.logs import read_log
from tests.outboxes import (
    AGENCY,
    DEADLINE_S,
    OCCURRED_AT,
    AgencyDatabase,
    Connection,
    Row,
    contact,
    ids,
    insert,
    make_outbox,
    relay_all,
    relay_once,
    session,
)


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
    "number that is larger than any": (
        Row("case/13", 1, payload=contact(1) | {"duration_s": 10**400}),
        "data.duration_s: expected a whole number of 32 bits, found 1000",
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


async def test_a_payload_that_nests_too_deep_is_refused_and_left_out_by_the_operator(
    ledger: Settings, database: AgencyDatabase, app: Connection
) -> None:
    deep, good = await insert(app, Row("case/A", 1), Row("case/A", 2))
    async with session(database.owner) as owner:
        await owner.execute(
            "UPDATE runut_outbox.outbox "
            "SET payload = (repeat('[', 2000) || repeat(']', 2000))::jsonb WHERE id = %s",
            [deep],
        )
    assert await relay_all(ledger, database) == Relayed(refused=1)
    stands = await standing(database.relay)
    assert stands.needs_a_person
    assert [one.reason for one in stands.refused] == [
        "data: expected JSON, found values within values, too deep to be read"
    ]
    await resolve(database.relay, deep, skipped=True)
    assert await relay_all(ledger, database) == Relayed(sent=1)
    assert ids((await read_log(ledger)).events) == [good]


@pytest.mark.parametrize(("encoding", "cut"), [("UTF8", "…"), ("LATIN1", "...")])
async def test_a_refusal_is_written_down_whatever_the_encoding_of_database_and_address(
    ledger: Settings, postgres_owner: str, encoding: str, cut: str
) -> None:
    made = await make_outbox(postgres_owner, encoding)
    database = made._replace(relay=f"{made.relay}?client_encoding=LATIN1")
    async with session(database.app) as app:
        mode, summary = contact(1) | {"mode": "é" * 200}, contact(1) | {"summary": "Café."}
        await insert(app, Row("case/A", 1, payload=mode), Row("case/B", 1, payload=summary))
    assert await relay_all(ledger, database) == Relayed(sent=1, refused=1)
    (refused,) = (await standing(database.relay)).refused
    assert refused.reason.startswith("data.mode: expected one of PHONE, ")
    assert refused.reason.endswith(cut)
    (recorded,) = (await read_log(ledger)).events
    assert recorded.event.data["summary"] == "Café."


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20025-05-08", "0044-03-15 BC"])
async def test_a_row_of_a_time_that_no_calendar_has_does_not_hide_how_the_outbox_stands(
    database: AgencyDatabase, app: Connection, moment: str
) -> None:
    await insert(app, Row("case/A", 1, occurred_at=moment))
    stands = await standing(database.relay)
    assert (stands.unsent, stands.oldest) == (1, None)
    await insert(app, Row("case/B", 1))
    oldest = (await standing(database.relay)).oldest
    assert oldest == datetime.fromisoformat(OCCURRED_AT)


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
