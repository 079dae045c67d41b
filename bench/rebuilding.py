"""A rebuild of all read models beside the live ones: how fast it is, and what readers notice."""

from __future__ import annotations

import asyncio
import os
import time
from itertools import count
from typing import Final

import msgspec

from bench.end_to_end import Latency, latency_of
from bench.ground import Ground, names_of
from bench.measured import Measured, cpu_with_children_s, machine_cpu_s, unsearched
from bench.processes import running
from bench.reads import Read, api_readers, open_cases, some_of
from consumers.rebuilding.rebuild import Wanted, rebuild
from projections.rebuilding import before
from runut.adapters import postgres
from runut.settings import Settings

READS: Final = 200
"""A second, during rebuild and swap."""
AFTERWARDS_S: Final = 1.0
"""For which is read on after the swap."""


class Beside(msgspec.Struct, frozen=True):
    """Reads over HTTP while all is rebuilt and swapped."""

    reads: Latency
    """From the moment at which each was due."""
    failed: int


async def rebuilt(ground: Ground, settings: Settings, processes: int, events: int) -> Measured:
    """Rebuild what a worker projected, in so many processes, from the call to the swap."""
    begun = _now(ground)
    await _rebuild(settings, processes)
    seconds, client, database, machine = (
        after - earlier for after, earlier in zip(_now(ground), begun, strict=True)
    )
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        cursor = await connection.execute("SELECT count(*) FROM history")
        [(rows,)] = await cursor.fetchall()
    await _drop_old(settings)
    others = max(0.0, machine - client - database)
    return Measured(events, seconds, client, database, others, rows)


async def read_beside(settings: Settings, processes: int) -> Beside:
    """Read states at an even pace, each from when it was due, until a moment after the swap.

    The rebuild is a program of its own, as it always is: what it does delays no reader in here.
    """
    subjects = some_of(await open_cases(settings))
    took_ms: list[float] = []
    failed = 0
    async with api_readers(settings) as readers:
        with unsearched():
            begun, numbers = time.perf_counter(), count()
            async with asyncio.TaskGroup() as tasks:
                rebuilding = tasks.create_task(_rebuild_apart(settings, processes))

                async def work(read: Read) -> None:
                    nonlocal failed
                    while not rebuilding.done():
                        due = begun + next(numbers) / READS
                        await asyncio.sleep(due - time.perf_counter())
                        try:
                            await read(next(subjects))
                        except (LookupError, OSError, EOFError):
                            failed += 1
                        took_ms.append((time.perf_counter() - due) * 1000)

                for read in readers:
                    tasks.create_task(work(read))
    await _drop_old(settings)
    return Beside(latency_of(took_ms), failed)


async def _rebuild_apart(settings: Settings, processes: int) -> None:
    log = settings.data / "rebuild.log"
    program = ("rebuild", "--data", str(settings.data), "--processes", str(processes))
    async with running(log, names_of(settings), "-m", "cli.main", *program) as process:
        if await process.wait():
            raise AssertionError(f"expected it to be swapped, found {log.read_text()}")
    await asyncio.sleep(AFTERWARDS_S)


async def _rebuild(settings: Settings, processes: int) -> None:
    found = await rebuild(settings, Wanted(processes), lambda _phase, _done, _total: None)
    if not found.swapped:
        raise AssertionError(f"expected what the worker projected, found {found.differences[:5]}")


async def _drop_old(settings: Settings) -> None:
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        await connection.execute(f"DROP SCHEMA {before(settings)} CASCADE")


def _now(ground: Ground) -> tuple[float, float, float, float]:
    spent = os.times()
    client = spent.user + spent.system + spent.children_user + spent.children_system
    return time.perf_counter(), client, cpu_with_children_s(ground.postgres), machine_cpu_s()
