"""Whoever is slow with the head of a request is sent away; whoever waits for its answer is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import uvicorn
from uvicorn.server import ServerState

from cli.web_protocol import HEAD_S, BoundedHead

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


def connection(timers: Timers) -> tuple[BoundedHead, Mock]:
    """A connection that was just made, and its transport."""
    config = uvicorn.Config(_endless, http=BoundedHead, lifespan="off", log_config=None)
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
