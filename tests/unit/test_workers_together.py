"""Several workers of one command begin and end together."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.workers import run_together
from tests.acceptance.running import until
from tests.builders import ROOT

WAITS = (
    "import signal, time; signal.signal(15, lambda *_: exit(0)); open({!r}, 'w'); time.sleep(99)"
)


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def ends_when_all_are_there(files: list[Path], code: int) -> tuple[str, ...]:
    there = f"all(os.path.exists(f) for f in {[str(file) for file in files]!r})"
    return program(f"import os, time\nwhile not {there}: time.sleep(0.01)\nexit({code})")


async def test_the_others_are_stopped_when_one_ends_and_its_code_is_the_commands(
    tmp_path: Path,
) -> None:
    files = [tmp_path / "1", tmp_path / "2"]
    waiting = [program(WAITS.format(str(file))) for file in files]
    async with asyncio.timeout(60):
        assert await run_together([*waiting, ends_when_all_are_there(files, 7)]) == 7


async def test_one_that_is_killed_ends_the_command_as_a_shell_says_it(tmp_path: Path) -> None:
    dies = program("import os; os.kill(os.getpid(), 9)")
    async with asyncio.timeout(60):
        assert await run_together([program(WAITS.format(str(tmp_path / "1"))), dies]) == 128 + 9


@pytest.mark.parametrize(("which", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_whatever_ends_the_command_ends_its_workers(
    tmp_path: Path, which: signal.Signals, code: int
) -> None:
    files = [tmp_path / "1", tmp_path / "2"]
    commands = [program(WAITS.format(str(file))) for file in files]
    together = f"""
import asyncio, sys
from cli.workers import run_together
sys.exit(asyncio.run(run_together({commands!r})))
"""
    command = subprocess.Popen(program(together), cwd=ROOT)
    until(lambda: all(file.exists() for file in files), expected="both to run")
    children = children_of(command.pid)
    assert len(children) == 2
    command.send_signal(which)
    assert command.wait(60) == code
    until(lambda: not any(map(is_running, children)), expected="none to be left")


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in found.split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
