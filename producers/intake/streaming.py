"""A batch over HTTP: the body is read while the answer is written.

Starlette's streaming response would read the request itself, to notice who goes away; here that is
for the batch, which needs the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from producers.intake.batch import Batch
from producers.intake.openapi import NDJSON

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 60.0
"""How long a caller may take to read the next results."""

Pace = Callable[[int], Awaitable[None]]
"""Waits until the caller's share covers so many events more."""


class BatchResponse(Response):
    """Answers with a batch's results while its lines come."""

    media_type = NDJSON

    def __init__(self, batch: Batch, pace: Pace, room: asyncio.Semaphore) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._batch = batch
        self._pace = pace
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the batch; who goes away ends it, and what was sent is in the log all the same."""
        stream = _Stream(receive, send, self._start())
        try:
            async with self._room:
                await self._batch.run(stream.paced(self._pace), stream.write)
                await stream.end()
        except* (ClientDisconnect, TimeoutError):
            log.info("the caller of a batch went away", path=scope["path"])

    def _start(self) -> dict[str, object]:
        return {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }


class _Stream:
    """A request's body and its answer, as the ASGI server has them."""

    def __init__(self, receive: Receive, send: Send, start: dict[str, object]) -> None:
        self._receive = receive
        self._send = send
        self._start = start
        self._began = False
        self._more = True

    def paced(self, pace: Pace) -> Callable[[], Awaitable[bytes]]:
        """Reads the next part of the body, no faster than the caller's share allows."""

        async def read() -> bytes:
            part = await self._next_part()
            await pace(part.count(b"\n"))
            return part

        return read

    async def write(self, content: bytes) -> None:
        """Send a part of the answer.

        Raises:
            TimeoutError: the caller does not take it.
        """
        async with asyncio.timeout(PATIENCE_S):
            await self._begin()
            await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self) -> None:
        """Send the end of the answer."""
        await self._begin()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self) -> None:
        # Not before something was read: who waits for "100 Continue" has to get it first.
        if not self._began:
            self._began = True
            await self._send(self._start)

    async def _next_part(self) -> bytes:
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._more = message.get("more_body", False)
            if part := message.get("body", b""):
                return bytes(part)
        return b""
