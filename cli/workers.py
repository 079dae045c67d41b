"""`runut worker`: one worker in this process, or several in processes that end together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from typing import Annotated, Final

import typer

from cli.common import Data
from cli.loading import uncollected
from embedded.processes import dies_with
from runut.settings import load_settings

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
THIS_PROGRAM: Final = (sys.executable, "-m", "cli.main")


def worker(
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Workers, which share the partitions.")
    ] = 1,
    data: Data = None,
) -> None:
    """Run one worker: projects its share of the ledger into PostgreSQL. For clusters.

    Several end together: when one does, the others are stopped, and the command ends as it did.

    Example: runut worker --processes 4
    """
    if processes > 1:
        command = (*THIS_PROGRAM, "worker", *(() if data is None else ("--data", str(data))))
        raise typer.Exit(asyncio.run(run_together([command] * processes)))
    with uncollected():
        from consumers.worker import run_worker  # Faust takes half a second, and only here
    raise typer.Exit(run_worker(load_settings(data)))


async def run_together(commands: list[tuple[str, ...]]) -> int:
    """Run programs until one ends, or SIGTERM or SIGINT ends them; gives the first one's code."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for which in SIGNALS:
        loop.add_signal_handler(which, stopping.set)
    programs = [await _start(command) for command in commands]
    try:
        first = [asyncio.create_task(program.wait()) for program in programs]
        stopped = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait([*first, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        ended = [task.result() for task in first if task in done]
    finally:
        await _stop(programs)
        for which in SIGNALS:
            loop.remove_signal_handler(which)
    # A code below 0 is the signal that ended it: as a shell says it.
    codes = ended or [program.returncode or 0 for program in programs]
    return max(128 - code if code < 0 else code for code in codes)


async def _start(command: tuple[str, ...]) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        start_new_session=True,  # Ctrl-C in a terminal must reach us alone
        preexec_fn=dies_with(os.getpid(), signal.SIGTERM),
    )


async def _stop(programs: list[Process]) -> None:
    for program in programs:
        if program.returncode is None:
            program.terminate()
    for program in programs:
        await program.wait()
