"""From the projected history into the outbox: each whom it concerns, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import sql

from projections import news
from projections.concerned import CONCERNING
from projections.install import install
from projections.news import NEWS_FOR, PROMPT, follow
from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.event import Recorded
from runut.settings import Settings
from tests.builders import RECORDED_AT, directory_from, directory_records, project, recorded

CASE = "case/KP2MI-1"
DIRECTORY = directory_from()(len(directory_records()) - 1)
MINUTE = timedelta(minutes=1)
NOW = RECORDED_AT + timedelta(hours=1)
REPORTED = {
    "category": "UNPAID_WAGES",
    "urgency": "NORMAL",
    "phase": "DURING",
    "country": "MY",
    "intake": "HOTLINE",
    "relation": "WORKER",
    "sector": "FORMAL",
    "placement": "PROCEDURAL",
    "summary": "s",
}


class Log:
    """Events as they come, each a minute after the last."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self._paused = timedelta(0)
        self.say("CaseReported", "kp2mi", **REPORTED)

    def say(
        self, event_type: str, agency: str, /, after: timedelta = timedelta(0), **data: Any
    ) -> datetime:
        """Record an event `after` it occurred; gives when it was recorded."""
        offset, at = len(self.records) + 1, self.next_at()
        event = {"type": event_type, "subject": CASE, "agency": agency, "data": data}
        self.records.append(recorded({**event, "occurred_at": at - after}, offset, at))
        return at

    def next_at(self) -> datetime:
        return RECORDED_AT + (len(self.records) + 1) * MINUTE + self._paused

    def pause(self, span: timedelta) -> None:
        self._paused += span

    def letter(self, letter_id: str, agency: str, *to: str, **more: Any) -> None:
        fixed = {"doc_type": "OFFICIAL_LETTER", "urgency": "NORMAL", "title": "t", "number": "1"}
        data = {**fixed, "letter_id": letter_id, "dated": "2026-07-01", "to": list(to)}
        self.say("LetterSent", agency, **{"reply_expected": False, **data, **more})

    def offer(self, transfer_id: str, to: str) -> None:
        data = {"transfer_id": transfer_id, "to": to, "ground": "MANDATE", "reason": "r"}
        self.say("TransferOffered", "kp2mi", **data)


async def notices(connection: Connection) -> set[tuple[Any, ...]]:
    cursor = await connection.execute("SELECT agency, kind, about, due_at FROM notice")
    return set(await cursor.fetchall())


async def told(connection: Connection) -> set[tuple[str, str]]:
    return {(agency, about) for agency, _, about, _ in await notices(connection)}


async def test_letters_and_offers_tell_their_addressees_until_when_they_owe_an_answer(
    connection: Connection,
) -> None:
    log = Log()
    log.letter("L1", "kp2mi", "kbri-kl", "kemlu", cc=["polri"], reply_expected=True)
    log.letter("L2", "kbri-kl", "kp2mi", "kbri-kl", "runut")
    log.offer("T1", "bp3mi-ntt")
    await project(connection, log.records)
    assert await follow(connection, DIRECTORY, NOW)
    fifteenth, sixth = (datetime(2026, 7, day, 16, 59, 59, tzinfo=UTC) for day in (15, 6))
    assert await notices(connection) == {
        ("kbri-kl", "LETTER", "L1", fifteenth),
        ("kemlu", "LETTER", "L1", fifteenth),
        ("kp2mi", "LETTER", "L2", None),
        ("bp3mi-ntt", "OFFER", "T1", sixth),
    }


async def test_a_breach_tells_debtor_creditor_and_superior_an_escalation_whom_it_names(
    connection: Connection,
) -> None:
    log = Log()
    due_at = RECORDED_AT + 2.5 * MINUTE
    promise = {"commitment_id": "P1", "debtor": "kbri-kl", "creditor": "kp2mi", "what": "w"}
    log.say("CommitmentMade", "kbri-kl", **promise, due_at=due_at, source_kind="OWN")
    log.say("CommitmentBreached", "runut", commitment_id="P1", due_at=due_at)
    log.say("EscalationRaised", "runut", commitment_id="P1", to="kemlu", level=1)
    log.offer("T1", "bp3mi-ntt")
    log.say("TransferEscalated", "kp2mi", transfer_id="T1", arbiter="polri")
    await project(connection, log.records)
    await follow(connection, DIRECTORY, NOW)
    found = {one for one in await notices(connection) if one[1] != "OFFER"}
    assert found == {
        ("kbri-kl", "BREACH", "P1", due_at),
        ("kp2mi", "BREACH", "P1", due_at),
        ("kemlu", "BREACH", "P1", due_at),
        ("kemlu", "ESCALATION", "P1", due_at),
        ("polri", "ESCALATION", "T1", None),
    }


async def test_an_event_without_effect_tells_nobody(connection: Connection) -> None:
    log = Log()
    log.offer("T1", "bp3mi-ntt")
    log.offer("T2", "kbri-kl")
    log.letter("L1", "kp2mi", "kbri-kl", "nobody")
    log.letter("L2", "kp2mi", "kbri-kl")
    log.letter("L2", "kp2mi", "kemlu")
    await project(connection, log.records)
    await follow(connection, DIRECTORY, NOW)
    assert await told(connection) == {("bp3mi-ntt", "T1"), ("kbri-kl", "L2")}


async def test_files_of_past_events_and_old_news_tell_nobody(connection: Connection) -> None:
    log = Log()
    log.letter("LATE", "kp2mi", "kbri-kl", after=PROMPT)
    log.letter("SOON", "kp2mi", "kbri-kl", after=PROMPT - MINUTE)
    last = log.records[-1].recorded_at
    await project(connection, log.records)
    assert await follow(connection, DIRECTORY, last + NEWS_FOR + MINUTE)
    assert not await follow(connection, DIRECTORY, last + NEWS_FOR + MINUTE)
    assert await told(connection) == set()
    await connection.execute("DELETE FROM notice_cursor")
    await follow(connection, DIRECTORY, last + NEWS_FOR)
    assert await told(connection) == {("kbri-kl", "SOON")}


async def test_a_breach_that_the_worker_saw_late_is_news_if_the_limit_was_known_in_time(
    connection: Connection,
) -> None:
    log = Log()
    at_once, long_ago = RECORDED_AT + 3.5 * MINUTE, RECORDED_AT - timedelta(days=9)
    promise = {"debtor": "kbri-kl", "creditor": "kp2mi", "what": "w", "source_kind": "OWN"}
    for ident, due_at in (("LIVE", at_once), ("FILE", long_ago)):
        data = {**promise, "commitment_id": ident, "due_at": due_at}
        log.say("CommitmentMade", "kbri-kl", after=timedelta(days=10), **data)
    log.pause(timedelta(days=3))
    for ident, due_at in (("LIVE", at_once), ("FILE", long_ago)):
        late = log.next_at() - due_at - timedelta(seconds=1)
        log.say("CommitmentBreached", "runut", after=late, commitment_id=ident, due_at=due_at)
    await project(connection, log.records)
    await follow(connection, DIRECTORY, log.next_at())
    assert await told(connection) == {(code, "LIVE") for code in ("kbri-kl", "kp2mi", "kemlu")}


async def test_each_goes_in_once_however_often_the_history_is_gone_through(
    connection: Connection,
) -> None:
    log = Log()
    log.letter("L1", "kp2mi", "kbri-kl")
    await project(connection, log.records)
    assert await follow(connection, DIRECTORY, NOW)
    assert not await follow(connection, DIRECTORY, NOW)
    await connection.execute("UPDATE notice SET delivered_at = %s", (NOW,))
    await connection.execute("DELETE FROM notice_cursor")
    assert await follow(connection, DIRECTORY, NOW)
    cursor = await connection.execute("SELECT count(*), min(delivered_at) FROM notice")
    assert await cursor.fetchone() == (1, NOW)


async def test_read_models_made_again_make_no_notice_again(
    connection: Connection, settings: Settings
) -> None:
    log = Log()
    log.letter("L1", "kp2mi", "kbri-kl")
    await project(connection, log.records)
    await follow(connection, DIRECTORY, NOW)
    await connection.execute("DELETE FROM notice")
    drop = sql.SQL("DROP SCHEMA {}, {} CASCADE")
    schemas = (settings.model_schema, settings.views_schema)
    await connection.execute(drop.format(*map(sql.Identifier, schemas)))
    await install(connection, settings)
    await project(connection, log.records)
    assert not await follow(connection, DIRECTORY, NOW)
    log.letter("L2", "kp2mi", "kbri-kl")
    await project(connection, log.records[-1:])
    assert await follow(connection, DIRECTORY, NOW)
    assert await told(connection) == {("kbri-kl", "L2")}


async def test_a_long_history_is_gone_through_piece_by_piece(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "AT_ONCE", 2)
    log = Log()
    for number in range(5):
        log.letter(f"L{number}", "kp2mi", "kbri-kl")
    await project(connection, log.records)
    looks = 0
    while await follow(connection, DIRECTORY, NOW):
        looks += 1
    assert looks == 4
    assert await told(connection) == {("kbri-kl", f"L{number}") for number in range(5)}


async def test_the_cursor_stays_where_it_was_when_notices_cannot_be_written(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise OSError("no room")

    log = Log()
    log.letter("L1", "kp2mi", "kbri-kl")
    await project(connection, log.records)
    with monkeypatch.context() as broken:
        broken.setattr(news, "enqueue", refuse)
        with pytest.raises(OSError, match="no room"):
            await follow(connection, DIRECTORY, NOW)
    await follow(connection, DIRECTORY, NOW)
    assert await told(connection) == {("kbri-kl", "L1")}


async def test_a_look_walks_the_history_by_its_place(connection: Connection) -> None:
    asked = {
        "partition": 0,
        "after": 0,
        "until": 5000,
        "types": list(CONCERNING),
        "since": NOW,
        "prompt": PROMPT,
        "ledger": "runut",
    }
    await connection.execute("SET enable_seqscan = off")
    query = b"EXPLAIN (FORMAT JSON) " + queries("notices")["news"].encode()
    cursor = await connection.execute(query, asked)
    row = await cursor.fetchone()
    assert row is not None
    assert "history_place" in str(row[0])
