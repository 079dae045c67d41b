"""From a limit that passes to those who are told: all services, a ledger with a test clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from consumers.deadlines import Deadlines
from consumers.projector import Projector
from projections.install import install
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters.postgres import connected
from runut.settings import Settings
from tests.endpoints import WebhookServer
from tests.integration.outbox_stage import DEADLINE_S, Stage, delivering, until_true
from tests.timed import Timed, found_timed

CASE = "case/KBRI-1"
VERIFICATION = "VERIFICATION:KBRI-1:kbri-kl"
MONDAY = datetime(2025, 5, 5, 2, tzinfo=UTC)
LIMIT = datetime(2025, 5, 8, 16, 59, 59, tzinfo=UTC)
A_DAY_BEFORE = datetime(2025, 5, 7, 17, tzinfo=UTC)
DAYS_LATER = LIMIT + timedelta(days=3)
CODES = {"country": "MY", "intake": "WALK_IN", "relation": "FAMILY", "phase": "DURING"}
KIND = {"category": "UNPAID_WAGES", "urgency": "URGENT", "sector": "FORMAL"}
REST = {"placement": "PROCEDURAL", "summary": "-", "custodian": "kbri-kl"}
LETTER = {"letter_id": "L1", "number": "1", "dated": "2025-05-05", "doc_type": "OFFICIAL_LETTER"}
ADDRESS = {"urgency": "NORMAL", "title": "-", "to": ["kbri-kl"], "reply_expected": False}


@pytest.fixture
async def timed_stage(
    settings: Settings, schema_ids: Mapping[str, int]
) -> AsyncIterator[tuple[Stage, Timed]]:
    quick = await found_timed(settings, schema_ids)
    async with (
        connected(quick, name="tests", autocommit=True) as connection,
        Producer(quick) as producer,
    ):
        await install(connection, quick)
        yield Stage(quick, connection), Timed(producer)


async def test_debtor_creditor_and_superior_are_told_by_themselves(
    timed_stage: tuple[Stage, Timed], webhook: WebhookServer
) -> None:
    def told() -> set[tuple[str, str, str]]:
        events = [one.notice["data"] for one in list(webhook.received)]
        return {(one["agency"], one["kind"], one["about"]) for one in events}

    stage, timed = timed_stage
    before = {("kbri-kl", "LETTER", "L1"), ("kbri-kl", "REMINDER", VERIFICATION)}
    after = {
        ("kbri-kl", "BREACH", VERIFICATION),
        ("kp2mi", "BREACH", VERIFICATION),
        ("kemlu", "BREACH", VERIFICATION),
        ("kemlu", "ESCALATION", VERIFICATION),
    }
    services = [Projector(stage.settings).run(), Deadlines(stage.settings).run()]
    async with delivering(stage.settings), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in services]
        await timed.emit("CaseReported", CASE, "kp2mi", MONDAY, **CODES, **KIND, **REST)
        await timed.emit("LetterSent", CASE, "kp2mi", MONDAY, **LETTER, **ADDRESS)
        assert await wait_until_projected(stage.connection, timed.ends, deadline_s=DEADLINE_S)
        for agency in ("kbri-kl", "kp2mi", "kemlu"):
            await stage.send_to(agency, "WEBHOOK", webhook.url)
        await timed.pass_to(A_DAY_BEFORE)
        await until_true(lambda: told() == before)
        await timed.pass_to(DAYS_LATER)
        await until_true(lambda: told() == before | after)
        for task in tasks:
            task.cancel()
    assert len(webhook.ids()) == len(set(webhook.ids())) == len(before | after)
