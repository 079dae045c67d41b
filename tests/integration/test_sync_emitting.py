"""A program without an event loop emits into a real ledger, from several threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runut import Kept, Receipt, SyncProducer, SyncSpoolingProducer
from runut.errors import FieldError, Unreachable
from runut.events import ContactLogged
from runut.settings import Settings
from tests.integration.logs import read_log
from tests.spans import tracing


def contact(number: int) -> ContactLogged:
    return ContactLogged(
        contact_id=f"c-{number}", mode="PHONE", direction="OUTGOING", summary="Ditelepon."
    )


def emit_from_threads(settings: Settings) -> list[Receipt]:
    def emit(number: int) -> Receipt:
        return producer.emit(contact(number), subject=f"case/T{number}", agency="kp2mi")

    with SyncProducer(settings) as producer, ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(emit, range(40)))
        sent = [
            producer.send(contact(n).on("case/A", agency="kemlu", channel="CALL"))
            for n in range(40)
        ]
        assert not sent[0].cancel()
        with pytest.raises(FieldError, match=r"^subject: expected"):
            producer.emit(contact(0), subject="letter/A", agency="kp2mi")
        by_name = producer.emit(
            "CaseVerified",
            subject="case/A",
            agency="kp2mi",
            data={"result": "VERIFIED", "note": "-"},
        )
    return [*receipts, *(one.result(0) for one in sent), by_name]


async def test_receipts_of_all_threads_are_those_of_the_log(ledger: Settings) -> None:
    receipts = await asyncio.to_thread(emit_from_threads, ledger)
    log = await read_log(ledger)
    assert {(one.event_id, one.partition, one.offset) for one in receipts} == {
        (one.event.event_id, one.partition, one.offset) for one in log.events
    }
    numbers = [one.event.data.get("contact_id") for one in log.on_subject("case/A")]
    assert numbers == [*(f"c-{n}" for n in range(40)), None]


async def test_without_a_broker_it_says_so_and_is_closed(ledger: Settings) -> None:
    nowhere = ledger.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(Unreachable, match="Kafka does not answer"):
        await asyncio.to_thread(SyncProducer(nowhere).open)


def keep(settings: Settings, path: Path) -> Kept:
    with SyncSpoolingProducer(settings, path) as producer:
        return producer.emit(contact(1), subject="case/A", agency="kp2mi")


async def test_a_spool_needs_no_event_loop_either(ledger: Settings, tmp_path: Path) -> None:
    with tracing() as spans, spans.tracer.start_as_current_span("a clerk's click") as click:
        kept = await asyncio.to_thread(keep, ledger, tmp_path / "events.spool")
        (sent,) = spans.named("send")
    assert [one.event.event_id for one in (await read_log(ledger)).events] == [kept.event_id]
    assert sent.context is not None
    assert sent.context.trace_id == click.get_span_context().trace_id
