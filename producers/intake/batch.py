"""A batch: lines in, results out, at the same time and in the same order.

Owns the stream: three stages with bounded queues between them, so that a batch of any length takes
the same memory, and whoever is slow slows the rest. A line that is no event gets its problem and
the rest goes on; when the log takes no more, the batch ends early and the caller sends again what
got no receipt. What a line says and where it goes is `given` and `gateway`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

import msgspec

from producers.files.jsonl import Line, Lines
from producers.intake.channel import Channel
from producers.intake.signing import SIGNED_AT_ONCE
from runut.errors import RunutError, Unreachable
from runut.event import AgencyCode
from runut.lanes import Receipt
from runut.problems import Problem, problem_of
from runut.receipts import SignedReceipt

Read = Callable[[], Awaitable[bytes]]
"""The next part of the lines; empty at their end."""
Write = Callable[[bytes], Awaitable[None]]
Sign = Callable[[Sequence[tuple[AgencyCode, Receipt]]], list[SignedReceipt]]

WINDOW: Final = 2_048
"""Lines that may wait for their receipts."""
BACKLOG: Final = 8 * 1024 * 1024
"""Bytes of results that may wait for the caller: those of some 10,000 lines, so that a caller who
sends that many before reading anything is not stuck."""
AT_ONCE: Final = 128
"""Lines that are taken together, before others get their turn."""
OUTAGE: Final = 503


class Accepted(msgspec.Struct, frozen=True):
    """A line whose event is on its way, or was in the log before."""

    agency: AgencyCode
    receipt: asyncio.Future[Receipt]
    is_new: bool


Accept = Callable[[Sequence[Line]], Awaitable[Sequence[Accepted | Problem]]]
"""Takes the events in some lines; a problem where a line is none, or not the caller's."""


class Result(msgspec.Struct, frozen=True):
    """A line and what became of it."""

    number: int
    outcome: Accepted | Problem


class Batch:
    """One stream of lines."""

    def __init__(self, accept: Accept, sign: Sign, *, wait_s: float) -> None:
        """Take how long one line may wait for the log."""
        self._accept = accept
        self._sign = sign
        self._wait_s = wait_s
        self._results: Channel[Sequence[Result]] = Channel(WINDOW)
        self._backlog: Channel[bytes] = Channel(BACKLOG)
        self._last = 0
        self._is_over = False

    async def run(self, read: Read, write: Write) -> None:
        """Read lines to their end and write their results; what either raises ends both."""
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(read))
            tasks.create_task(self._write(write))
            await self._answer(reading)

    async def _read(self, read: Read) -> None:
        lines = Lines()
        try:
            while chunk := await read():
                await self._take(lines.feed(chunk))
            await self._take(lines.end())
        except RunutError as error:  # the stream itself is not as it must be
            await self._results.put([Result(self._last + 1, problem_of(error))])
        finally:
            self._results.close()

    async def _take(self, lines: Iterator[Line]) -> None:
        while some := list(islice(lines, AT_ONCE)):
            self._last = some[-1].number
            outcomes = await self._accept(some)
            results = [Result(one.number, o) for one, o in zip(some, outcomes, strict=True)]
            await self._results.put(results, len(results))
            await asyncio.sleep(0)

    async def _answer(self, reading: asyncio.Task[None]) -> None:
        """Say of each line what became of it, in order. An outage ends the reading."""
        recorded: list[tuple[int, Accepted]] = []
        while taken := await self._results.take():
            for result in chain.from_iterable(taken):
                number, outcome = result.number, result.outcome
                if isinstance(outcome, Problem):
                    problem: Problem | None = outcome
                else:
                    problem = await self._problem(outcome.receipt, recorded)
                    if problem is None:
                        recorded.append((number, outcome))
                if problem is not None or len(recorded) == SIGNED_AT_ONCE:
                    await self._say_recorded(recorded)
                if problem is not None:
                    await self._say(_problem_line(number, problem))
                    if problem.status == OUTAGE:
                        self._is_over = True
                        reading.cancel()
            await self._say_recorded(recorded)
        self._backlog.close()

    async def _problem(
        self, receipt: asyncio.Future[Receipt], recorded: list[tuple[int, Accepted]]
    ) -> Problem | None:
        """Why an event did not come into the log, waiting for it; None where it did."""
        if _is_recorded(receipt):  # as most are by now
            return None
        # After an outage nobody waits any more: what is not in the log now is sent again.
        if not receipt.done() and not self._is_over:
            await self._say_recorded(recorded)
            await asyncio.wait({receipt}, timeout=self._wait_s)
        if not receipt.done() or receipt.cancelled():
            return problem_of(Unreachable("Kafka", "the gateway's", "send the line again"))
        error = receipt.exception()
        return problem_of(error) if isinstance(error, Exception) else None

    async def _say_recorded(self, recorded: list[tuple[int, Accepted]]) -> None:
        """Say that these lines' events are in the log, with receipts; then there are none."""
        if recorded:
            signed = self._sign([(one.agency, one.receipt.result()) for _, one in recorded])
            await self._say(b"".join(map(_receipt_line, recorded, signed)))
            recorded.clear()

    async def _say(self, lines: bytes) -> None:
        await self._backlog.put(lines, len(lines))

    async def _write(self, write: Write) -> None:
        while lines := await self._backlog.take():
            await write(b"".join(lines))


def _is_recorded(receipt: asyncio.Future[Receipt]) -> bool:
    return receipt.done() and not receipt.cancelled() and receipt.exception() is None


def _receipt_line(recorded: tuple[int, Accepted], receipt: SignedReceipt) -> bytes:
    number, accepted = recorded
    status = 201 if accepted.is_new else 200
    shown = msgspec.json.encode(receipt)
    return b'{"line":%d,"status":%d,"receipt":%b}\n' % (number, status, shown)


def _problem_line(number: int, problem: Problem) -> bytes:
    shown = {"line": number, "status": problem.status, "problem": problem.document()}
    return msgspec.json.encode(shown) + b"\n"
