"""People who read pages, and listeners who wait for news: small clients, all in this process.

Ready-made clients need more of a core for a request than the page does that they ask for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple

ANSWER_S: Final = 60.0
LONGEST: Final = 64
"""Of texts to be heard."""
AT_ONCE: Final = 100
"""Listeners that begin together."""
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_READY: Final = b"event: ready\n"
_RESYNC: Final = b"event: resync\n"
"""Told to look again: who was too slow hears of everything that way."""


class Answer(NamedTuple):
    """What became of a request."""

    status: int
    body: bytes
    ended_at: float
    """By `time.perf_counter`."""


class Browser:
    """One connection, kept as long as the server does, with the cookies of somebody's session."""

    def __init__(self, port: int, cookies: str) -> None:
        self._port = port
        self._cookies = cookies
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Answer:
        """Ask for a page."""
        if self._open is None or self._open[0].at_eof():
            self.close()
            self._open = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._open
        writer.write(_request(path, self._cookies))
        async with asyncio.timeout(ANSWER_S):
            head = await reader.readuntil(_END_OF_HEAD)
            length = int(head.lower().partition(_LENGTH)[2].split(b"\r")[0])
            body = await reader.readexactly(length)
        return Answer(int(head.split(b" ", 2)[1]), body, time.perf_counter())

    def close(self) -> None:
        """Leave."""
        if self._open is not None:
            self._open[1].close()


@contextmanager
def browsers(port: int, cookies: Iterable[str]) -> Iterator[list[Browser]]:
    """A browser for each."""
    opened = [Browser(port, one) for one in cookies]
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


class News:
    """Something that all listeners are to hear of."""

    def __init__(self, text: bytes, listeners: int) -> None:
        self.text = text
        self.told_at = time.perf_counter()
        self.heard_at: list[float] = []
        self.by_all = asyncio.Event()
        self._listeners = listeners

    def heard(self) -> None:
        """One more heard of it."""
        self.heard_at.append(time.perf_counter())
        if len(self.heard_at) == self._listeners:
            self.by_all.set()


class Audience:
    """Listeners of the stream."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.news: News | None = None

    def hear_of(self, text: str) -> News:
        """Have all of them wait for a text from now on."""
        self.news = News(text.encode(), self.size)
        return self.news


@asynccontextmanager
async def audience(port: int, path: str, cookies: str, size: int) -> AsyncIterator[Audience]:
    """So many listeners, each of whom was told that it hears everything from now on."""
    loop, found = asyncio.get_running_loop(), Audience(size)
    listeners: list[_Listener] = []
    try:
        while len(listeners) < size:
            begun = [
                (
                    await loop.create_connection(
                        lambda: _Listener(_request(path, cookies), found), "127.0.0.1", port
                    )
                )[1]
                for _ in range(min(AT_ONCE, size - len(listeners)))
            ]
            listeners += begun
            async with asyncio.timeout(ANSWER_S):
                await asyncio.gather(*(one.ready for one in begun))
        yield found
    finally:
        for one in listeners:
            one.leave()


class _Listener(asyncio.Protocol):
    def __init__(self, request: bytes, audience: Audience) -> None:
        self._request = request
        self._audience = audience
        self._heard: News | None = None
        self._tail = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        text = self._tail + data
        self._tail = text[-LONGEST:]  # a word may come in two pieces
        if not self.ready.done() and _READY in text:
            self.ready.set_result(None)
        news = self._audience.news
        if news is not None and news is not self._heard and (news.text in text or _RESYNC in data):
            self._heard = news
            news.heard()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the server closed the connection"))

    def leave(self) -> None:
        self._transport.close()


def _request(path: str, cookies: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookies}", "Accept: */*")
    return "\r\n".join(lines).encode() + _END_OF_HEAD
