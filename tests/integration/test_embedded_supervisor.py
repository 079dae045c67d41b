"""Starting, watching and stopping programs, with small real ones."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from embedded.processes import (
    Process,
    end_leftovers,
    gone,
    identify,
    part_files,
    recall,
    remember,
)
from embedded.supervisor import SIGNALS, Part, Supervisor
from runut.errors import PlatformError
from tests.fixtures.supervised import shell_part


def quiet(_text: str) -> None:
    """Take a note and forget it."""


async def all_gone(processes: Sequence[Process]) -> bool:
    return all([await gone(process, 20) for process in processes])


def running(supervisor: Supervisor) -> list[Process]:
    return [found for pid in supervisor.pids.values() if (found := identify(pid))]


async def run_and_kill(
    directory: Path,
    killed: str,
    *parts: Part,
    note: Callable[[str], None] = quiet,
    seen: list[Process] | None = None,
) -> None:
    """Supervise parts, kill one, wait; what ran before is put into `seen`."""
    async with Supervisor(directory, note) as supervisor:
        await supervisor.start(*parts)
        if seen is not None:
            seen += running(supervisor)
        os.kill(supervisor.pids[killed], signal.SIGKILL)
        await supervisor.wait()


def child_named_in(log: Path) -> Process:
    """The process whose pid is the first word of a log."""
    child = identify(int(log.read_text().split()[0]))
    assert child
    return child


async def test_a_part_starts_when_those_it_comes_after_answer(tmp_path: Path) -> None:
    said: list[str] = []
    async with Supervisor(tmp_path, said.append) as supervisor:
        await supervisor.start(
            shell_part("late", tmp_path, after=("early",)),
            shell_part("early", tmp_path, "sleep 0.2; echo ready; exec sleep 300"),
        )
    assert [line.split()[0] for line in said] == ["early", "late"]


async def test_parts_stop_in_the_opposite_order(tmp_path: Path) -> None:
    script = "trap 'echo NAME >> order; exit' TERM; echo ready; while :; do sleep 0.05; done"
    async with Supervisor(tmp_path, quiet) as supervisor:
        await supervisor.start(
            shell_part("database", tmp_path, script.replace("NAME", "database")),
            shell_part("worker", tmp_path, script.replace("NAME", "worker"), after=("database",)),
        )
    assert (tmp_path / "order").read_text().split() == ["worker", "database"]


async def test_a_part_that_ends_while_it_starts_shows_the_end_of_its_log(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, quiet) as supervisor:
        await supervisor.start(shell_part("other", tmp_path))
        processes = running(supervisor)
        with pytest.raises(PlatformError) as failed:
            await supervisor.start(shell_part("broken", tmp_path, "echo no disk left; exit 3"))
    assert str(failed.value) == (
        "broken ended with code 3 while it started: expected it to write ready; "
        f"the end of {tmp_path / 'broken.log'}:\nno disk left"
    )
    assert await all_gone(processes)


async def test_a_part_that_does_not_answer_in_time_is_named_with_its_deadline(
    tmp_path: Path,
) -> None:
    async with Supervisor(tmp_path, quiet) as supervisor:
        with pytest.raises(
            PlatformError, match=r"^slow: expected it to .* within 0.3 s, found not"
        ):
            await supervisor.start(shell_part("slow", tmp_path, "sleep 300", deadline_s=0.3))


async def test_when_a_part_dies_everything_stops_and_the_error_names_it(tmp_path: Path) -> None:
    seen: list[Process] = []
    parts = [shell_part("mortal", tmp_path), shell_part("other", tmp_path)]
    with pytest.raises(PlatformError, match=r"^mortal was ended by SIGKILL: .*mortal.log:\nready$"):
        await run_and_kill(tmp_path, "mortal", *parts, seen=seen)
    assert len(seen) == 2
    assert await all_gone(seen)
    assert part_files(tmp_path) == []


async def test_a_part_with_restarts_is_started_again_until_they_are_used_up(tmp_path: Path) -> None:
    said: list[str] = []
    script = "echo start >> starts; echo ready; [ $(wc -l < starts) = 1 ] && exec sleep 300; exit 7"
    part = shell_part("worker", tmp_path, script, restarts=1)
    with pytest.raises(PlatformError, match=r"^worker ended with code 7"):
        await run_and_kill(tmp_path, "worker", part, note=said.append)
    assert (tmp_path / "starts").read_text().split() == ["start", "start"]
    assert "worker was ended by SIGKILL; starting it again in 0.5 s" in said


async def test_what_a_part_started_ends_with_it(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, quiet) as supervisor:
        family = "trap '' TERM; sleep 300 & echo $!; echo ready; sleep 300"
        await supervisor.start(shell_part("parent", tmp_path, family, stop_s=0.2))
        child = child_named_in(tmp_path / "parent.log")
    assert await gone(child, 20)


async def test_what_a_dead_part_started_ends_as_well(tmp_path: Path) -> None:
    seen: list[Process] = []

    def note(_text: str) -> None:  # while the part still runs
        seen.append(child_named_in(tmp_path / "parent.log"))

    part = shell_part("parent", tmp_path, "sleep 300 & echo $!; echo ready; sleep 300")
    with pytest.raises(PlatformError, match=r"^parent was ended by SIGKILL"):
        await run_and_kill(tmp_path, "parent", part, note=note)
    assert len(seen) == 1
    assert await all_gone(seen)


async def test_one_part_can_be_stopped_while_the_others_go_on(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, quiet) as supervisor:
        await supervisor.start(shell_part("one", tmp_path), shell_part("two", tmp_path))
        await supervisor.stop("one")
        assert list(supervisor.pids) == ["two"]


def hear_signals() -> None:
    """In a new process: take no signal for ignored because these tests run under nohup."""
    for which in SIGNALS:
        signal.signal(which, signal.SIG_DFL)


async def run_supervised(directory: Path) -> tuple[asyncio.subprocess.Process, dict[str, Process]]:
    """A supervising process whose parts all answer, and those by name."""
    supervising = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fixtures.supervised", str(directory)),
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=hear_signals,
    )
    assert supervising.stdout
    while (line := await supervising.stdout.readline()) != b"all ready\n":
        assert line, "it ended before its parts answered"
    parts = {path.stem: part for path in part_files(directory) if (part := recall(path))}
    return supervising, parts


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_everything_quietly(which: signal.Signals, tmp_path: Path) -> None:
    supervising, parts = await run_supervised(tmp_path)
    assert sorted(parts) == ["first", "second", "stubborn"]
    supervising.send_signal(which)
    said, _ = await supervising.communicate()
    assert said.decode().splitlines()[-1] == f"stopped by {which.name}"
    assert supervising.returncode == 0
    assert await all_gone(list(parts.values()))


async def test_a_second_signal_kills_what_is_slow_to_stop(tmp_path: Path) -> None:
    slow = "trap 'echo asked >> slow.log' TERM; echo ready; while :; do sleep 0.05; done"
    part = shell_part("slow", tmp_path, slow, stop_s=200)

    async def interrupt_twice() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while "asked" not in (tmp_path / "slow.log").read_text():
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(100), Supervisor(tmp_path, quiet, signals=True) as supervisor:
        await supervisor.start(part)
        processes = running(supervisor)
        interrupting = asyncio.create_task(interrupt_twice())
        await supervisor.wait()
    await interrupting
    assert supervisor.interrupted is signal.SIGTERM
    assert await all_gone(processes)


async def test_after_the_supervisor_is_killed_nothing_of_it_is_left(tmp_path: Path) -> None:
    supervising, parts = await run_supervised(tmp_path)
    supervising.kill()
    await supervising.communicate()
    # The kernel told the parts that their parent ended; the stubborn one ignores that …
    assert await all_gone([parts["first"], parts["second"]])
    assert parts["stubborn"].alive
    # … and is ended by the next start.
    assert await end_leftovers(tmp_path, patience_s=0.2) == ["stubborn"]
    assert not parts["stubborn"].alive
    assert part_files(tmp_path) == []


async def test_a_stranger_that_was_given_an_old_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = await asyncio.create_subprocess_exec("sleep", "300")
    try:
        found = identify(stranger.pid)
        assert found
        before = type(found)(found.pid, found.started - 1, found.boot)
        remember(before, tmp_path / "part.pid")
        assert await end_leftovers(tmp_path) == []
        assert found.alive
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_process_file_that_was_never_finished_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "part.pid").write_text('{"pid": 12')
    assert await end_leftovers(tmp_path) == []
    assert not (tmp_path / "part.pid").exists()
