"""A drop folder without a ledger: what is taken when, by whom, and where it ends."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from producers.drop import folder as folders
from producers.drop.folder import DropFolder
from producers.drop.report import FileReport
from producers.drop.watcher import Watcher
from producers.files.mapping_file import read_mapping
from producers.importer import NO_RULES, Rules
from runut.errors import BadInput, Unreachable
from runut.event import Event
from runut.lanes import Receipt
from runut.producer import Producer
from tests.builders import ROOT

LINES = 5
NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Ledger:
    """Takes events as the producer does; an event counts once by its id."""

    def __init__(self) -> None:
        self.taken: list[Event] = []
        self.away = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Producer]:
        if self.away:
            self.away -= 1
            raise Unreachable("Kafka", "nowhere", "wait")
        yield cast("Producer", self)

    async def send(self, event: Event) -> asyncio.Future[Receipt]:
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.taken.append(event)
        place: dict[str, Any] = {"topic": "events", "partition": 0, "offset": len(self.taken)}
        receipt.set_result(
            Receipt(event.event_id, event.subject, **place, recorded_at=NOW, event_digest=None)
        )
        return receipt

    async def flush(self) -> None:
        """Everything is there."""

    @property
    def counted(self) -> int:
        return len({event.event_id for event in self.taken})


def lines(name: str, count: int = LINES) -> str:
    data = {"mode": "PHONE", "direction": "OUTGOING", "with": [], "summary": "-"}
    about = {"type": "ContactLogged", "subject": f"case/{name}", "agency": "kp2mi"}
    about |= {"occurred_at": "2025-05-08T10:00:00+07:00"}
    made = ({**about, "data": {**data, "contact_id": f"c-{n}"}} for n in range(count))
    return "".join(json.dumps(one) + "\n" for one in made)


def watching(
    path: Path, ledger: Ledger, rules: Rules = NO_RULES, **more: Any
) -> tuple[DropFolder, Watcher, list[FileReport]]:
    told: list[FileReport] = []
    dropped = DropFolder(path)
    dropped.open()
    options = {"mapping": None, "rules": rules, "look_every_s": 0.0, "told": told.append}
    return dropped, Watcher(dropped, ledger.connect, **{**options, **more}), told


async def watch_once(path: Path, ledger: Ledger, rules: Rules = NO_RULES, **more: Any) -> list[str]:
    """Everything that is there; gives what was told."""
    dropped, watcher, told = watching(path, ledger, rules, **more)
    with closing(dropped):
        await watcher.run(once=True)
    return [one.summary() for one in told]


def names(path: Path) -> list[str]:
    """What lies in a folder, without the stamps of claimed files."""
    return sorted(map(folders.dropped_name, path.iterdir()))


async def test_what_was_imported_is_done_with_its_reports_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines("A"))
    ledger = Ledger()
    assert await watch_once(tmp_path, ledger) == [
        "a.jsonl: done: 5 of 5 lines published, 0 malformed"
    ]
    assert names(tmp_path / "done") == [
        "a.jsonl",
        "a.jsonl.report.json",
        "a.jsonl.report.txt",
    ]
    assert ledger.counted == LINES
    (report,) = (tmp_path / "done").glob("*.json")
    found = json.loads(report.read_bytes())
    assert (found["file"], found["outcome"], found["published"]) == ("a.jsonl", "done", LINES)
    assert list((tmp_path / "working").iterdir()) == []


async def test_what_has_a_bad_line_is_rejected_though_the_rest_was_published(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_text(lines("A") + "{}\n")
    ledger = Ledger()
    await watch_once(tmp_path, ledger)
    assert ledger.counted == LINES
    assert names(tmp_path / "rejected")[0] == "a.jsonl"
    (report,) = (tmp_path / "rejected").glob("*.txt")
    assert "line 6: type: expected the name of an event type, found nothing" in report.read_text()
    assert "drop the whole file" in report.read_text()


async def test_files_that_cannot_be_read_at_all_are_rejected_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    (tmp_path / "b.csv").write_text("Kasus\nA\n")
    assert await watch_once(tmp_path, Ledger()) == [
        "a.xlsx: rejected: file: expected a name that ends in .jsonl, .ndjson, .csv, .avro, "
        "found a.xlsx",
        "b.csv: rejected: mapping: expected a file that says what the columns mean (--mapping), "
        "found none",
    ]


async def test_tables_are_read_by_the_mapping_and_rules_hold(tmp_path: Path) -> None:
    examples = ROOT / "docs" / "examples"
    (tmp_path / "p.csv").write_bytes((examples / "pengaduan.csv").read_bytes())
    mapping, rules = read_mapping(examples / "pengaduan.toml"), Rules("bp3mi-ntt", True)
    told = await watch_once(tmp_path, Ledger(), rules, mapping=mapping)
    assert told == ["p.csv: rejected: 3 of 5 lines published, 2 malformed"]


async def test_a_file_is_taken_when_two_looks_found_it_unchanged(tmp_path: Path) -> None:
    dropped, _, _ = watching(tmp_path, Ledger())
    with closing(dropped):
        file = tmp_path / "a.jsonl"
        file.write_text("{")
        assert dropped.look() == []
        file.write_text("{}")
        assert dropped.look() == []
        (tmp_path / "b.part").write_text("{}")
        (tmp_path / "b.part").rename(tmp_path / "b.jsonl")
        assert dropped.look() == ["a.jsonl"]
        assert dropped.look() == ["a.jsonl", "b.jsonl"]


@pytest.mark.parametrize("name", [".a.jsonl", "~$a.csv", "a.csv~", "a.part", "A.TMP", "Thumbs.db"])
def test_what_programs_leave_about_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "link.jsonl").symlink_to("/etc/passwd")
    dropped, _, _ = watching(tmp_path, Ledger())
    with closing(dropped):
        assert [dropped.look(), dropped.look()] == [[], []]


def test_the_mapping_may_lie_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text("type = 'X'")
    dropped = DropFolder(tmp_path, not_dropped=tmp_path / "mapping.toml")
    dropped.open()
    with closing(dropped):
        assert [dropped.look(), dropped.look()] == [[], []]


def test_of_two_watchers_one_gets_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    one, _, _ = watching(tmp_path, Ledger())
    other, _, _ = watching(tmp_path, Ledger())
    with closing(one), closing(other):
        claims = [one.claim("a.jsonl"), other.claim("a.jsonl")]
        assert [claim is None for claim in claims] == [False, True]
        # What lies on the desk of a watcher that is there stays on it.
        other.take_over()
        assert other.on_desk() == []
    with closing(other):
        other.open()
        other.take_over()
        assert [folders.dropped_name(claim) for claim in other.on_desk()] == ["a.jsonl"]


async def test_many_watchers_share_the_work_and_each_line_goes_once(tmp_path: Path) -> None:
    for n in range(12):
        (tmp_path / f"{n}.jsonl").write_text(lines(str(n)))
    ledger = Ledger()
    told = await asyncio.gather(*(watch_once(tmp_path, ledger) for _ in range(4)))
    assert len([one for some in told for one in some]) == 12
    assert len(ledger.taken) == ledger.counted == 12 * LINES
    assert len(list((tmp_path / "done").iterdir())) == 36


async def test_a_file_of_the_same_name_lies_beside_the_earlier_one(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "a.jsonl").write_text(lines("A"))
        await watch_once(tmp_path, Ledger())
    assert names(tmp_path / "done").count("a.jsonl") == 2


async def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines("A"))
    ledger = Ledger()
    send, slow = ledger.send, (tmp_path / "a.jsonl").open("a")

    async def send_and_write(event: Event) -> asyncio.Future[Receipt]:
        if not slow.closed:
            slow.write(lines("B"))
            slow.close()
        return await send(event)

    ledger.send = send_and_write  # type: ignore[method-assign]
    assert await watch_once(tmp_path, ledger) == [
        "a.jsonl: done: 10 of 10 lines published, 0 malformed"
    ]
    assert ledger.counted == 2 * LINES


async def test_while_the_ledger_is_away_the_files_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.drop.watcher.FIRST_PAUSE_S", 0.0)
    (tmp_path / "a.jsonl").write_text(lines("A"))
    ledger = Ledger()
    ledger.away = 3
    dropped, watcher, told = watching(tmp_path, ledger)
    with closing(dropped):
        task = asyncio.create_task(watcher.run())
        async with asyncio.timeout(60):
            while not told:
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert (ledger.away, ledger.counted) == (0, LINES)
    ledger.away = 1
    (tmp_path / "b.jsonl").write_text(lines("B"))
    with pytest.raises(Unreachable):
        await watch_once(tmp_path, ledger)


async def test_names_of_any_length_and_letters_keep_their_suffix(tmp_path: Path) -> None:
    for name in ("é" * 120 + ".jsonl", "Pengaduan (1) akhir.JSONL"):
        (tmp_path / name).write_text(lines("A"))
    await watch_once(tmp_path, Ledger())
    found = [one for one in names(tmp_path / "done") if "report" not in one]
    assert found == ["Pengaduan (1) akhir.JSONL", "é" * 18 + ".jsonl"]


async def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "working").touch()
    with pytest.raises(BadInput, match="expected a folder to write to"):
        DropFolder(tmp_path).open()


async def test_a_name_of_any_bytes_is_imported_and_can_be_read_in_its_report(
    tmp_path: Path,
) -> None:
    for name in (b"lapor\xe9.jsonl", b"lapor\x1b[2J.jsonl", b"\xff" * 200 + b".csv"):
        (tmp_path / os.fsdecode(name)).write_text(lines("A"))
    (tmp_path / "z.jsonl").write_text(lines("Z"))
    ledger = Ledger()
    told = await watch_once(tmp_path, ledger)
    counts = "done: 5 of 5 lines published, 0 malformed"
    assert told[:2] == [rf"lapor\x1b[2J.jsonl: {counts}", rf"lapor\xe9.jsonl: {counts}"]
    assert told[2] == f"z.jsonl: {counts}"
    assert told[3].startswith(r"\xff\xff")
    assert "--mapping" in told[3]
    assert ledger.counted == 2 * LINES
    assert len(names(tmp_path / "done")) == 9
    reports = [one for one in (tmp_path / "done").iterdir() if one.suffix == ".json"]
    shown = [json.loads(one.read_bytes())["file"] for one in reports]
    assert sorted(shown) == [r"lapor\x1b[2J.jsonl", r"lapor\xe9.jsonl", "z.jsonl"]


@asynccontextmanager
async def watched(
    path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[FileReport]]:
    """A watcher at work, which tries again at once; gives what it tells."""
    monkeypatch.setattr("producers.drop.watcher.FIRST_PAUSE_S", 0.0)
    dropped, watcher, told = watching(path, ledger)
    with closing(dropped):
        task = asyncio.create_task(watcher.run())
        try:
            yield told
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize("gone", [".", "done", "working", "done working rejected"])
async def test_a_folder_that_goes_away_and_comes_back_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    drop, ledger = tmp_path / "drop", Ledger()
    drop.mkdir()
    with capture_logs() as logged:
        async with watched(drop, ledger, monkeypatch) as told:
            (drop / "a.jsonl").write_text(lines("A"))
            await until(lambda: told)
            if gone == ".":
                drop.rename(tmp_path / "elsewhere")
                await until(lambda: logged)
                (tmp_path / "elsewhere" / "b.jsonl").write_text(lines("B"))
                (tmp_path / "elsewhere").rename(drop)
            else:
                for part in gone.split():
                    shutil.rmtree(drop / part)
                (drop / "b.jsonl").write_text(lines("B"))
            await until(lambda: len(told) == 2)
    assert len(ledger.taken) == ledger.counted == 2 * LINES
    assert [(one["log_level"], one["event"]) for one in logged] == [
        ("warning", "files cannot be imported, trying again"),
        ("info", "files can be imported again"),
    ]
    assert "the drop folder does not answer" in logged[0]["reason"]
    assert "b.jsonl" in names(drop / "done")


async def test_what_was_imported_when_the_folder_went_away_is_put_away_and_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, away = Ledger(), tmp_path / "elsewhere"
    drop = tmp_path / "drop"
    drop.mkdir()

    async def flush() -> None:
        drop.rename(away)

    monkeypatch.setattr(ledger, "flush", flush)
    with capture_logs() as logged:
        async with watched(drop, ledger, monkeypatch) as told:
            (drop / "a.jsonl").write_text(lines("A"))
            await until(lambda: logged)
            away.rename(drop)
            await until(lambda: told)
    assert [one.summary() for one in told] == ["a.jsonl: done: 5 of 5 lines published, 0 malformed"]
    assert len(ledger.taken) == LINES
    assert len([*(drop / "working").iterdir()]) == 0


async def test_once_a_folder_that_is_away_is_named(tmp_path: Path) -> None:
    dropped, watcher, _ = watching(tmp_path, Ledger())
    with closing(dropped):
        (tmp_path / "working").rename(tmp_path / "elsewhere")
        with pytest.raises(
            Unreachable, match=r"does not answer at .* \(No such file or directory\)"
        ):
            await watcher.run(once=True)


class Killed(BaseException):
    """The process ends here."""


CHANGES = ("rename", "replace", "unlink", "mkdir", "rmdir", "write_bytes")


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Have the process end before or after the n-th change that it makes to the folder."""
    left = [0]

    def counted(change: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
        def work(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                raise Killed
            done = change(*arguments, **named)
            if left[0] == 0:
                raise Killed
            return done

        return work

    def arm(at: int) -> None:
        left[0] = (at + 1) // 2
        for name in CHANGES:
            monkeypatch.setattr(Path, name, counted(getattr(Path, name), after=at % 2 == 0))

    yield arm
    monkeypatch.undo()


@pytest.mark.parametrize("at", range(1, 37))
async def test_killed_at_any_change_nothing_is_lost_and_nothing_counts_twice(
    tmp_path: Path,
    killed_at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(lines(name))
    ledger, dropped = Ledger(), DropFolder(tmp_path)
    options: dict[str, Any] = {"mapping": None, "rules": NO_RULES, "look_every_s": 0.0}

    async def work() -> None:
        dropped.open()
        await Watcher(dropped, ledger.connect, told=lambda _: None, **options).run(once=True)
        dropped.close()

    killed_at(at)
    with pytest.raises(Killed):
        await work()
    monkeypatch.undo()
    if dropped._lock >= 0:
        os.close(dropped._lock)  # as the kernel does
    await watch_once(tmp_path, ledger)
    assert ledger.counted == 2 * LINES
    done = [one for one in names(tmp_path / "done") if one.endswith(".jsonl")]
    assert done == ["a.jsonl", "b.jsonl"]
    assert sorted(os.listdir(tmp_path)) == ["done", "rejected", "working"]
    assert os.listdir(tmp_path / "working") == []
