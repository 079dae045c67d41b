"""Notices on their way to real HTTP and SMTP servers, from a real outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from consumers import notices as service
from consumers.notices import Notices, Offer
from consumers.projector import Projector
from consumers.worker import build_app
from embedded.platform import Endpoints
from projections import notice_outbox as outbox
from projections.install import install
from projections.notice_endpoints import endpoints, remove_endpoint, set_endpoint
from projections.notice_outbox import EndpointKind
from projections.notices import Notice, NoticeKind, enqueue
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters.postgres import Connection, connected
from runut.directory_follower import DirectoryFollower
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.errors import NotFound
from runut.founding import announced_schemas, key_payload
from runut.keystore import KeyStore, SigningKey
from runut.settings import Settings
from runut.webhooks import public_key_text
from tests.builders import ROOT
from tests.endpoints import Mailbox, WebhookServer, smtp_server, webhook_server
from tests.ledgers import found, introduce_agencies, own_settings

DEADLINE_S = 20.0
PROMPTLY = [timedelta(0)] * 2
"""Pauses that need no waiting: three attempts in all."""
NEVER = [timedelta(days=1)]
DUE_AT = datetime(2026, 1, 5, 16, 59, 59, tzinfo=UTC)


class Stage:
    """A ledger whose directory is projected, and its outbox."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.settings = settings
        self.connection = connection

    async def tell(self, agency: str, kind: NoticeKind = "LETTER", about: str = "L1") -> str:
        """Put a notice into the outbox; gives its id."""
        notice = Notice(
            str(uuid4()), agency, kind, "case/X", about, due_at=DUE_AT, made_at=datetime.now(UTC)
        )
        await enqueue(self.connection, [notice])
        return notice.notice_id

    async def send_to(self, agency: str, kind: EndpointKind, address: str) -> None:
        await set_endpoint(self.connection, agency, kind, address, datetime.now(UTC))

    async def states(self) -> dict[str, str]:
        listed = await outbox.listed(self.connection, datetime.now(UTC))
        return {one["notice_id"]: one["state"] for one in listed}

    async def the_notice(self) -> dict[str, Any]:
        [found] = await outbox.listed(self.connection, datetime.now(UTC))
        return found

    async def until_all_are(self, state: str) -> None:
        async def so() -> bool:
            return set((await self.states()).values()) == {state}

        await until(so)

    async def until_tried(self, times: int) -> None:
        async def so() -> bool:
            found = await outbox.listed(self.connection, datetime.now(UTC))
            return any(one["attempts"] >= times for one in found)

        await until(so)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def until_true(condition: Callable[[], object]) -> None:
    async def so() -> bool:
        return bool(condition())

    await until(so)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader looks often, and a new one takes over soon."""
    monkeypatch.setattr(service, "TICK_S", 0.05)
    monkeypatch.setattr("consumers.leadership.POLL_S", 0.05)


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with webhook_server() as server:
        yield server


@pytest.fixture(scope="module")
async def projected(
    platform: Endpoints, schema_ids: Mapping[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a ledger whose directory is projected; the tests of this module share it."""
    settings = own_settings(platform, tmp_path_factory.mktemp("notices"))
    await found(settings, schema_ids)
    await introduce_agencies(settings)
    async with DirectoryFollower(settings) as follower:
        size = follower.log.size
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        async with projecting(settings):
            await until(lambda: _has(connection, "SELECT count(*) FROM directory_record", size))
    return settings


@pytest.fixture
async def stage(projected: Settings) -> AsyncIterator[Stage]:
    """An empty outbox."""
    async with connected(projected, name="tests", autocommit=True) as connection:
        await connection.execute("TRUNCATE notice, notice_endpoint")
        yield Stage(projected, connection)


@asynccontextmanager
async def projecting(settings: Settings) -> AsyncIterator[None]:
    projector = asyncio.create_task(Projector(settings).run())
    try:
        yield
    finally:
        projector.cancel()
        await asyncio.wait([projector])


async def _has(connection: Connection, query: str, wanted: object) -> bool:
    cursor = await connection.execute(query)
    return await cursor.fetchone() == (wanted,)


@asynccontextmanager
async def delivering(
    settings: Settings, pauses: Sequence[timedelta] = NEVER
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """The service and its agent's loop in this process, stopped at the end of the block."""
    offers: asyncio.Queue[Offer] = asyncio.Queue()
    notices = Notices(settings, offers.put, pauses)

    async def stream() -> AsyncIterator[Offer]:
        while True:
            yield await offers.get()

    tasks = [asyncio.create_task(notices.run()), asyncio.create_task(notices.deliver(stream()))]
    try:
        yield tasks
        ended = [task for task in tasks if task.done() and not task.cancelled()]
        assert [task.exception() for task in ended] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def documented_check() -> Callable[[str, Any, bytes], bool]:
    """The check of signatures that the how-to page shows, which uses nothing of ours."""
    page = (ROOT / "docs" / "howto" / "receive-notices.md").read_text()
    program = page.partition("```python receive.py\n")[2].partition("```")[0]
    space: dict[str, Any] = {"__name__": "receive"}
    exec(compile(program, "receive.py", "exec"), space)
    return space["is_from"]  # type: ignore[no-any-return]


async def test_a_webhook_gets_a_cloud_event_that_the_documented_code_verifies(
    stage: Stage, webhook: WebhookServer
) -> None:
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    notice_id = await stage.tell("kbri-kl", "LETTER", "SURAT-1")
    async with delivering(stage.settings):
        await stage.until_all_are("DELIVERED")
    [received] = webhook.received
    event = received.notice
    assert received.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (event["specversion"], event["id"]) == ("1.0", notice_id)
    assert (event["source"], event["type"]) == ("/ledgers/runut", "runut.notices.Letter")
    assert event["subject"] == "case/X"
    assert event["data"] == {
        "agency": "kbri-kl",
        "kind": "LETTER",
        "about": "SURAT-1",
        "due_at": "2026-01-05T16:59:59Z",
        "text": {
            "id": "Surat SURAT-1 pada kasus X ditujukan kepada instansi Anda. "
            "Balasan ditunggu sampai 6 Januari 2026 pukul 00.59 UTC+08.",
            "en": "Letter SURAT-1 on case X is addressed to your agency. "
            "A reply is awaited until 6 January 2026 at 00:59 UTC+08.",
        },
    }
    is_from = documented_check()
    key = public_key_text(KeyStore(stage.settings.keys).get(SYSTEM).public_key)
    other = public_key_text(KeyStore(stage.settings.keys).get("kp2mi").public_key)
    assert is_from(key, received.headers, received.body)
    assert not is_from(other, received.headers, received.body)
    assert not is_from(key, received.headers, received.body.replace(b"SURAT-1", b"SURAT-2"))
    assert not is_from(key, {**received.headers, "webhook-id": str(uuid4())}, received.body)
    assert not is_from(key, {**received.headers, "webhook-timestamp": "0"}, received.body)


async def test_while_the_ledger_changes_its_key_a_webhook_verifies_under_both(
    stage: Stage, webhook: WebhookServer
) -> None:
    old = KeyStore(stage.settings.keys).get(SYSTEM)
    new = await _publish_another_key(stage.settings)
    async with projecting(stage.settings):
        await until(lambda: _knows_key(stage, new.key_id))
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    await stage.tell("kbri-kl")
    async with delivering(stage.settings):
        await stage.until_all_are("DELIVERED")
    [received] = webhook.received
    is_from = documented_check()
    for key in (old, new):
        assert is_from(public_key_text(key.public_key), received.headers, received.body)


async def test_an_e_mail_says_it_in_both_languages_and_that_a_machine_wrote_it(
    stage: Stage,
) -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as server:
        settings = _with_smtp(stage, f"smtp://{server}?from=runut@ledger.example")
        await stage.send_to("kbri-kl", "EMAIL", "kasus@kbri-kl.example")
        notice_id = await stage.tell("kbri-kl", "BREACH", "JANJI-1")
        async with delivering(settings):
            await stage.until_all_are("DELIVERED")
    [letter], [recipients] = mailbox.letters, mailbox.recipients
    assert recipients == ["kasus@kbri-kl.example"]
    assert letter["To"] == "kasus@kbri-kl.example"
    assert letter["From"] == "runut@ledger.example"
    assert letter["Message-ID"] == f"<{notice_id}@ledger.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == "[Runut] Tenggat terlewati: kasus X / Limit passed: case X"
    text = letter.get_content()
    assert letter.get_content_type() == "text/plain"
    assert text.index("Komitmen JANJI-1 pada kasus X") < text.index("Commitment JANJI-1 on case X")


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
            await stage.tell(agency)
        await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
        async with delivering(stage.settings):
            await until_true(lambda: len(hanging.received) == len(slow))
            quick = [await stage.tell("kbri-kl") for _ in range(20)]
            await until_true(lambda: sorted(webhook.ids()) == sorted(quick))
            assert len(hanging.received) == len(slow)


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


async def test_a_redirect_is_not_followed(stage: Stage, webhook: WebhookServer) -> None:
    webhook.status = 307
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    await stage.tell("kbri-kl")
    async with delivering(stage.settings):
        await stage.until_tried(1)
    assert [one.path for one in webhook.received] == ["/notices"]
    assert (await stage.the_notice())["last_error"] == "expected an answer of 2xx, found 307"


async def test_a_dead_endpoint_and_a_refusing_mail_server_say_why(stage: Stage) -> None:
    with webhook_server() as gone:
        url = gone.url
    await stage.send_to("kbri-kl", "WEBHOOK", url)
    await stage.send_to("kemlu", "EMAIL", "full@kemlu.example")
    await stage.send_to("polri", "EMAIL", "tppo@polri.example")
    for agency in ("kbri-kl", "kemlu", "polri"):
        await stage.tell(agency)
    mailbox = Mailbox()
    async with smtp_server(mailbox) as server:
        settings = _with_smtp(stage, f"smtp://{server}?from=runut@ledger.example")
        async with delivering(settings):
            await until(lambda: _all_tried(stage, 3))
    errors = {one["agency"]: one["last_error"] for one in await _listed(stage)}
    assert "ConnectError" in errors["kbri-kl"]
    assert "452" in errors["kemlu"]
    assert errors["polri"] is None
    assert mailbox.recipients == [["tppo@polri.example"]]


async def test_without_a_mail_server_an_e_mail_fails_and_names_the_setting(stage: Stage) -> None:
    await stage.send_to("kbri-kl", "EMAIL", "kasus@kbri-kl.example")
    await stage.tell("kbri-kl")
    async with delivering(stage.settings):
        await stage.until_tried(1)
    assert "RUNUT_SMTP_URL" in (await stage.the_notice())["last_error"]


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
    assert await outbox.due(stage.connection, later, [], 10) == []
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


async def test_a_letter_reaches_its_addressee_through_the_worker_as_it_is(
    stage: Stage, webhook: WebhookServer
) -> None:
    """Kafka, the projector, the follower of the history, Faust's agent, the webhook."""
    await stage.send_to("kbri-kl", "WEBHOOK", webhook.url)
    app = build_app(stage.settings)
    await app.start()
    try:
        await _send_letter(stage)
        await stage.until_all_are("DELIVERED")
    finally:
        await app.stop()
    [received] = webhook.received
    assert received.notice["data"]["about"] == "SURAT-1"
    assert received.notice["data"]["due_at"] is not None


async def _send_letter(stage: Stage) -> None:
    case = {"subject": "case/X", "agency": "bp3mi-ntt"}
    reported = {
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
    letter = {
        "letter_id": "SURAT-1",
        "number": "1",
        "dated": "2026-01-05",
        "doc_type": "OFFICIAL_LETTER",
        "urgency": "NORMAL",
        "title": "t",
        "to": ["kbri-kl"],
        "reply_expected": True,
    }
    async with Producer(stage.settings) as producer:
        await producer.emit("CaseReported", **case, data=reported)
        receipt = await producer.emit("LetterSent", **case, data=letter)
    ends = {receipt.partition: receipt.offset}
    assert await wait_until_projected(stage.connection, ends, deadline_s=DEADLINE_S)


async def _publish_another_key(settings: Settings) -> SigningKey:
    keys = KeyStore(settings.keys)
    new = keys.new(SYSTEM)
    schema_ids = await announced_schemas(settings)
    async with DirectoryWriter(settings, keys, schema_ids) as writer:
        payload = key_payload(new, "SELF", writer.written_at)
        await writer.publish([writer.compose("AgencyKeyPublished", f"agency/{SYSTEM}", payload)])
    return new


async def _knows_key(stage: Stage, key_id: str) -> bool:
    cursor = await stage.connection.execute(
        "SELECT count(*) FROM directory_record WHERE position(convert_to(%s, 'UTF8') in value) > 0",
        (key_id,),
    )
    return await cursor.fetchone() != (0,)


async def _nobody_leads(connection: Connection) -> bool:
    """Somebody led and gave it up: the connection is gone."""
    cursor = await connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'runut notices'"
    )
    return await cursor.fetchone() == (0,)


async def _listed(stage: Stage) -> list[dict[str, Any]]:
    return await outbox.listed(stage.connection, datetime.now(UTC))


async def _all_tried(stage: Stage, count: int) -> bool:
    return sum(one["attempts"] > 0 for one in await _listed(stage)) == count


async def _hurry(connection: Connection, notice_id: str) -> None:
    await connection.execute(
        "UPDATE notice SET next_attempt_at = CURRENT_TIMESTAMP WHERE notice_id = %s", (notice_id,)
    )


def _with_smtp(stage: Stage, url: str) -> Settings:
    return stage.settings.model_copy(update={"smtp_url": url})
