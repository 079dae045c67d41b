"""A load of HTTP requests from this process, the same for whoever serves.

A small client of our own, since the generators on PyPI need more of a core than a server does:
so many connections, on each of which the next request is sent when the last one is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

ANSWER_S: Final = 120.0
_END_OF_HEAD: Final = b"\r\n\r\n"
_PART: Final = 64 * 1024
_LENGTH: Final = b"content-length: "


class Loaded(msgspec.Struct):
    """What became of the requests."""

    seconds: float
    latencies_ms: list[float]
    statuses: dict[int, int]


async def load(port: int, requests: Sequence[bytes], connections: int) -> Loaded:
    """Send whole requests, of which each has its answer with a Content-Length."""
    found = Loaded(0.0, [], {})
    rest = iter(requests)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    callers = [
        (await loop.create_connection(lambda: _Caller(rest, found), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    async with asyncio.timeout(ANSWER_S):
        await asyncio.gather(*(caller.done for caller in callers))
    found.seconds = time.perf_counter() - began
    return found


async def stream(port: int, request: bytes, result: bytes) -> list[float]:
    """Send one request and read its answer at the same time, until the server closes.

    Gives when each `result` of the answer was there, in milliseconds from the beginning.
    """
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(ANSWER_S), asyncio.TaskGroup() as tasks:
        arrived = tasks.create_task(_arrivals(reader, result, began))
        writer.write(request)
        await writer.drain()
    writer.close()
    return arrived.result()


async def _arrivals(reader: asyncio.StreamReader, result: bytes, began: float) -> list[float]:
    answer, arrived = bytearray(), list[float]()
    while part := await reader.read(_PART):
        seen = max(0, len(answer) - len(result) + 1)  # the last one may have come in halves
        answer += part
        took_ms = (time.perf_counter() - began) * 1000
        arrived += [took_ms] * answer.count(result, seen)
    return arrived


def request(path: str, body: bytes, *more: str) -> bytes:
    """A POST with some more header lines."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + body


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], found: Loaded) -> None:
        self._requests = requests
        self._found = found
        self._answer = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(_END_OF_HEAD)
        if not end or len(body) < int(head.lower().partition(_LENGTH)[2].split(b"\r")[0]):
            return
        self._found.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        status = int(head.split(b" ", 2)[1])
        self._found.statuses[status] = self._found.statuses.get(status, 0) + 1
        self._answer.clear()
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        next_one = next(self._requests, None)
        if next_one is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(next_one)
