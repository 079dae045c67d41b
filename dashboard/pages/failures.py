"""What fails before any page is reached, as a page: for browsers, outside of the API.

An unknown address, a form that is too large, a process that is full or broken: each of them is
answered with a problem document by whatever refuses it. Whoever asks for HTML gets it as a page.
"""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.pages.routing import told
from runut.problems import MEDIA_TYPE, Problem

KEPT: Final = ("allow", "connection", "retry-after")
"""Headers that the page takes over."""


class FailurePages:
    """Puts a page in place of every problem document that a browser would get."""

    def __init__(self, app: ASGIApp, *, api: str) -> None:
        """Take what answers, and below which path programs ask."""
        self._app = app
        self._api = f"{api}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not self._is_browser(scope):
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        await self._app(scope, receive, answer.send)
        if answer.problem is not None:
            page = await told(Request(scope), msgspec.json.decode(answer.problem, type=Problem))
            page.headers.update({name: v for name, v in answer.headers.items() if name in KEPT})
            await page(scope, receive, send)

    def _is_browser(self, scope: Scope) -> bool:
        if scope["path"].startswith(self._api):
            return False
        return "text/html" in Headers(scope=scope).get("accept", "")


class _Answer:
    """An answer on its way: sent on, unless it is a problem."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.headers = Headers()
        self.problem: bytes | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.headers = Headers(raw=message["headers"])
            if self.headers.get("content-type") == MEDIA_TYPE:
                self.problem = b""
        if self.problem is None:
            await self._send(message)
        else:
            self.problem += message.get("body", b"")
