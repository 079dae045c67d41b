"""Know a process again without mistaking a stranger for it, and end what was left behind.

A process is its pid together with its start time and the machine's boot id (proc(5)): a pid that
was given to someone else since then never matches. Owns the files in DATA/run; starts nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

PR_SET_PDEATHSIG: Final = 1
POLL_S: Final = 0.05
STATE, SESSION, STARTED = 0, 3, 19
"""Places in what `_stat` returns."""
_libc = ctypes.CDLL(None, use_errno=True)


class Process(msgspec.Struct, frozen=True):
    """One process of this machine, and the signal that asks it to stop."""

    pid: int
    started: int
    """Start time in clock ticks since boot: field 22 of /proc/PID/stat."""
    boot: str
    stop_signal: int = signal.SIGTERM

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return self.boot == _boot_id() and _start_time(self.pid) == self.started


def identify(pid: int, stop_signal: int = signal.SIGTERM) -> Process | None:
    """The process that has this pid now; None where there is none."""
    started = _start_time(pid)
    return None if started is None else Process(pid, started, _boot_id(), stop_signal)


def remember(process: Process, path: Path) -> None:
    """Write a process to a file, in one step."""
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(msgspec.json.encode(process))
    beside.replace(path)


def recall(path: Path) -> Process | None:
    """The process of a file; None where there is none or it was never finished."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Process)
    return None


async def end(process: Process, patience_s: float) -> None:
    """Ask a process and its session to stop, wait, kill them; returns when it is gone."""
    if not process.alive:
        return
    _signal(process, process.stop_signal)
    try:
        await gone(process, patience_s)
    finally:
        _signal(process, signal.SIGKILL)
        kill_session(process)
    await gone(process, patience_s)


def kill_session(process: Process) -> None:
    """Kill what the process started and left behind, if it led a session of its own.

    Only right after its end: later its pid may name another's session.
    """
    for path in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(path.name))
        if fields and int(fields[SESSION]) == process.pid and fields[STATE] not in "ZX":
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.name), signal.SIGKILL)


def _signal(process: Process, which: int) -> None:
    """Signal a process, and its group where it leads one; gone is fine."""
    if process.alive:
        with contextlib.suppress(ProcessLookupError):
            leads = os.getpgid(process.pid) == process.pid
            (os.killpg if leads else os.kill)(process.pid, which)


async def gone(process: Process, patience_s: float) -> bool:
    """Wait until a process is gone; False when it outlives the patience."""
    until = time.monotonic() + patience_s
    while process.alive:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def end_leftovers(run: Path, patience_s: float = 15) -> list[str]:
    """End what an earlier supervisor of this data directory left running.

    Takes the directory of process files; returns the names of the parts that were still alive.
    """
    files = part_files(run)
    left = {path.stem: process for path in files if (process := recall(path)) and process.alive}
    await asyncio.gather(*(end(process, patience_s) for process in left.values()))
    for path in files:
        path.unlink(missing_ok=True)
    return sorted(left)


def part_files(run: Path) -> list[Path]:
    """The process files of the parts of a data directory."""
    return list(run.glob("*.pid"))


def dies_with(parent: int, which: int) -> Callable[[], None]:
    """What a child runs before exec so that the kernel signals it when its parent ends."""

    def before_exec() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, which)
        if os.getppid() != parent:  # the parent ended before prctl: no signal will come
            os._exit(1)

    return before_exec


def _start_time(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None or fields[STATE] in "ZX" else int(fields[STARTED])


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third on; None where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses: fields count from the last one.
    return stat.rpartition(")")[2].split()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
