"""How late a process is that only sleeps: what the machine adds to every latency.

Cores that others use, and machines that stand still for a moment, delay whatever is measured. Who
only sleeps is delayed by nothing else. A program of its own: `python -m bench.asleep PACE` sleeps
until it is terminated, and then prints by how many milliseconds it woke too late each time.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from bench.processes import ROOT

PACE: Final = 200
"""How often a second it wakes: often enough to see a stall, and at a fiftieth of a core."""


@asynccontextmanager
async def sleeper() -> AsyncIterator[list[float]]:
    """Such a process beside the block; after it, the list has how late it woke each time, in ms."""
    program = (sys.executable, "-m", "bench.asleep", str(PACE))
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdout=PIPE)
    late_ms: list[float] = []
    try:
        assert process.stdout is not None
        await process.stdout.readline()  # it has begun
        yield late_ms
    finally:
        process.terminate()
        told, _ = await process.communicate()
    late_ms += msgspec.json.decode(told, type=list[float])


def sleep_at(pace: int) -> list[float]:
    """Sleep until SIGTERM comes, once at least; gives how late each waking was, in ms."""
    late_ms: list[float] = []
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    print("asleep", flush=True)
    begun = time.monotonic()
    while True:
        due = begun + (len(late_ms) + 1) / pace
        time.sleep(max(0.0, due - time.monotonic()))
        late_ms.append((time.monotonic() - due) * 1000)
        if ended:
            return late_ms


if __name__ == "__main__":
    print(msgspec.json.encode(sleep_at(int(sys.argv[1]))).decode())
