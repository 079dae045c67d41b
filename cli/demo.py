"""The demonstration: several agencies, each a process of its own, work on one real case.

Plays `demonstration/unpaid-wages.jsonl` through the whole ledger at a pace that can be followed,
and shows each action when it is projected. Played again on the same data, every action is a
duplicate and changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from cli import look
from projections.reading import history_entry
from projections.waiting import wait_until_projected
from runut import registration
from runut.adapters import postgres
from runut.errors import PlatformError
from runut.settings import Settings

STORY: Final = Path(__file__).parent / "demonstration"
PACE_S: Final = 0.4
ANSWER_S: Final = 30.0
CASE: Final = "case/BP3MI-NTT-2025-0001"


class Agency:
    """One agency's producer process."""

    def __init__(self, code: str, process: asyncio.subprocess.Process) -> None:
        self.code = code
        self._process = process

    async def emit(self, line: str) -> dict[str, Any]:
        """Have it emit one event; gives the receipt."""
        stdin = self._process.stdin
        if stdin is None:
            raise PlatformError(f"the process of agency {self.code} has no standard input")
        stdin.write(line.strip().encode() + b"\n")
        await stdin.drain()
        return json.loads(await self.answer())  # type: ignore[no-any-return]

    async def answer(self) -> str:
        """The next line that it writes."""
        stdout = self._process.stdout
        async with asyncio.timeout(ANSWER_S):
            line = await stdout.readline() if stdout else b""
        if not line:
            raise PlatformError(f"the process of agency {self.code} ended before it answered")
        return line.decode()


async def play(settings: Settings, console: Console | None = None) -> None:
    """Play the story and show what became of it."""
    console = console or look.console()
    lines = (STORY / "unpaid-wages.jsonl").read_text().splitlines()
    await registration.apply_directory(settings, STORY / "directory.toml")
    await registration.publish_keys(settings, None)
    async with AsyncExitStack() as stack:
        codes = sorted({json.loads(line)["agency"] for line in lines})
        console.print(f"\n[bold]Demonstration[/bold]: {', '.join(codes)}, each its own process")
        agencies = {
            code: await stack.enter_async_context(_agency(settings, code)) for code in codes
        }
        await asyncio.gather(*(agency.answer() for agency in agencies.values()))
        connection = await stack.enter_async_context(
            postgres.connected(settings, name="runut demo", autocommit=True)
        )
        await _play_lines(lines, agencies, connection, console)
    await _show_outcome(settings, console)


@asynccontextmanager
async def _agency(settings: Settings, code: str) -> AsyncIterator[Agency]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.demo_agency", str(settings.data)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Agency(code, process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(ANSWER_S):
                await process.wait()
        except TimeoutError:
            process.kill()


async def _play_lines(
    lines: Iterable[str],
    agencies: dict[str, Agency],
    connection: postgres.Connection,
    console: Console,
) -> None:
    for line in lines:
        receipt = await agencies[json.loads(line)["agency"]].emit(line)
        place = {receipt["partition"]: receipt["offset"]}
        if not await wait_until_projected(connection, place, deadline_s=ANSWER_S):
            raise PlatformError(f"event {receipt['event_id']} was not projected in {ANSWER_S:g} s")
        entry = await history_entry(connection, receipt["partition"], receipt["offset"])
        console.print(look.history_line(entry))
        await asyncio.sleep(PACE_S)


async def _show_outcome(settings: Settings, console: Console) -> None:
    console.rule(f"[bold]{CASE}")
    await look.show_subject(settings, CASE, console)
    await look.show_commitments(settings, console, subject=CASE)
    await look.show_history(settings, CASE, console)
    runut = _as_typed(settings)
    console.print(
        f"\nLook further:\n"
        f"  {runut} case {CASE} --as-of 2025-06-12T02:00:00Z --by occurred\n"
        f"  {runut} history {CASE} --json\n"
        f"  {runut} commitments --agency bp3mi-ntt\n"
        f"  {runut} case agent/P3MI-SENTOSA\n"
        f"  {runut} indicators",
        soft_wrap=True,
    )


def _as_typed(settings: Settings) -> str:
    """How to call the program from here: it may be in an environment that is not entered."""
    program = "runut" if shutil.which("runut") else sys.argv[0]
    is_usual = settings.data == Settings.model_fields["data"].default
    return program if is_usual else f"{program} --data {settings.data}"
