"""`runut watch` as processes that are killed: on a real ledger every line counts once, in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.json_form import from_json
from runut.settings import Settings
from tests.integration.logs import read_log
from tests.integration.outbox_stage import until
from tests.integration.test_import import contact
from tests.integration.test_look import Ended, runut

LINES = 3_000


async def start(settings: Settings, folder: Path) -> Process:
    given = settings.model_dump(exclude_unset=True, mode="json")
    environment = {f"RUNUT_{name.upper()}": str(value) for name, value in given.items()}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "watch", str(folder), "--every", "0.1"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def written(settings: Settings) -> int:
    """Records in the ledger."""
    reader = kafka.consumer(settings)
    places = [TopicPartition(settings.events_topic, n) for n in range(settings.partitions)]
    async with kafka.connected(settings, reader):
        reader.assign(places)
        return sum((await kafka.end_offsets(settings, reader, places)).values())


async def there_is(folder: Path, pattern: str) -> bool:
    return await asyncio.to_thread(lambda: any(folder.glob(pattern)))


async def test_watchers_that_are_killed_at_their_work_lose_nothing_and_double_nothing(
    ledger: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    lines = [contact(number, subject=f"case/{number % 3}") for number in range(LINES)]
    (folder / "many.jsonl").write_text("\n".join(lines))
    founded = await written(ledger)

    async def is_half_written() -> bool:
        return await written(ledger) > founded + LINES // 2

    for condition in (lambda: there_is(folder, "working/*/*.jsonl"), is_half_written):
        watcher = await start(ledger, folder)
        await until(condition)
        watcher.send_signal(signal.SIGKILL)
        await watcher.wait()
    ended: list[Ended] = await asyncio.gather(
        *(runut(ledger, "watch", str(folder), "--once", "--every", "0.1") for _ in range(2))
    )
    assert [one.code for one in ended] == [0, 0], ended
    assert len(list((folder / "done").glob("*.jsonl"))) == 1
    log = await read_log(ledger)
    for subject in ("case/0", "case/1", "case/2"):
        told = [one.event.event_id for one in log.on_subject(subject)]
        wanted = [from_json(line, derive_id=True) for line in lines]
        assert list(dict.fromkeys(told)) == [
            event.event_id for event in wanted if event.subject == subject
        ]


async def test_a_watcher_that_is_told_to_stop_leaves_the_folder_as_it_should_be(
    ledger: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    watcher = await start(ledger, folder)
    await until(lambda: there_is(folder, "working/*/.lock"))
    (folder / "a.jsonl").write_text(contact(1) + "\n{}")
    await until(lambda: there_is(folder, "rejected/*.jsonl"))
    watcher.terminate()
    assert await watcher.wait() == 0
    assert sorted(os.listdir(folder)) == ["done", "rejected", "working"]
    assert os.listdir(folder / "working") == []


async def test_a_file_waits_for_a_key_that_cannot_be_read(ledger: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "a.jsonl").write_text(contact(1))
    broken = ledger.keys / "broken.json"
    broken.touch(mode=0o600)
    once = ("watch", str(folder), "--once", "--every", "0.1")
    ended = await runut(ledger, *once)
    assert ended.code == 1
    assert "broken.json" in ended.err
    assert not await there_is(folder, "rejected/*.jsonl")
    broken.unlink()
    assert (await runut(ledger, *once)).code == 0
    assert await there_is(folder, "done/*.jsonl")
