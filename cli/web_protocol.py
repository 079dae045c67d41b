"""HTTP/1.1 as uvicorn speaks it, with an end to what comes before a request's body.

uvicorn bounds bodies by flow control, but waits for ever for a head, of whatever size. An answer
leaves in one piece.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from runut.adapters.http_guards import BODY_IS_THERE
from runut.problems import MEDIA_TYPE, plain_problem

HEAD_BYTES: Final = 64 * 1024
HEAD_S: Final = 30.0
HELD_BYTES: Final = 16 * 1024


class _Together:
    """A transport that sends together what is written in one turn of the loop.

    uvicorn writes the head of an answer and its body one after the other, and uvloop sends each at
    once: two system calls, and twice as much work for who reads.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send soon; at once where it is much, so that the transport can say if too much."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self._size += len(data)
        if self._size > HELD_BYTES:
            self._send()

    def close(self) -> None:
        """Send what is held, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))


class BoundedHead(HttpToolsProtocol):
    """Closes connections whose next head is too long in coming, or too long."""

    _in_head = True
    _has_ended = False
    _head_bytes = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first head."""
        together: Any = _Together(transport, self.loop)
        super().connection_made(together)
        self._patience = self.loop.call_later(HEAD_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those after which the head goes on are counted."""
        was_in_head, self._has_ended = self._in_head, False
        super().data_received(data)
        # What ended a request is of no head that would still go on, however long its answer takes.
        if self._has_ended or not (was_in_head and self._in_head) or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response(f"a request's head has at most {HEAD_BYTES} bytes")
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_S, self.transport.close)

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._in_head, self._head_bytes = False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is a head. Whoever reads the body need not wait for it."""
        self._in_head = self._has_ended = True
        self.scope["state"][BODY_IS_THERE] = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong as everywhere else."""
        body = orjson.dumps(plain_problem(400, "Bad Request", msg).document())
        head = (
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
