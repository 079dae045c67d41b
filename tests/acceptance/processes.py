"""`runut` commands as real processes that a test starts, feeds, waits for and kills."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from runut.settings import Settings
from tests.acceptance.running import RUNUT, environment

DEADLINE_S = 180.0
POLL_S = 0.03


def variables(settings: Settings) -> dict[str, str]:
    """The `RUNUT_…` variables that give a process these settings."""
    given = {name: value for name, value in settings if value is not None}
    return {f"RUNUT_{name.upper()}": str(value) for name, value in given.items()}


class Command:
    """One `runut` command in a process of its own."""

    def __init__(self, name: str, process: Process, out: Path, log: Path) -> None:
        self._name = name
        self._process = process
        self._out = out
        self._log = log

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    @property
    def log(self) -> str:
        """What it wrote so far, standard output first."""
        return self._out.read_text() + self._log.read_text()

    def __repr__(self) -> str:
        return f"{self._name}, exit code {self._process.returncode}, its log:\n{self.log}"

    def give(self, lines: Sequence[bytes]) -> asyncio.Task[None]:
        """Write to its standard input; done when it took most of it, or is gone."""
        return asyncio.create_task(self._give(lines))

    async def kill(self) -> None:
        """End it by SIGKILL, as nothing can prevent."""
        assert not self.has_ended, f"expected it to run until it is killed: {self!r}"
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """End it as a service manager would; gives its exit code."""
        if not self.has_ended:
            self._process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; gives its exit code."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        async with asyncio.timeout(DEADLINE_S):
            return await self._process.wait()

    async def document(self) -> Any:
        """The document that it prints at its end, which must come with exit code 0."""
        assert await self.ended() == 0, repr(self)
        return json.loads(self._out.read_text())

    async def _give(self, lines: Sequence[bytes]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.writelines(lines)
        with suppress(ConnectionError):  # killed while it read
            async with asyncio.timeout(DEADLINE_S):
                await self._process.stdin.drain()


@asynccontextmanager
async def started(
    settings: Settings, *arguments: str, is_fed: bool = False
) -> AsyncIterator[Command]:
    """A command started with these settings, gone at the end of the block."""
    number = len(list(settings.data.glob("*.err")))
    out, log = (settings.data / f"{number}-{arguments[0]}.{kind}" for kind in ("out", "err"))
    with out.open("wb") as to_out, log.open("wb") as to_log:
        process = await asyncio.create_subprocess_exec(
            *RUNUT,
            *arguments,
            env=environment(**variables(settings)),
            stdin=PIPE if is_fed else DEVNULL,
            stdout=to_out,
            stderr=to_log,
        )
    try:
        yield Command(arguments[0], process, out, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(condition: Callable[[], Awaitable[bool]], expected: str, *running: Command) -> None:
    """Wait until the condition holds, while these commands run."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await condition():
                for one in running:
                    assert not one.has_ended, f"expected {expected}; found the end of {one!r}"
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        found = "\n".join(map(repr, running))
        raise AssertionError(f"expected {expected} within {DEADLINE_S:g} s; {found}") from None
