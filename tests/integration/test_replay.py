"""Replay from Kafka: the read models are what the log gives, and whatever is not is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import uuid4

import msgspec
import pytest
from psycopg import sql

from audit.partition_replay import Wanted
from audit.replay import replay, replay_subject
from projections.render import Standing, render_state
from projections.waiting import wait_until_projected
from runut.adapters.postgres import Connection, connected
from runut.errors import LedgerMismatch, NotFound
from runut.settings import Settings
from tests.integration.outbox_stage import projecting
from tests.integration.sealing_stage import published, seal_all
from tests.integration.test_look import runut
from tests.integration.test_projector import emit_all, random_objects, scenario_lines

CASE = "case/BP3MI-NTT-2025-0001"
STORIES = ("01-unpaid-wages", "05-two-silos-merged", "06-agreement-breached-and-fined")
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
async def told(projected: Settings) -> Settings:
    """Settings of a ledger with stories, random cases and a record that is no event."""
    objects = [*scenario_lines(*STORIES), *random_objects(range(12), 40)]
    ends = await emit_all(projected, objects)
    async with (
        projecting(projected),
        connected(projected, name="tests", autocommit=True) as connection,
    ):
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
    return projected


@pytest.fixture
async def tables(told: Settings) -> AsyncIterator[Connection]:
    """A connection to the read models."""
    async with connected(told, name="tests", autocommit=True) as connection:
        yield connection


async def test_read_models_that_nobody_touched_equal_the_log(
    told: Settings, tables: Connection
) -> None:
    seen: list[tuple[int, int]] = []
    found = await replay(
        told, Wanted(), processes=2, progress=lambda read, total: seen.append((read, total))
    )
    cursor = await tables.execute("SELECT count(*), count(DISTINCT subject) FROM history")
    assert (found.events, found.subjects) == await cursor.fetchone()
    assert (found.differing, found.differences) == (0, [])
    assert seen[-1][0] <= seen[-1][1] == sum(found.positions.values())


async def test_one_subject_is_shown_as_the_log_has_it_now_and_then(told: Settings) -> None:
    found, folded = await replay_subject(told, Wanted(CASE))
    state = render_state(Standing.of(CASE, folded), datetime.now(UTC), None)
    assert (found.differing, found.subjects, state["status"]) == (0, 1, "CLOSED")
    middle = folded.entries[len(folded.entries) // 2].recorded.recorded_at
    then, known = await replay_subject(told, Wanted(CASE, middle))
    assert then.differing == 0
    assert 0 < len(known.entries) <= len(folded.entries)
    before_all = datetime(2020, 1, 1, tzinfo=UTC)
    for subject, moment in (("case/NOBODY", None), (CASE, before_all)):
        with pytest.raises(NotFound, match="no event of it was recorded"):
            await replay_subject(told, Wanted(subject, moment))


async def test_everything_can_be_replayed_as_known_at_a_moment(told: Settings) -> None:
    _, folded = await replay_subject(told, Wanted(CASE))
    moment = folded.entries[0].recorded.recorded_at
    found = await replay(told, Wanted(as_of=moment), processes=1)
    assert found.events > 0
    assert found.differing == 0


async def test_what_was_changed_by_hand_is_named_field_by_field(
    told: Settings, tables: Connection
) -> None:
    about = {"case": CASE, "invented": "case/INVENTED"}
    async with undone(tables, *TOUCHED):
        for statement in CHANGES:
            await tables.execute(statement, about)
        found = await replay(told, Wanted(), processes=1)
        alone, _ = await replay_subject(told, Wanted(CASE))
        ended = await runut(told, "replay", CASE)
        document = (await runut(told, "replay", CASE, "--json")).document
    named = {(one.subject, one.place, one.field): (one.log, one.found) for one in found.differences}
    assert named[CASE, "history 1", "verdict"] == ("EFFECTIVE", "IRREGULAR")
    assert named[CASE, "subject", "state.custodian"][1] == "polri"
    assert named[CASE, "custody_interval 1", ""] == ("there", None)
    assert named["case/INVENTED", "subject", ""] == (None, "there")
    assert named["directory", "record 3", "timestamp_ms"][1] == 1
    assert named["partition 0", "position", "leaf_hash"][1] == "00"
    assert {place for subject, place, field in named if field == "title"} == {"letter L1"}
    assert len(named) == found.differing == len(found.differences)
    assert {one.subject for one in alone.differences} == {CASE}
    assert (ended.code, "differs from the log" in ended.err) == (4, True)
    assert document["differing"] == alone.differing
    assert document["state"]["custodian"] != "polri"


async def test_a_replay_ends_at_a_seal_and_finds_there_what_was_sealed(
    told: Settings, tables: Connection
) -> None:
    await seal_all(told)
    before = await replay(told, Wanted(), processes=1)
    await project(told, tables, [again(CASE)])
    sealed = (await runut(told, "replay", "--seal", "last", "--json")).document
    heads = (await published(told))[sealed["seal"]].seal.heads
    sizes = {str(one.partition): one.size for one in heads if one.topic == told.events_topic}
    assert sealed["positions"] == sizes
    assert (sealed["events"], sealed["differing"]) == (before.events, 0)
    assert (await replay(told, Wanted(), processes=1)).events == before.events + 1
    async with undone(tables, *TOUCHED):
        for statement in CHANGES:
            await tables.execute(statement, {"case": "case/UNMOVED", "invented": "case/INVENTED"})
        await tables.execute(
            "UPDATE history SET body = (SELECT body FROM history WHERE subject = %(case)s"
            " AND seq = 2) WHERE subject = %(case)s AND seq = 3",
            {"case": CASE},
        )
        found = await replay(told, Wanted(heads=heads), processes=1)
    places = {(one.subject, one.place) for one in found.differences}
    assert {("partition 0", "position"), ("directory", "record 3"), (CASE, "history")} <= places
    [other] = [one for one in heads if one.topic == told.events_topic and one.partition == 1]
    changed = msgspec.structs.replace(other, root=b"\1" * 32)
    with pytest.raises(LedgerMismatch, match="records of the sealed root 0101"):
        await replay(told, Wanted(heads=(changed,)), processes=1)


async def test_a_replay_comes_to_what_an_answer_was_made_from(
    told: Settings, tables: Connection
) -> None:
    then = await replay(told, Wanted(), processes=1)
    at = ",".join(f"{one}:{end}" for one, end in then.positions.items())
    await project(told, tables, [again(CASE)])
    found = (await runut(told, "replay", "--positions", at, "--json")).document
    assert (found["events"], found["differing"]) == (then.events, 0)
    ended = await runut(told, "replay", CASE, "--positions", "0:1000000,1:0")
    assert (ended.code, "read models of partition" in ended.err) == (1, True)
    for wrong in (["--positions", "0"], ["--seal", "first"], ["--seal", "999"]):
        assert (await runut(told, "replay", *wrong)).code in {1, 2}


def again(subject: str) -> dict[str, Any]:
    """A call on a case."""
    data = {"mode": "PHONE", "direction": "OUTGOING", "with": ["polri"], "summary": "Lagi."}
    return {
        "type": "ContactLogged",
        "subject": subject,
        "agency": "kp2mi",
        "occurred_at": "2026-01-05T08:00:00Z",
        "event_id": str(uuid4()),
        "data": {"contact_id": f"C-{uuid4()}", **data},
    }


async def project(settings: Settings, tables: Connection, objects: list[dict[str, Any]]) -> None:
    """Emit, and wait until it is projected."""
    ends = await emit_all(settings, objects)
    async with projecting(settings):
        assert await wait_until_projected(tables, ends, deadline_s=DEADLINE_S)


async def test_a_log_that_ends_before_its_read_models_is_refused(
    told: Settings, tables: Connection
) -> None:
    async with undone(tables, "position"):
        await tables.execute("UPDATE position SET next_offset = next_offset + 1")
        with pytest.raises(LedgerMismatch, match="expected records up to offset"):
            await replay(told, Wanted(), processes=1)


CHANGES: tuple[LiteralString, ...] = (
    "UPDATE history SET verdict = 'IRREGULAR' WHERE subject = %(case)s AND seq = 1",
    """UPDATE subject SET state = jsonb_set(state, '{custodian}', '"polri"')
        WHERE subject = %(case)s""",
    "UPDATE letter SET title = 'Lain' WHERE subject = %(case)s AND letter_id = 'L1'",
    "DELETE FROM custody_interval WHERE subject = %(case)s AND n = 1",
    """INSERT INTO subject
       SELECT %(invented)s, kind, events, irregular, duplicate, corrected, last_recorded_at, state
         FROM subject WHERE subject = %(case)s""",
    """UPDATE directory_record SET timestamp_ms = 1 WHERE "offset" = 3""",
    "UPDATE position SET leaf_hash = '\\x00' WHERE partition = 0",
)
WRITTEN_COLUMNS = """SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""
TOUCHED = ("history", "subject", "letter", "custody_interval", "directory_record", "position")


@asynccontextmanager
async def undone(connection: Connection, *names: str) -> AsyncIterator[None]:
    """Changes of these tables last as long as the block."""
    kept = [(sql.Identifier(name), sql.Identifier(f"kept_{name}")) for name in names]
    for name, copy in kept:
        await connection.execute(sql.SQL("CREATE TEMP TABLE {} AS TABLE {}").format(copy, name))
    try:
        yield
    finally:
        for name, copy in kept:
            cursor = await connection.execute(WRITTEN_COLUMNS, (name.as_string(),))
            written = sql.SQL(", ").join(sql.Identifier(one) for (one,) in await cursor.fetchall())
            put_back = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM {2}")
            await connection.execute(sql.SQL("TRUNCATE {}").format(name))
            await connection.execute(put_back.format(name, written, copy))
            await connection.execute(sql.SQL("DROP TABLE {}").format(copy))
