"""Notices on their way to real HTTP and SMTP servers, from a real outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from consumers.worker import build_app
from projections.waiting import wait_until_projected
from runut import Producer
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.founding import announced_schemas, key_payload
from runut.keystore import KeyStore, SigningKey
from runut.settings import Settings
from runut.webhooks import public_key_text
from tests.builders import ROOT
from tests.endpoints import Mailbox, WebhookServer, smtp_server, webhook_server
from tests.integration.outbox_stage import (
    DEADLINE_S,
    Stage,
    delivering,
    projecting,
    until,
)


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
            await stage.until_tried(1)
    errors = {one["agency"]: one["last_error"] for one in await stage.listed()}
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


def _with_smtp(stage: Stage, url: str) -> Settings:
    return stage.settings.model_copy(update={"smtp_url": url})
