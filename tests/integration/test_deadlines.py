"""What follows when a limit has passed, on real services, in a ledger with a test clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from consumers import deadlines, horizon
from consumers.deadlines import Deadlines
from consumers.horizon import Horizon
from consumers.projector import Projector
from projections.install import install
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters import kafka
from runut.adapters.postgres import Connection, connected
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.settings import Settings
from tests.integration.logs import read_log
from tests.timed import TICK_S, Timed, found_timed, is_reminded

DEADLINE_S = 60.0
CASE = "case/KBRI-1"
MONDAY = datetime(2025, 5, 5, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def end_of(day: int) -> datetime:
    """23:59:59 in Jakarta on a day of May 2025."""
    return datetime(2025, 5, day, 16, 59, 59, tzinfo=UTC)


@asynccontextmanager
async def running(*services: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Services in this process, stopped at the end of the block; a failed one ends the test."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in services]
        yield
        for task in tasks:
            task.cancel()


class Stage:
    """A ledger, its read models, and what the ledger itself said."""

    def __init__(self, settings: Settings, connection: Connection, timed: Timed) -> None:
        self.settings = settings
        self.connection = connection
        self.timed = timed
        self.emit = timed.emit

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not await condition():
                await asyncio.sleep(0.02)

    async def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(query, values)
        return await cursor.fetchall()

    async def said(self) -> list[tuple[str, str, datetime]]:
        """The ledger's own events as they were recorded: type, what about, when."""
        return [
            (row[0], row[1], row[2])
            for row in await self.ask(
                "SELECT type, coalesce(data ->> 'commitment_id', data ->> 'transfer_id'), "
                "occurred_at FROM history WHERE agency = 'runut' ORDER BY occurred_at, seq"
            )
        ]

    async def until_said(self, count: int) -> list[tuple[str, str, datetime]]:
        async def is_said() -> bool:
            return len(await self.said()) >= count

        await self.until(is_said)
        return await self.said()


@pytest.fixture
async def stage(settings: Settings, schema_ids: Mapping[str, int]) -> AsyncIterator[Stage]:
    quick = await found_timed(settings, schema_ids)
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            connected(quick, name="tests", autocommit=True)
        )
        await install(connection, quick)
        producer = await stack.enter_async_context(Producer(quick))
        yield Stage(quick, connection, Timed(producer))


async def report(stage: Stage, subject: str = CASE, at: datetime = MONDAY) -> None:
    """A case of kbri-kl that kp2mi reported: its verification is due on Thursday."""
    codes = {"country": "MY", "intake": "WALK_IN", "relation": "FAMILY", "phase": "DURING"}
    kind = {"category": "UNPAID_WAGES", "urgency": "URGENT", "sector": "FORMAL"}
    rest = {"placement": "PROCEDURAL", "summary": "-", "custodian": "kbri-kl"}
    await stage.emit("CaseReported", subject, "kp2mi", at, **codes, **kind, **rest)


async def promise(
    stage: Stage, ident: str, due_at: datetime, at: datetime = MONDAY, debtor: str = "polri"
) -> None:
    """Something that an agency owes kp2mi on the case; nobody is above polri but the arbiter."""
    parties = {"debtor": debtor, "creditor": "kp2mi", "what": "-", "source_kind": "OWN"}
    data = {**parties, "commitment_id": ident, "due_at": due_at}
    await stage.emit("CommitmentMade", CASE, debtor, at, **data)


async def offer(stage: Stage, ident: str, at: datetime) -> None:
    """kbri-kl offers its case to bp3mi-ntt, which has three working days to answer."""
    data = {"transfer_id": ident, "to": "bp3mi-ntt", "ground": "MANDATE", "reason": "-"}
    await stage.emit("TransferOffered", CASE, "kbri-kl", at, **data)


VERIFICATION = "VERIFICATION:KBRI-1:kbri-kl"
A_SECOND = timedelta(seconds=1)


async def test_a_limit_that_passes_is_a_breach_that_climbs_the_ladder(stage: Stage) -> None:
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage)
        await stage.timed.pass_to(end_of(8) + DAY)
        await stage.until_said(2)
        await stage.timed.pass_to(end_of(30))
        await stage.until_said(3)
        await stage.timed.pass_to(end_of(30) + 60 * DAY)
        await promise(stage, "LAST", end_of(30) + 61 * DAY, at=end_of(30) + 60 * DAY)
        await stage.timed.pass_to(end_of(30) + 62 * DAY)
        await stage.until_said(5)
    log = await read_log(stage.settings)
    own = [one for one in log.on_subject(CASE) if one.event.agency == "runut"]
    # Waisak: 12 and 13 May are not worked, and level 1 came a moment after the 8th was over.
    assert [(one.event.type, one.event.occurred_at, one.event.data) for one in own[:3]] == [
        (
            "CommitmentBreached",
            end_of(8) + A_SECOND,
            {"commitment_id": VERIFICATION, "due_at": end_of(8), "rule": "pmi-1 VERIFICATION 3wd"},
        ),
        (
            "EscalationRaised",
            end_of(8) + 2 * A_SECOND,
            {"commitment_id": VERIFICATION, "to": "kemlu", "level": 1},
        ),
        (
            "EscalationRaised",
            end_of(16) + A_SECOND,
            {"commitment_id": VERIFICATION, "to": "kp2mi", "level": 2},
        ),
    ]
    assert [one.event.data["commitment_id"] for one in own[3:]] == ["LAST", "LAST"]
    report_id = log.on_subject(CASE)[0].event.event_id
    assert {one.event.meta["causation_id"] for one in own[:3]} == {report_id}
    assert await stage.ask(
        "SELECT DISTINCT verdict, signature FROM history WHERE agency = 'runut'"
    ) == [("EFFECTIVE", "VALID")]


async def test_who_has_no_superior_is_brought_before_the_arbiter_at_once(stage: Stage) -> None:
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage)
        await promise(stage, "P", end_of(6))
        await promise(stage, "ARBITERS-OWN", end_of(6), debtor="kp2mi")
        await stage.timed.pass_to(end_of(7))
        await stage.until_said(3)
        await stage.timed.pass_to(end_of(30))
        await stage.until_said(6)  # and VERIFICATION's three
    escalated = await stage.ask(
        "SELECT data ->> 'to', data -> 'level' FROM history "
        "WHERE type = 'EscalationRaised' AND data ->> 'commitment_id' = 'P'"
    )
    assert escalated == [("kp2mi", 2)]
    # Nobody is above kp2mi: it is told of by its breach alone.
    assert [what for what, about, _ in await stage.said() if about == "ARBITERS-OWN"] == [
        "CommitmentBreached"
    ]


async def test_nothing_is_said_about_what_was_recorded_after_its_limit(stage: Stage) -> None:
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage)
        late, parties = end_of(6) + A_SECOND, {"debtor": "polri", "creditor": "kp2mi"}
        data = {**parties, "what": "-", "source_kind": "OWN", "due_at": end_of(6)}
        past = {**data, "commitment_id": "FROM-A-FILE"}
        await stage.timed.record("CommitmentMade", CASE, "polri", MONDAY, late, past)
        offered = {"transfer_id": "T", "to": "polri", "ground": "MANDATE", "reason": "-"}
        answer_by = {**offered, "answer_due_at": end_of(6)}
        await stage.timed.record("TransferOffered", CASE, "kbri-kl", MONDAY, late, answer_by)
        await stage.timed.pass_to(end_of(9))
        await stage.until_said(2)
    assert {about for _, about, _ in await stage.said()} == {VERIFICATION}


async def test_an_offer_that_nobody_answers_lapses_and_the_second_goes_to_the_arbiter(
    stage: Stage,
) -> None:
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage)
        await stage.emit("CaseVerified", CASE, "kbri-kl", MONDAY, result="VERIFIED", note="-")
        await offer(stage, "T1", MONDAY)
        await stage.timed.pass_to(end_of(8) + timedelta(hours=1))
        await stage.until_said(2)
        await offer(stage, "T2", MONDAY + 4 * DAY)
        await stage.timed.pass_to(end_of(16) + timedelta(hours=1))
        said = await stage.until_said(5)
    first, second = "TRANSFER_ANSWER:T1:bp3mi-ntt", "TRANSFER_ANSWER:T2:bp3mi-ntt"
    assert said == [
        ("CommitmentBreached", first, end_of(8) + A_SECOND),
        ("TransferLapsed", "T1", end_of(8) + A_SECOND),
        ("CommitmentBreached", second, end_of(16) + A_SECOND),
        ("TransferLapsed", "T2", end_of(16) + A_SECOND),
        ("TransferEscalated", "T2", end_of(16) + 2 * A_SECOND),
    ]
    state = await stage.ask(
        "SELECT state ->> 'arbiter', state ->> 'open_transfer' FROM subject WHERE subject = %s",
        CASE,
    )
    assert state == [("kp2mi", None)]


async def test_an_extended_limit_may_be_breached_once_more(stage: Stage) -> None:
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage, at=MONDAY)
        await promise(stage, "P", end_of(6))
        extension = {"commitment_id": "P", "new_due_at": end_of(7), "reason": "-"}
        await stage.timed.pass_to(end_of(6) + DAY / 2)
        await stage.until_said(2)
        # Granted in time, and recorded late: it counts, and so does the breach before it.
        recorded_at = end_of(6) + DAY * 3 / 4
        await stage.timed.record(
            "ExtensionGranted", CASE, "kp2mi", end_of(6), recorded_at, extension
        )
        await stage.timed.pass_to(end_of(7) + DAY / 2)
        said = await stage.until_said(4)
    assert said == [
        ("CommitmentBreached", "P", end_of(6) + A_SECOND),
        ("EscalationRaised", "P", end_of(6) + 2 * A_SECOND),
        ("CommitmentBreached", "P", end_of(7) + A_SECOND),
        ("EscalationRaised", "P", end_of(7) + 2 * A_SECOND),
    ]


async def test_after_an_outage_everything_is_caught_up_with_in_due_order(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "AT_ONCE", 7)
    days = [day for day in range(6, 31) for _ in range(2)]
    async with running(Projector(stage.settings).run()):
        await report(stage)
        for number, day in enumerate(reversed(days)):
            await promise(stage, f"P{number}", end_of(day), debtor="kp2mi")
        await stage.timed.pass_to(end_of(30) + DAY)
        async with running(Deadlines(stage.settings).run()):
            said = await stage.until_said(len(days) + 3)
    log = await read_log(stage.settings)
    breaches = [o.event for o in log.on_subject(CASE) if o.event.type == "CommitmentBreached"]
    dues = [event.data["due_at"] for event in breaches]
    assert dues == sorted([end_of(8), *map(end_of, days)])
    assert len(said) == len(set(said)) == len(days) + 3


async def test_a_fulfilment_in_the_log_is_never_overtaken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit passes while nothing is projected, and the fulfilment is in the log already."""
    asked = asyncio.Event()

    async def wait(*given: Any, **named: Any) -> bool:
        asked.set()
        return await wait_until_projected(*given, **named)

    monkeypatch.setattr(horizon, "wait_until_projected", wait)
    async with running(Projector(stage.settings).run()):
        await report(stage)
        await promise(stage, "KEPT", end_of(6))
        await promise(stage, "BROKEN", end_of(6))
        await stage.timed.pass_to(end_of(6) + DAY)
        await wait_until_projected(stage.connection, stage.timed.ends, deadline_s=DEADLINE_S)
    await stage.emit("FulfilmentReported", CASE, "polri", end_of(6), commitment_id="KEPT")
    review = {"commitment_id": "KEPT", "accepted": True}
    await stage.emit("FulfilmentReviewed", CASE, "kp2mi", end_of(6), **review)
    async with running(Deadlines(stage.settings).run()):
        async with asyncio.timeout(DEADLINE_S):
            await asked.wait()
        async with running(Projector(stage.settings).run()):
            await stage.until_said(2)
    assert {about for _, about, _ in await stage.said()} == {"BROKEN"}


async def test_of_several_services_one_speaks_and_another_takes_over(stage: Stage) -> None:
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'runut deadlines' AND datname = current_database()"
    )
    services = [Deadlines(stage.settings).run() for _ in range(3)]
    async with running(Projector(stage.settings).run(), *services):
        await report(stage)
        for day in range(6, 16):
            await promise(stage, f"P{day}", end_of(day), debtor="kp2mi")
        for day in range(6, 16):
            await stage.timed.pass_to(end_of(day) + DAY / 2)
            await stage.ask(kill)
        await stage.until_said(12)
    log = await read_log(stage.settings)
    own = [one.event for one in log.on_subject(CASE) if one.event.agency == "runut"]
    assert len(own) == 12
    assert len({event.event_id for event in own}) == 12


async def test_what_the_log_refused_is_not_sent_again_and_hides_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A breach that was corrected is in the log for ever, and the commitment is past its limit."""
    monkeypatch.setattr(deadlines, "AT_ONCE", 1)
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage)
        await promise(stage, "CORRECTED", end_of(6), debtor="kp2mi")
        await stage.timed.pass_to(end_of(6) + DAY / 2)
        await stage.until_said(1)
        log = await read_log(stage.settings)
        breach = next(one.event for one in log.events if one.event.agency == "runut")
        correction = {"target": breach.event_id, "reason": "-"}
        await stage.emit("EventCorrected", CASE, "runut", end_of(6) + DAY / 2, **correction)
        await promise(stage, "LATER", end_of(7), at=end_of(6) + DAY / 2, debtor="kp2mi")
        await stage.timed.pass_to(end_of(7) + DAY / 2)
        said = await stage.until_said(3)
    assert [(what, about) for what, about, _ in said] == [
        ("CommitmentBreached", "CORRECTED"),
        ("EventCorrected", None),
        ("CommitmentBreached", "LATER"),
    ]


async def test_without_the_ledgers_key_a_worker_leaves_the_lead_to_one_that_has_it(
    stage: Stage, tmp_path: Path
) -> None:
    keyless = stage.settings.model_copy(update={"data": tmp_path / "elsewhere"})
    async with running(Projector(stage.settings).run(), Deadlines(keyless).run()):
        await report(stage)
        await stage.timed.pass_to(end_of(9))
        await wait_until_projected(stage.connection, stage.timed.ends, deadline_s=DEADLINE_S)
        async with running(Deadlines(stage.settings).run()):
            assert len(await stage.until_said(2)) == 2


async def test_the_round_waits_out_the_grace_where_the_brokers_clock_counts(
    ledger: Settings, connection: Connection
) -> None:
    graceful = ledger.model_copy(update={"deadline_grace_s": 30.0})
    consumer = kafka.consumer(graceful)
    async with (
        kafka.connected(graceful, consumer),
        DirectoryFollower(graceful) as follower,
        running(Projector(graceful).run()),
    ):
        founding = founded(follower.log.latest.ledger)
        before = datetime.now(UTC)
        known = await Horizon(graceful, founding, connection, consumer).reach()
    assert known is not None
    assert timedelta() <= known.until - (before - timedelta(seconds=30)) < timedelta(seconds=30)
    assert known.now is None


async def test_where_the_brokers_clock_counts_a_limit_passes_by_itself(
    ledger: Settings, connection: Connection
) -> None:
    impatient = ledger.model_copy(update={"deadline_grace_s": 0.2, "deadline_tick_s": TICK_S})
    due_at = datetime.now(UTC) + timedelta(seconds=2)
    parties = {"debtor": "kp2mi", "creditor": "polri", "what": "-", "source_kind": "OWN"}
    decision = {"decision_id": "D", "text": "-", "adopters": [], "follow_up": "COMMITMENTS"}
    meeting = {"title": "-", "starts_at": due_at, "mode": "ONLINE", "chair": "kp2mi"}
    async with (
        Producer(ledger) as producer,
        running(Projector(impatient).run(), Deadlines(impatient).run()),
    ):
        for event_type, data in (
            ("MeetingScheduled", meeting),
            ("DecisionRecorded", {**decision, "meeting": "meeting/M1"}),
            ("CommitmentMade", {**parties, "commitment_id": "P", "due_at": due_at}),
        ):
            await producer.emit(event_type, subject="meeting/M1", agency="kp2mi", data=data)
        found: list[tuple[Any, ...]] = []
        async with asyncio.timeout(DEADLINE_S):
            while not found:
                cursor = await connection.execute(
                    "SELECT type, verdict, occurred_at, recorded_at > occurred_at FROM history "
                    "WHERE agency = 'runut'"
                )
                found = await cursor.fetchall()
                await asyncio.sleep(0.02)
    assert found == [("CommitmentBreached", "EFFECTIVE", due_at + A_SECOND, True)]


async def reminders(stage: Stage) -> list[tuple[Any, ...]]:
    return await stage.ask("SELECT agency, about, due_at FROM notice ORDER BY about, due_at")


async def test_debtors_are_reminded_once_on_the_working_day_before(stage: Stage) -> None:
    async def has_reminded(count: int) -> bool:
        return len(await reminders(stage)) >= count

    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await report(stage, at=MONDAY)
        await stage.timed.pass_to(MONDAY)
        await stage.until(lambda: is_reminded(stage.connection, end_of(6)))
        await promise(stage, "TOO-SOON", end_of(6))
        await promise(stage, "REPORTED", end_of(14))
        await promise(stage, "AFTER-WAISAK", end_of(14))
        await promise(stage, "ITS-OWN", end_of(14), debtor="runut")
        await stage.emit("FulfilmentReported", CASE, "polri", MONDAY, commitment_id="REPORTED")
        await stage.timed.pass_to(MONDAY + 2 * DAY)
        await stage.until(lambda: has_reminded(1))
        await stage.timed.pass_to(MONDAY + 4 * DAY)  # a Friday: the next working day is the 14th
        await stage.until(lambda: has_reminded(2))
    wanted = [("polri", "AFTER-WAISAK", end_of(14)), ("kbri-kl", VERIFICATION, end_of(8))]
    assert await reminders(stage) == wanted
    await stage.connection.execute(
        sql.SQL("DROP SCHEMA {}, {} CASCADE").format(
            sql.Identifier(stage.settings.model_schema), sql.Identifier(stage.settings.views_schema)
        )
    )
    async with running(Projector(stage.settings).run(), Deadlines(stage.settings).run()):
        await promise(stage, "NEW", end_of(16), at=MONDAY + 4 * DAY)
        await stage.timed.pass_to(end_of(15))
        await stage.until(lambda: has_reminded(3))
    assert await reminders(stage) == [*wanted[:1], ("polri", "NEW", end_of(16)), *wanted[1:]]
