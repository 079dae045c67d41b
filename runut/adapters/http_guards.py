"""What stands before all routes: a trace id and an answer whatever fails, and limits on what comes.

ASGI middleware, so that bodies pass as streams. Refuses to know routes, but for those whose bodies
may be larger than usual.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runut.adapters.http import header as header_of
from runut.adapters.http import problem_response
from runut.errors import Busy, TooLarge, TooSlow
from runut.problems import problem_of
from runut.tracing import TRACE_HEADER, current_traceparent, is_recorded, new_trace_id, serving

log = structlog.get_logger(__name__)

ROOM_AGAIN_S: Final = 1.0
BODY_IS_THERE: Final = "body_is_there"
"""What a server notes in a request's state when all of it has come."""
_TRACE: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE: Final = "0" * 32
_TRACE_HEADER: Final = TRACE_HEADER.encode()
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Traced:
    """Gives each request a trace id, that of its `traceparent` where it has one.

    What is emitted while it is answered belongs to that trace (`runut.tracing`). A failure that
    nobody expected is logged with it, and the answer tells no more than it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._is_recorded = is_recorded()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header = header_of(scope, _TRACE_HEADER)
        if header is None and not self._is_recorded:  # as almost always: there is nothing to open
            await self._answer(scope, receive, send, _trace_id(None))
            return
        with serving(scope["method"], {TRACE_HEADER: header}):
            traced_as = (current_traceparent() or b"").decode() or header
            await self._answer(scope, receive, send, _trace_id(traced_as))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> None:
        scope.setdefault("state", {})["trace_id"] = trace_id
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:  # the process stops, and its patience is over
            if began:
                raise
            stopped = Busy("the process stops", ROOM_AGAIN_S)
            await problem_response(problem_of(stopped))(scope, receive, send)
        except Exception as error:
            log.exception("failed", trace_id=trace_id, path=scope["path"])
            if began:
                raise  # half an answer: only the end of the connection says so
            answer = problem_response(problem_of(error, trace_id=trace_id))
            await answer(scope, receive, send)


class Limited:
    """Refuses requests beyond a number at a time, bodies beyond a size, and those that stall."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int,
        body_bytes: int,
        wider: Mapping[str, int],
        patience_s: float,
        always: Collection[str] = (),
    ) -> None:
        """Take the limits.

        Args:
            app: what answers.
            at_once: how many requests may be under way.
            body_bytes: size of a body.
            wider: size of a body by path, where it is another.
            patience_s: how long the next part of a body may take.
            always: paths that are answered however many requests are under way.
        """
        self._app = app
        self._at_once = at_once
        self._body_bytes = body_bytes
        self._wider = wider
        self._patience_s = patience_s
        self._always = always
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] in self._always:
            await self._app(scope, receive, send)
            return
        limit = self._wider.get(scope["path"], self._body_bytes)
        announced = header_of(scope, b"content-length")
        if refusal := self._refusal(announced or "0", limit):
            await problem_response(problem_of(refusal))(scope, receive, send)
            return
        # What is as long as was said, and has come, needs neither a timer nor to be counted.
        if announced is None or BODY_IS_THERE not in scope.get("state", ()):
            receive = _measured(receive, limit, self._patience_s)
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    def _refusal(self, announced: str, limit: int) -> Busy | TooLarge | None:
        if self._under_way >= self._at_once:
            return Busy(f"{self._at_once} requests are under way", ROOM_AGAIN_S)
        if not _NUMBER.fullmatch(announced) or int(announced) > limit:
            return TooLarge("body", limit)
        return None


def _measured(receive: Receive, limit: int, patience_s: float) -> Receive:
    """The parts of a body, until there are too many bytes of it or the next one does not come.

    Raises:
        TooLarge: it is larger than `limit`.
        TooSlow: its next part takes longer than `patience_s`.
    """
    got, more = 0, True

    async def receiving() -> Message:
        nonlocal got, more
        if not more:
            return await receive()
        try:
            async with asyncio.timeout(patience_s):
                message = await receive()
        except TimeoutError:
            raise TooSlow("body", patience_s) from None
        got += len(message.get("body", b""))
        more = message.get("more_body", False)
        if got > limit:
            raise TooLarge("body", limit)
        return message

    return receiving


def _trace_id(header: str | None) -> str:
    """Of a request that belongs to a trace (W3C Trace Context), else a new one."""
    found = header and _TRACE.fullmatch(header)
    return found[1] if found and found[1] != _NO_TRACE else new_trace_id()
