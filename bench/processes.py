"""Programs that are measured: started with settings of our own, ended whatever happens."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

ROOT: Final = Path(__file__).resolve().parents[1]
START_S: Final = 180.0
STOP_S: Final = 20.0
POLL_S: Final = 0.1


@asynccontextmanager
async def running(log: Path, given: Mapping[str, str], *command: str) -> AsyncIterator[Process]:
    """`python COMMAND` for as long as the block runs; no other setting of ours plays a part."""
    others = {name: v for name, v in os.environ.items() if not name.startswith("RUNUT_")}
    async with started(log, others | dict(given), sys.executable, *command) as process:
        yield process


@asynccontextmanager
async def started(
    log: Path, environment: Mapping[str, str], *command: str | Path
) -> AsyncIterator[Process]:
    """Any program for as long as the block runs, with just this environment."""
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,  # as the parts of a platform are
        )
        try:
            yield process
        finally:
            await _end(process)


@asynccontextmanager
async def serving(
    log: Path, given: Mapping[str, str], port: int, *command: str
) -> AsyncIterator[int]:
    """The same, once it answers on a port; gives its pid."""
    async with running(log, given, *command) as process:
        await _until_answers(port)
        yield process.pid


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _until_answers(port: int) -> None:
    async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                (await client.get(f"http://127.0.0.1:{port}/healthz")).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(POLL_S)
            else:
                return
