"""Follow the read models as they grow, once for all listeners of this process.

Owns one connection that is told of every commit of the projector, how far the read models are, and
who listens. What many want to hear is made once. Memory is bounded: whoever is too slow loses what
waits for them and is told to look again for themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import chain
from typing import Final, Self

import psycopg
import structlog

from dashboard.stream_text import entry_text, resync_text
from projections.following import Positions, added, listen, positions, records_between
from projections.hearing import Interest, heard
from runut.adapters.postgres import Connection
from runut.errors import Busy, RunutError

log = structlog.get_logger(__name__)

AT_ONCE: Final = 1_000
"""Lines that are told one by one; of more at a time only that they are there."""
LISTENERS: Final = 5_000
"""In this process."""
WAITING: Final = 64
"""Rounds that wait for a listener."""
LOOK_EVERY_S: Final = 1.0
"""Should a word of the projector get lost."""
PAUSE_S: Final = 1.0
"""Before another attempt to reach PostgreSQL."""
TRY_AGAIN_S: Final = 30.0
REST_S: Final = 0.02
"""Between rounds, at least: what comes meanwhile is told together."""
REST_A_LISTENER_S: Final = 0.0001
"""And so much for each listener: to tell one takes a quarter of it, so that pages have the rest."""

Connect = Callable[[], AbstractAsyncContextManager[Connection]]


class Listener:
    """Somebody who wants to hear what is added."""

    def __init__(self, interest: Interest, since: Positions) -> None:
        self.interest = interest
        self.since = since
        """How far the read models were when it began to listen."""
        self._waiting: deque[bytes] = deque()
        self._something = asyncio.Event()
        self._is_over = False

    def tell(self, text: bytes) -> None:
        """Have it hear a text, after what waits already."""
        self._waiting.append(text)
        self._something.set()

    @property
    def is_slow(self) -> bool:
        """Whether too much waits for it."""
        return len(self._waiting) >= WAITING

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting.clear()

    def end(self) -> None:
        """Have it hear no more than what waits."""
        self._is_over = True
        self._something.set()

    async def hear(self) -> AsyncIterator[bytes]:
        """Texts as they come, until it is over; what waits together comes together."""
        while True:
            await self._something.wait()
            self._something.clear()
            if self._waiting:
                text = b"".join(self._waiting)
                self._waiting.clear()
                yield text
            if self._is_over:
                return


class Feed:
    """What this process knows of the read models' growth."""

    def __init__(self, connect: Connect, stopping: asyncio.Event) -> None:
        """Take how to connect to the read models with autocommit, and what tells of the end."""
        self._connect = connect
        self._stopping = stopping
        self._positions: Positions = {}
        self._listeners: dict[Interest, set[Listener]] = {}
        self._moved = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(one) for one in (self._follow(), self._end())]
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def positions(self) -> Positions:
        """How far the read models are, as far as was heard."""
        return dict(self._positions)

    def require_room(self) -> None:
        """Demand that there is room for another listener.

        Raises:
            Busy: there is none.
        """
        if self._count >= LISTENERS:
            raise Busy(f"{LISTENERS} listeners", TRY_AGAIN_S)

    @property
    def _count(self) -> int:
        return sum(map(len, self._listeners.values()))

    @asynccontextmanager
    async def listening(self, interest: Interest) -> AsyncIterator[Listener]:
        """A listener for as long as the block runs."""
        listener = Listener(interest, self.positions)
        if self._stopping.is_set():
            listener.end()
        self._listeners.setdefault(interest, set()).add(listener)
        try:
            yield listener
        finally:
            others = self._listeners[interest]
            others.discard(listener)
            if not others:
                del self._listeners[interest]

    async def reached(self, partition: int, offset: int, *, within_s: float) -> bool:
        """Wait until an event is projected; False if that takes longer."""

        def is_projected() -> bool:
            return self._positions.get(partition, 0) > offset

        try:
            async with asyncio.timeout(within_s), self._moved:
                await self._moved.wait_for(is_projected)
        except TimeoutError:
            return is_projected()
        return True

    async def _end(self) -> None:
        """When the process stops, streams have to end before it can."""
        await self._stopping.wait()
        for some in self._listeners.values():
            for listener in some:
                listener.end()

    async def _follow(self) -> None:
        said = ""
        while True:
            try:
                async with self._connect() as connection:
                    await self._hear(connection)
            except (psycopg.Error, RunutError) as error:
                if str(error) != said:  # once is enough
                    log.warning("cannot follow the read models", reason=str(error))
                said = str(error)
            await asyncio.sleep(PAUSE_S)

    async def _hear(self, connection: Connection) -> None:
        """Rounds without end: at each commit of the projector, and now and then."""
        schema = await listen(connection)
        is_ours = True
        while True:
            if is_ours:
                await self._round(connection)
                await asyncio.sleep(max(REST_S, REST_A_LISTENER_S * self._count))
            is_ours = True
            async for notify in connection.notifies(timeout=LOOK_EVERY_S, stop_after=1):
                is_ours = notify.payload == schema

    async def _round(self, connection: Connection) -> None:
        """Tell what was added since the last one."""
        before, after = self._positions, await positions(connection)
        if after == before:
            return
        # Together: whoever comes from now on begins to listen behind what these are told.
        self._positions = after
        listeners = {interest: list(some) for interest, some in self._listeners.items()}
        async with self._moved:
            self._moved.notify_all()
        try:
            if not before or records_between(before, after) > AT_ONCE:
                _resync(chain(*listeners.values()), after)
            elif listeners:
                await self._tell(connection, before, after, listeners)
        except psycopg.Error:
            _resync(chain(*listeners.values()), after)
            raise

    async def _tell(
        self,
        connection: Connection,
        before: Positions,
        after: Positions,
        listeners: Mapping[Interest, Sequence[Listener]],
    ) -> None:
        lines = await added(connection, before, after)
        heard_by = await heard(connection, lines, listeners)
        at, texts = dict(before), {}
        for line in lines:
            at[line.partition] = line.offset + 1
            texts[line.partition, line.offset] = entry_text(line, at)
        for interest, some in heard_by.items():
            text = b"".join(texts[line.partition, line.offset] for line in some)
            if text:
                pass_on(listeners[interest], text, after)


def pass_on(listeners: Iterable[Listener], text: bytes, after: Positions) -> None:
    """Have listeners hear a text; `after` is how far the read models are behind it."""
    slow = []
    for listener in listeners:
        if listener.is_slow:
            slow.append(listener)
        else:
            listener.tell(text)
    _resync(slow, after)


def _resync(listeners: Iterable[Listener], at: Positions) -> None:
    """Have listeners look again: more was added than they are told line by line."""
    text = resync_text(at)
    for listener in listeners:
        listener.forget()
        listener.tell(text)
