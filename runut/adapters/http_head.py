"""HEAD, answered as GET is, without the body (RFC 9110 §9.3.2): for all routes at once.

Routes know GET alone. What they read to tell it is read all the same, so the headers are GET's; an
answer that comes in parts, such as a download or a stream, is given up after the first.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASKED_AS: Final = "runut.asked_as"
"""Where a scope says what was asked instead of GET."""


class HeadAsGet:
    """Answers HEAD with what GET would, up to the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # A scope of its own: the server's says how the answer is framed.
        asked = {**scope, "method": "GET", ASKED_AS: "HEAD"}
        try:
            await _without_body(self._app, asked, receive, send)
        finally:
            scope.update(asked, method="HEAD")  # which route it was counts


def asked_method(scope: Scope) -> str:
    """The method as it was asked."""
    method: str = scope.get(ASKED_AS, scope["method"])
    return method


async def _without_body(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    loop = asyncio.get_running_loop()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body"})
        elif message.get("more_body"):
            limit.reschedule(loop.time())

    try:
        async with asyncio.timeout(None) as limit:
            await app(scope, receive, sending)
    except TimeoutError:
        if not limit.expired():
            raise
