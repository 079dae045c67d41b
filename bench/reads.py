"""Reads of current state: the API beside a bare SELECT by the same driver, at an even pace.

A request is due at its moment, whether or not earlier ones were slow, and its time counts from
then. Both read random cases of those that were projected, some seconds each in turns, so that what
disturbs one disturbs the other; the client is this process, which costs both the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import msgspec

from bench.end_to_end import Latency, latency_of
from bench.ground import Ground
from bench.measured import unsearched, written_down
from bench.processes import free_port, serving
from projections.credentials import Grant, issue
from projections.folds.case_state import ENDED
from runut.adapters import postgres
from runut.settings import Settings

RATE: Final = 500
"""Requests a second."""
AT_ONCE: Final = 16
"""Connections."""
WARM_S: Final = 1
TURN_S: Final = 2
"""Well below the 5 s after which a server closes a connection on which nothing is asked."""
SEED: Final = 20260101
CASES: Final = """SELECT subject FROM subject
    WHERE subject LIKE 'case/BENCH-%%' AND state ->> 'status' <> ALL (%s) ORDER BY subject"""
SELECT: Final = "SELECT state FROM subject WHERE subject = %s"
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_QUIET: Final = {"RUNUT_LOG_LEVEL": "WARNING"}

Read = Callable[[str], Awaitable[None]]
"""Reads the state of a subject."""


class Reads(msgspec.Struct, frozen=True):
    """From the moment at which a read was due to its answer."""

    api: Latency
    select: Latency


async def measure(ground: Ground, seconds: int) -> Reads:
    """So many seconds of each, after some that do not count."""
    subjects = some_of(await open_cases(ground.settings))
    await written_down()
    async with api_readers(ground.settings) as api, _select_readers(ground.settings) as select:
        took_ms: list[list[float]] = [[], []]
        for readers in (api, select):
            await _paced(readers, subjects, WARM_S * RATE)
        for begun in range(0, seconds, TURN_S):
            count = min(TURN_S, seconds - begun) * RATE
            for took, readers in zip(took_ms, (api, select), strict=True):
                took.extend(await _paced(readers, subjects, count))
    return Reads(*map(latency_of, took_ms))


async def open_cases(settings: Settings) -> list[str]:
    """Of the stories, not of other parts: one whose report was corrected is none."""
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        cursor = await connection.execute(CASES, (sorted(ENDED),))
        return [row[0] for row in await cursor.fetchall()]


def some_of(cases: Sequence[str]) -> Iterator[str]:
    """Any of them, again and again, and the same ones in each run."""
    chance = Random(SEED)
    while True:
        yield chance.choice(cases)


async def _paced(readers: list[Read], subjects: Iterator[str], count: int) -> list[float]:
    """Each reader takes the next one that is due, when it has its last answer.

    Gives how long each took, in milliseconds from when it was due.
    """
    done, numbers = [0.0] * count, iter(range(count))

    async def work(read: Read) -> None:
        for number in numbers:
            await asyncio.sleep(due[number] - time.perf_counter())
            await read(next(subjects))
            done[number] = time.perf_counter()

    with unsearched():
        begun = time.perf_counter() + 0.01  # from here on: the search itself takes a while
        due = [begun + number / RATE for number in range(count)]
        async with asyncio.TaskGroup() as tasks:
            for read in readers:
                tasks.create_task(work(read))
    return [(ended - was_due) * 1000 for was_due, ended in zip(due, done, strict=True)]


@asynccontextmanager
async def _select_readers(settings: Settings) -> AsyncIterator[list[Read]]:
    async with AsyncExitStack() as stack:
        readers: list[Read] = []
        for _ in range(AT_ONCE):
            connection = await stack.enter_async_context(
                postgres.connected(settings, name="bench", autocommit=True)
            )

            async def read(subject: str, connection: postgres.Connection = connection) -> None:
                cursor = await connection.execute(SELECT, (subject,), prepare=True)
                if await cursor.fetchone() is None:
                    raise LookupError(f"{subject}: expected it to be projected")

            readers.append(read)
        yield readers


@asynccontextmanager
async def api_readers(settings: Settings) -> AsyncIterator[list[Read]]:
    """Over HTTP, from a `runut web` process, a connection each; LookupError where it is not 200."""
    token, port = await _token(settings), free_port()
    given = _QUIET | {
        "RUNUT_MODEL_SCHEMA": settings.model_schema,
        "RUNUT_VIEWS_SCHEMA": settings.views_schema,
    }
    command = ("-m", "cli.main", "web", "--data", str(settings.data), "--port", str(port))
    async with serving(settings.data / "http.log", given, port, *command):
        streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(AT_ONCE)]
        try:
            yield [_over_http(reader, writer, token) for reader, writer in streams]
        finally:
            for _, writer in streams:
                writer.close()


def _over_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> Read:
    caller = f"Host: bench\r\nAuthorization: Bearer {token}".encode()

    async def read(subject: str) -> None:
        path = f"/api/v1/subjects/{subject}".encode()
        writer.write(b"GET " + path + b" HTTP/1.1\r\n" + caller + _END_OF_HEAD)
        head = await reader.readuntil(_END_OF_HEAD)
        await reader.readexactly(int(head.lower().partition(_LENGTH)[2].split(b"\r")[0]))
        if head.split(b" ", 2)[1] != b"200":
            raise LookupError(f"{subject}: expected 200, found {head.decode(errors='replace')}")

    return read


async def _token(settings: Settings) -> str:
    """Of an auditor, who sees every case."""
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        now = datetime.now(UTC)
        grant = Grant(
            "kp2mi", "bench", frozenset({"AUDITOR"}), may_force=False, expires_at=now + timedelta(1)
        )
        return (await issue(connection, grant, "bench", now)).text
