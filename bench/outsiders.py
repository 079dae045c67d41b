"""Peers that are programs of their own: start one, follow what it says, measure between.

Each gets empty tables of the read models' definition, which its search path finds.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.connect import last_error
from bench.copying import other_models
from bench.ground import Ground, elsewhere
from bench.measured import Measured, Meter, NotMeasured
from bench.processes import ROOT
from bench.programs.task import Task
from bench.rows import Types
from runut.settings import Settings

PEERS_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
"""The interpreter of their own environment; `make bench` makes it."""
START_S: Final = 300.0
"""To the first event; one of them fills a store of its own before."""
DONE_S: Final = 600.0


class Program(NamedTuple):
    """A module of `bench.programs`."""

    module: str
    python: Path


FAUST: Final = Program("faust_agent", Path(sys.executable))
QUIX: Final = Program("quix", PEERS_PYTHON)
EVENTSOURCING: Final = Program("eventsourced", PEERS_PYTHON)


async def projected(ground: Ground, program: Program, types: Types, events: int) -> Measured:
    """How fast it writes so many events, from the first one that it has on.

    Raises:
        NotMeasured: it is not installed, ends early, or takes too long.
    """
    if not program.python.exists():
        raise NotMeasured("its environment is missing: make .venv-bench/.installed")
    settings = elsewhere(ground.settings, program.module)
    log = ground.settings.data / f"{program.module}.log"
    async with (
        other_models(ground.settings, program.module) as connection,
        _started(program, _task(settings, types, events), log) as process,
    ):
        await _said(process, "begun", START_S, log)
        meter = Meter([process.pid], ground.postgres)
        done = int(await _said(process, "done", DONE_S, log))
        measured = meter.stop(done)
        cursor = await connection.execute("SELECT count(*) FROM history")
        [(rows,)] = await cursor.fetchall()
        return measured.with_rows(rows)


def peer_versions() -> dict[str, str]:
    """Of the libraries of these programs, as they are installed."""
    found = {"faust-streaming": version("faust-streaming")}
    for library in PEERS_PYTHON.parents[1].glob("lib/python*/site-packages/*.dist-info"):
        name, _, rest = library.name.partition("-")
        if name in {"quixstreams", "eventsourcing"}:
            found[name] = rest.removesuffix(".dist-info")
    return found


def _task(settings: Settings, types: Types, events: int) -> Task:
    return Task(
        kafka=settings.kafka_bootstrap or "",
        topic=settings.events_topic,
        postgres_url=settings.postgres_url or "",
        schema=settings.model_schema,
        schema_ids={number: one.name for number, one in types.items()},
        events=events,
    )


@asynccontextmanager
async def _started(program: Program, task: Task, log: Path) -> AsyncIterator[Process]:
    """The program with its task; killed after the block, since it has nothing to lose."""
    environment = {
        **os.environ,
        "PGOPTIONS": f"-c search_path={task.schema}",
        "TMPDIR": str(log.parent),  # gone with the platform
    }
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(program.python, "-m", f"bench.programs.{program.module}"),
            cwd=ROOT,
            env=environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=file,
        )
    try:
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(task))
            process.stdin.write_eof()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _said(process: Process, word: str, patience_s: float, log: Path) -> str:
    """Wait for a line that begins with a word; what follows it."""
    if process.stdout is None:
        raise ValueError("expected a program whose output is read")
    try:
        async with asyncio.timeout(patience_s):
            async for line in process.stdout:
                first, _, rest = line.decode(errors="replace").strip().partition(" ")
                if first == word:
                    return rest
    except TimeoutError:
        raise NotMeasured(f"expected it to be {word} within {patience_s:.0f} s") from None
    raise NotMeasured(f"it ended early: {last_error(log)}")
