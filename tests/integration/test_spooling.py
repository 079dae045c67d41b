"""Events wait on the disk until a real Kafka can be reached: each once, in order, none lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from runut import Producer, Spool, SpoolingProducer
from runut.errors import NotOpen, SpoolFull, Unreachable
from runut.event import Event
from runut.events import ContactLogged
from runut.keystore import KeyStore
from runut.settings import Settings
from runut.spool_sender import SpoolSender
from tests.builders import ROOT
from tests.integration.logs import Log, read_log
from tests.spans import tracing


def contact(number: int, subject: str = "case/A", agency: str = "kp2mi") -> Event:
    made = ContactLogged(
        contact_id=f"c-{number}", mode="PHONE", direction="OUTGOING", summary="Ditelepon."
    )
    return made.on(subject, agency=agency)


def unreachable(settings: Settings) -> Settings:
    return settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})


def sender(spool: Spool, settings: Settings) -> SpoolSender:
    return SpoolSender(spool, lambda: Producer(settings))


def ids_on(log: Log, subject: str) -> list[str]:
    return [one.event.event_id for one in log.on_subject(subject)]


async def test_what_was_kept_while_kafka_was_away_is_sent_in_order_when_it_is_there(
    ledger: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    events = [contact(n, f"case/{n % 3}") for n in range(30)]
    async with SpoolingProducer(unreachable(ledger), path) as producer:
        kept = [await producer.emit_event(event) for event in events]
    assert [one.event_id for one in kept] == [event.event_id for event in events]
    async with SpoolingProducer(ledger, path) as producer:
        last = contact(30, "case/0")
        await producer.emit_event(last)
    with Spool(path) as spool:
        assert (spool.standing().waiting, spool.standing().oldest) == (0, None)
    log = await read_log(ledger)
    for subject in ("case/0", "case/1", "case/2"):
        assert ids_on(log, subject) == [
            event.event_id for event in [*events, last] if event.subject == subject
        ]
    assert {one.signature for one in log.events} == {"VALID"}


async def test_what_is_not_open_keeps_nothing_and_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    producer = SpoolingProducer(unreachable(settings), tmp_path / "events.spool")
    with pytest.raises(NotOpen, match=r"^SpoolingProducer: it is not open$"):
        await producer.emit_event(contact(0))
    async with producer:
        await producer.emit_event(contact(1))
    with pytest.raises(NotOpen, match=r"^SpoolingProducer: it is not open$"):
        await producer.emit_event(contact(2))
    with Spool(tmp_path / "events.spool") as spool:
        assert spool.standing().waiting == 1


async def test_many_who_emit_at_once_share_the_disk_and_the_log_keeps_their_order(
    ledger: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    first, second = ([contact(n, f"case/{who}") for n in range(100)] for who in "AB")

    async def emit(events: list[Event]) -> None:
        async with SpoolingProducer(ledger, path) as producer:
            await asyncio.gather(*map(producer.emit_event, events))

    # Two as of two processes: one of them sends what both keep.
    await asyncio.gather(emit(first), emit(second))
    with Spool(path) as spool:
        await sender(spool, ledger).send_all()
    log = await read_log(ledger)
    assert ids_on(log, "case/A") == [event.event_id for event in first]
    assert ids_on(log, "case/B") == [event.event_id for event in second]


async def test_an_event_without_a_key_holds_up_its_subject_alone_until_the_key_is_there(
    ledger: Settings, tmp_path: Path
) -> None:
    stranger = ledger.model_copy(update={"data": tmp_path / "elsewhere"})
    keys = KeyStore(stranger.keys)
    keys.new("kp2mi")  # nobody published it
    with Spool(tmp_path / "events.spool") as spool:
        a1, a2, b1 = contact(1), contact(2), contact(3, "case/B", "kemlu")
        spool.keep(a1, a2, b1)
        await SpoolSender(spool, lambda: Producer(stranger)).send_all()
        found = spool.standing()
        assert [(one.event_id, one.subject) for one in found.parked] == [
            (a1.event_id, "case/A"),
            (b1.event_id, "case/B"),
        ]
        assert "no signing key for agency kemlu" in found.parked[1].reason
        assert found.held == 1
        await sender(spool, ledger).send_all()
        assert spool.standing().parked == []
    log = await read_log(ledger)
    assert ids_on(log, "case/A") == [a1.event_id, a2.event_id]
    assert ids_on(log, "case/B") == [b1.event_id]


async def test_who_sends_goes_on_with_others_when_one_is_parked(
    ledger: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    KeyStore(ledger.keys).new("stranger")
    bad, after = contact(1, "case/A", "stranger"), contact(2)
    async with SpoolingProducer(ledger, path) as producer:
        for event in (bad, after, *(contact(n, "case/B") for n in range(5))):
            await producer.emit_event(event)
    with Spool(path) as spool:
        assert [one.event_id for one in spool.standing().parked] == [bad.event_id]
        assert spool.standing().held == 1
        with spool.removing(bad.event_id):
            pass
        await sender(spool, ledger).send_all()
    log = await read_log(ledger)
    assert ids_on(log, "case/A") == [after.event_id]
    assert len(ids_on(log, "case/B")) == 5


async def test_while_another_process_sends_nobody_else_does(
    ledger: Settings, tmp_path: Path
) -> None:
    with Spool(tmp_path / "events.spool") as spool:
        spool.keep(contact(1))
        with spool.sole_sender(), pytest.raises(Unreachable, match="another process sends from it"):
            await sender(spool, ledger).send_all()
        with pytest.raises(Unreachable, match="Kafka does not answer"):
            await sender(spool, unreachable(ledger)).send_all()
        assert spool.standing().waiting == 1
        await sender(spool, ledger).send_all()


async def test_what_a_full_disk_does_not_let_go_of_is_not_sent_again_and_again(
    ledger: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Spool(tmp_path / "events.spool") as spool:
        spool.keep(*(contact(n) for n in range(5)))
        sending = sender(spool, ledger)

        def full(_numbers: object) -> None:
            raise SpoolFull(spool.path, 0, "the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(spool, "recorded", full)
            for _ in range(3):
                with pytest.raises(SpoolFull, match="the disk is full"):
                    await sending.send_all()
        await sending.send_all()
        assert spool.standing().waiting == 0
    assert len((await read_log(ledger)).events) == 5


PROGRAM = """
import asyncio, sys
from pathlib import Path
from runut import SpoolingProducer
from runut.settings import Settings
from tests.integration.test_spooling import contact

async def main():
    settings = Settings.model_validate_json(sys.argv[1])
    async with SpoolingProducer(settings, sys.argv[2]) as producer:
        for n in range(100_000):
            kept = await producer.emit_event(contact(n, f"case/{n % 3}"))
            print(kept.event_id, kept.subject, flush=True)

asyncio.run(main())
"""


async def test_after_a_kill_everything_that_was_kept_is_in_the_log_in_order(
    ledger: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, ledger.model_dump_json(), str(path)),
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    kept = [await process.stdout.readline() for _ in range(100)]
    await until_sending(ledger)  # in the middle of it
    process.kill()
    kept += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    promised = [line.decode().split() for line in kept if line.endswith(b"\n")]
    with Spool(path) as spool:
        await sender(spool, ledger).send_all()
        assert spool.standing().waiting == 0
    log = await read_log(ledger)
    for subject in ("case/0", "case/1", "case/2"):
        ids = [event_id for event_id, on in promised if on == subject]
        # The one that was on its way to the disk may be there as well; repeats are DUPLICATE.
        assert list(dict.fromkeys(ids_on(log, subject)))[: len(ids)] == ids


async def until_sending(settings: Settings) -> None:
    async with asyncio.timeout(60):
        while not (await read_log(settings)).events:
            pass


async def test_the_trace_of_who_emitted_is_found_at_the_sending(
    ledger: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    with tracing() as spans:
        with spans.tracer.start_as_current_span("a clerk's click") as click:
            async with SpoolingProducer(unreachable(ledger), path) as producer:
                await producer.emit_event(contact(1))
        with Spool(path) as spool:
            await sender(spool, ledger).send_all()
        (sent,) = spans.named("send")
    assert sent.parent is not None
    assert sent.parent.span_id == click.get_span_context().span_id
