"""Slow, failing and dead endpoints, and workers that die: nothing is lost, nobody waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers import notices as service
from projections import notice_outbox as outbox
from projections.notice_endpoints import endpoints, remove_endpoint
from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.directory_writer import SYSTEM
from runut.errors import NotFound
from tests.endpoints import WebhookServer, webhook_server
from tests.integration.outbox_stage import (
    NEVER,
    PROMPTLY,
    Stage,
    delivering,
    until,
    until_true,
)
from tests.integration.test_due import nodes


async def test_a_failing_endpoint_is_tried_again_then_parked_and_taken_up_on_request(
    stage: Stage, webhook: WebhookServer
) -> None:
    webhook.status = 503
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    notice_id = await stage.tell("kbri-kl")
    async with delivering(stage.settings, PROMPTLY):
        await stage.until_all_are("PARKED")
        assert webhook.ids() == [notice_id] * 3
        parked = await stage.the_notice()
        assert (parked["attempts"], parked["next_attempt_at"]) == (3, None)
        assert parked["last_error"] == "expected an answer of 2xx, found 503"
        webhook.status = 200
        now = datetime.now(UTC)
        assert await outbox.retry(stage.connection, now, agency="kp2mi") == []
        assert await outbox.retry(stage.connection, now, agency="kbri-kl") == [notice_id]
        await stage.until_all_are("DELIVERED")
    delivered = await stage.the_notice()
    assert (delivered["attempts"], delivered["delivered_to"]) == (1, webhook.url)
    assert delivered["last_error"] is None


async def test_pauses_grow_and_their_length_is_written_down(
    stage: Stage, webhook: WebhookServer
) -> None:
    webhook.status = 500
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    notice_id = await stage.tell("kbri-kl")
    async with delivering(stage.settings, outbox.PAUSES):
        for attempt, pause in enumerate(outbox.PAUSES, 1):
            await stage.until_tried(attempt)
            tried_at = datetime.now(UTC)
            found = await stage.the_notice()
            waits = datetime.fromisoformat(found["next_attempt_at"]) - tried_at
            assert pause * 0.5 < waits <= pause * 1.2
            await _hurry(stage.connection, notice_id)
        await stage.until_all_are("PARKED")
    assert len(webhook.ids()) == len(outbox.PAUSES) + 1


async def test_an_endpoint_that_does_not_answer_holds_nobody_else_back(
    stage: Stage, webhook: WebhookServer
) -> None:
    slow = ("kemnaker", "kemlu", "polri", "kp2mi", "bp3mi-ntt")
    with webhook_server() as hanging:
        hanging.open.clear()
        for agency in slow:
            await stage.send_to(agency, "WEBHOOK", hanging.url)
            for _ in range(3):
                await stage.tell(agency)
        await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
        async with delivering(stage.settings):
            await until_true(lambda: len(hanging.received) == len(slow))
            quick = [await stage.tell("kbri-kl") for _ in range(20)]
            await until_true(lambda: sorted(webhook.ids()) == sorted(quick))
            assert len(hanging.received) == len(slow), "each has one notice at a time"


async def test_a_mail_server_that_does_not_answer_holds_no_webhook_back(
    stage: Stage, webhook: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", {"WEBHOOK": 1, "EMAIL": 1})
    connected = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"smtp://127.0.0.1:{port}?from=runut@ledger.example"
        for agency in ("kemnaker", "kemlu"):
            await stage.send_to(agency, "EMAIL", f"kasus@{agency}.example")
            await stage.tell(agency)
        await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
        async with delivering(stage.settings.model_copy(update={"smtp_url": url})):
            await connected.wait()
            told = [await stage.tell("kbri-kl") for _ in range(3)]
            await until_true(lambda: webhook.ids() == told)


async def test_an_endpoint_that_answers_too_late_was_not_reached(
    stage: Stage, webhook: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.webhook.TIMEOUT_S", 0.1)
    webhook.open.clear()
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    await stage.tell("kbri-kl")
    async with delivering(stage.settings):
        await stage.until_tried(1)
    assert "no answer within" in (await stage.the_notice())["last_error"]


async def test_an_endpoint_gets_one_notice_at_a_time(stage: Stage, webhook: WebhookServer) -> None:
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    told = [await stage.tell("kbri-kl") for _ in range(30)]
    async with delivering(stage.settings):
        await stage.until_all_are("DELIVERED")
    assert webhook.ids() == told
    assert webhook.busiest == 1


async def test_what_waits_for_a_dead_endpoint_costs_a_look_nothing(stage: Stage) -> None:
    """Half of it was tried and waits for its next attempt, half has expired."""
    await stage.send_to("kbri-kl", "WEBHOOK", "https://kbri-kl.example/")
    await stage.connection.execute(
        "INSERT INTO notice (notice_id, agency, kind, subject, about, made_at, next_attempt_at,"
        " enqueued_at) SELECT gen_random_uuid(), 'kbri-kl', 'LETTER', 'case/X', 'L', now(),"
        " CASE WHEN n % 2 = 0 THEN now() + interval '1 day' END, now() - interval '15 days'"
        " FROM generate_series(1, 20000) AS n"
    )
    await stage.connection.execute("ANALYZE notice")
    now = datetime.now(UTC)
    asked = {**outbox.since(now), "now": now, "kind": "WEBHOOK", "at_work": [], "limit": 10}
    query = b"EXPLAIN (ANALYZE, FORMAT JSON) " + queries("notices")["due"].encode()
    cursor = await stage.connection.execute(query, asked)
    row = await cursor.fetchone()
    assert row is not None
    walks = [one for one in nodes(row[0][0]["Plan"]) if one.get("Relation Name") == "notice"]
    assert [one.get("Index Name") for one in walks] == ["notice_waiting"] * 2, walks
    assert [one.get("Rows Removed by Filter", 0) for one in walks] == [0, 0]


async def test_a_redirect_is_not_followed(stage: Stage, webhook: WebhookServer) -> None:
    webhook.status = 307
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    await stage.tell("kbri-kl")
    async with delivering(stage.settings):
        await stage.until_tried(1)
    assert [one.path for one in webhook.received] == ["/notices"]
    assert (await stage.the_notice())["last_error"] == "expected an answer of 2xx, found 307"


async def test_a_notice_waits_for_an_endpoint_and_not_for_ever(
    stage: Stage, webhook: WebhookServer
) -> None:
    await stage.tell("kbri-kl")
    found = await stage.the_notice()
    assert (found["state"], found["endpoint"]) == ("WAITING", None)
    figures = await outbox.figures(stage.connection, datetime.now(UTC))
    assert (figures.waiting, figures.without_endpoint, figures.parked) == (0, 1, 0)
    later = datetime.now(UTC) + outbox.WAITS_FOR_ENDPOINT
    assert [one["state"] for one in await outbox.listed(stage.connection, later)] == ["EXPIRED"]
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    assert await outbox.due(stage.connection, later, "WEBHOOK", [], 10) == []
    assert (await endpoints(stage.connection, later))[0]["waiting"] == 0
    assert (await outbox.figures(stage.connection, later)).waiting == 0
    async with delivering(stage.settings):
        await stage.until_all_are("DELIVERED")


async def test_another_endpoint_gets_at_once_what_the_last_one_did_not_take(
    stage: Stage, webhook: WebhookServer
) -> None:
    with webhook_server() as broken:
        broken.status = 500
        await stage.send_to("kbri-kl", "WEBHOOK", broken.url)
        await stage.tell("kbri-kl")
        async with delivering(stage.settings, NEVER):
            await stage.until_tried(1)
            await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
            await stage.until_all_are("DELIVERED")
    assert len(webhook.received) == 1
    await remove_endpoint(stage.connection, "kbri-kl")
    with pytest.raises(NotFound, match="endpoint of kbri-kl"):
        await remove_endpoint(stage.connection, "kbri-kl")


@pytest.mark.parametrize("code", ["nobody", SYSTEM])
async def test_only_an_agency_that_is_told_anything_has_an_endpoint(
    stage: Stage, code: str
) -> None:
    with pytest.raises(NotFound, match=f"agency {code}"):
        await stage.send_to(code, "EMAIL", "x@example.org")


async def test_whoever_dies_with_a_notice_in_hand_leaves_it_to_the_next_one(
    stage: Stage, webhook: WebhookServer
) -> None:
    webhook.open.clear()
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    notice_id = await stage.tell("kbri-kl")
    async with delivering(stage.settings):
        await until_true(lambda: webhook.received)
    assert (await stage.the_notice())["state"] == "WAITING"
    webhook.open.set()
    async with delivering(stage.settings):
        await stage.until_all_are("DELIVERED")
    assert webhook.ids() == [notice_id, notice_id]


async def test_of_two_workers_one_delivers_and_the_other_takes_over(
    stage: Stage, webhook: WebhookServer
) -> None:
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    async with delivering(stage.settings) as first, delivering(stage.settings):
        told = [await stage.tell("kbri-kl") for _ in range(10)]
        await stage.until_all_are("DELIVERED")
        for task in first:
            task.cancel()
        await asyncio.wait(first)
        told += [await stage.tell("kbri-kl") for _ in range(10)]
        await stage.until_all_are("DELIVERED")
    assert sorted(webhook.ids()) == sorted(told)


async def test_a_leader_that_loses_the_database_leads_again(
    stage: Stage, webhook: WebhookServer
) -> None:
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'runut notices'"
    )
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    async with delivering(stage.settings):
        for _ in range(3):
            await stage.tell("kbri-kl")
            await stage.until_all_are("DELIVERED")
            await stage.connection.execute(kill)
    assert len(set(webhook.ids())) == 3


async def test_a_worker_without_the_ledgers_key_leaves_notices_to_one_that_has_it(
    stage: Stage, webhook: WebhookServer, tmp_path: Path
) -> None:
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    await stage.tell("kbri-kl")
    elsewhere = stage.settings.model_copy(update={"data": tmp_path / "elsewhere"})
    async with delivering(elsewhere):
        await until(lambda: _nobody_leads(stage.connection))
        async with delivering(stage.settings):
            await stage.until_all_are("DELIVERED")
    assert (await stage.the_notice())["attempts"] == 1


async def _nobody_leads(connection: Connection) -> bool:
    """Somebody led and gave it up: the connection is gone."""
    cursor = await connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'runut notices'"
    )
    return await cursor.fetchone() == (0,)


async def _hurry(connection: Connection, notice_id: str) -> None:
    await connection.execute(
        "UPDATE notice SET next_attempt_at = CURRENT_TIMESTAMP WHERE notice_id = %s", (notice_id,)
    )
