"""What a measurement gives, and the processor time behind it."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

# Fields of the first line of /proc/stat (proc_stat(5)): user to steal, idle and iowait.
_BUSY: Final = slice(1, 9)
_IDLE: Final = slice(4, 6)
_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name, which stands in brackets (proc_pid_stat(5)).
_PARENT: Final = 1
_OWN: Final = slice(11, 13)
_WITH_REAPED: Final = slice(11, 15)


async def written_down() -> None:
    """Wait until the disk has what was written before: a part pays for its own writes alone."""
    await asyncio.to_thread(os.sync)


class NotMeasured(Exception):
    """A peer could not be measured; says why."""


class Measured(msgspec.Struct, frozen=True):
    """How long so many events took, and whose processor time."""

    events: int
    seconds: float
    client_cpu_s: float
    postgres_cpu_s: float = 0.0
    others_cpu_s: float = 0.0
    """Of all other processes of the machine: Kafka's broker, and strangers who disturb."""
    rows: int | None = None
    """Rows of history afterwards, where that is what was written."""
    memory_mb: float | None = None
    """The most that a client process held at once, the largest of them."""

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    @property
    def others_cores(self) -> float:
        """How many cores were kept busy by others."""
        return self.others_cpu_s / self.seconds

    def with_rows(self, rows: int) -> Measured:
        """The same, having left so many rows."""
        return msgspec.structs.replace(self, rows=rows)


def together(parts: Sequence[Measured]) -> Measured:
    """The same measured several times, as one; rows and memory of the last time."""
    return Measured(
        sum(one.events for one in parts),
        sum(one.seconds for one in parts),
        sum(one.client_cpu_s for one in parts),
        sum(one.postgres_cpu_s for one in parts),
        sum(one.others_cpu_s for one in parts),
        rows=parts[-1].rows,
        memory_mb=parts[-1].memory_mb,
    )


class Meter:
    """Measures what happens between `start` and `stop`."""

    def __init__(self, clients: Sequence[int], postgres: int) -> None:
        """Take the pids of the client processes and of PostgreSQL's first process."""
        self._clients = clients
        self._postgres = postgres
        self.start()

    def start(self) -> None:
        """Begin, or begin anew."""
        self._before = self._now()

    def stop(self, events: int) -> Measured:
        """What happened since, for so many events."""
        seconds, machine, client, postgres = (
            after - before for after, before in zip(self._now(), self._before, strict=True)
        )
        others = max(0.0, machine - client - postgres)
        memory = max((peak_mb(pid) for pid in self._clients), default=None)
        # A child of PostgreSQL that ends while it is looked at is missing from one of the sums.
        return Measured(events, seconds, client, max(0.0, postgres), others, memory_mb=memory)

    def _now(self) -> tuple[float, float, float, float]:
        clients, postgres = sum(map(cpu_s, self._clients)), cpu_with_children_s(self._postgres)
        return time.perf_counter(), machine_cpu_s(), clients, postgres


class Stopwatch:
    """Adds up time of this process over several pieces of work."""

    def __init__(self) -> None:
        self._seconds = self._cpu_s = self._machine_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what the block takes."""
        seconds, own, machine = time.perf_counter(), time.process_time(), machine_cpu_s()
        yield
        self._seconds += time.perf_counter() - seconds
        self._cpu_s += time.process_time() - own
        self._machine_s += machine_cpu_s() - machine

    def measured(self, events: int) -> Measured:
        """What was counted, for so many events."""
        others = max(0.0, self._machine_s - self._cpu_s)
        return Measured(events, self._seconds, self._cpu_s, others_cpu_s=others)


def machine_cpu_s() -> float:
    """Processor seconds that all of the machine's processes used, and other guests took."""
    first, *_ = Path("/proc/stat").read_text().splitlines()
    return _ticks(first.split()[_BUSY]) - _ticks(first.split()[_IDLE])


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, all its threads."""
    return _ticks(_stat(pid)[_OWN])


def peak_mb(pid: int) -> float:
    """The most memory that a process ever held (VmHWM of proc_pid_status(5)), in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(kilobytes) * 1024 / 1e6


def cpu_with_children_s(pid: int) -> float:
    """Those of a process and its children, whether they live or have ended."""
    total = _ticks(_stat(pid)[_WITH_REAPED])
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = _stat(int(process.name))
        except OSError:
            continue  # it ended meanwhile
        if int(fields[_PARENT]) == pid:
            total += _ticks(fields[_WITH_REAPED])
    return total


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _ticks(fields: list[str]) -> float:
    return sum(map(int, fields)) / _TICKS


@contextmanager
def unsearched() -> Iterator[None]:
    """What this process holds of other measurements is not searched for cycles meanwhile."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
