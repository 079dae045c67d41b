"""Whoever is slow with the head of a request is sent away; whoever waits for its answer is not, and
gets it in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import uvicorn
from uvicorn.server import ServerState

from cli.web_protocol import HEAD_S, HELD_BYTES, BoundedHead

REQUEST = b"GET /stream HTTP/1.1\r\nHost: runut\r\n\r\n"


class Timers:
    """A loop that starts no timer, and knows which would run."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started: list[Any] = []

    def call_later(self, delay_s: float, what: Callable[[], object]) -> Any:
        timer = SimpleNamespace(delay_s=delay_s, what=what, is_on=True)
        timer.cancel = lambda: setattr(timer, "is_on", False)
        self._started.append(timer)
        return timer

    def running(self, what: Callable[[], object]) -> list[float]:
        """After how many seconds something would be called."""
        return [one.delay_s for one in self._started if one.is_on and one.what == what]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


async def _endless(_scope: object, _receive: object, _send: object) -> None:
    await asyncio.Event().wait()


def connection(timers: Timers, app: Any = _endless) -> tuple[BoundedHead, Mock]:
    """A connection that was just made, and its transport."""
    config = uvicorn.Config(app, http=BoundedHead, lifespan="off", log_config=None)
    config.load()
    protocol = BoundedHead(config, ServerState(), {}, timers)  # type: ignore[arg-type]
    transport = Mock(spec=asyncio.Transport)
    transport.is_closing.return_value = False
    transport.get_extra_info.return_value = None
    protocol.connection_made(transport)
    return protocol, transport


async def test_an_answer_may_take_longer_than_a_head() -> None:
    timers = Timers()
    protocol, transport = connection(timers)
    assert timers.running(transport.close) == [HEAD_S]
    protocol.data_received(REQUEST)
    assert timers.running(transport.close) == []
    transport.close.assert_not_called()


async def test_a_head_that_stops_in_its_middle_is_waited_for_so_long_and_no_longer() -> None:
    timers = Timers()
    protocol, transport = connection(timers)
    protocol.data_received(REQUEST[:20])
    assert timers.running(transport.close) == [HEAD_S]
    protocol.data_received(REQUEST[20:])
    assert timers.running(transport.close) == []


def answering(*bodies: bytes) -> tuple[Any, asyncio.Event]:
    """An app that answers with a body in parts, and what is set when it has."""
    answered = asyncio.Event()

    async def app(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for body in bodies:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body"})
        answered.set()

    return app, answered


async def test_an_answer_leaves_in_one_piece() -> None:
    app, answered = answering(b"all of it")
    protocol, transport = connection(Timers(), app)
    protocol.data_received(REQUEST)
    await answered.wait()
    await asyncio.sleep(0)  # the turn of the loop in which it was written ends
    [(sent,)] = [call.args for call in transport.write.call_args_list]
    assert sent.startswith(b"HTTP/1.1 200 OK")
    assert sent.endswith(b"all of it\r\n0\r\n\r\n")


async def test_what_is_much_is_not_held_back() -> None:
    app, answered = answering(*[bytes(HELD_BYTES)] * 3)
    protocol, transport = connection(Timers(), app)
    protocol.data_received(REQUEST)
    await answered.wait()
    sizes = [len(call.args[0]) for call in transport.write.call_args_list]
    assert [size > HELD_BYTES for size in sizes[:3]] == [True, True, True]


async def test_an_answer_leaves_before_its_connection_is_closed() -> None:
    app, answered = answering(b"the last one")
    protocol, transport = connection(Timers(), app)
    protocol.data_received(REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
    await answered.wait()
    assert [name for name, *_ in transport.method_calls if name in {"write", "close"}] == [
        "write",
        "close",
    ]


async def test_nothing_is_sent_to_who_has_gone() -> None:
    app, answered = answering(b"too late")
    protocol, transport = connection(Timers(), app)
    transport.is_closing.return_value = True
    protocol.data_received(REQUEST)
    await answered.wait()
    await asyncio.sleep(0)
    transport.write.assert_not_called()
