"""The commonest question, a subject's present state, answered past the router.

What FastAPI does for a request with no parameters but its path costs more than the answer. Whatever
is asked in another way (a past moment, a place to wait for, a wrong name) is for the route.
"""

from __future__ import annotations

import re
from typing import Final, get_args

from fastapi import Request, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.asking import READERS, Ask, asker_of
from dashboard.documents import SubjectKind
from dashboard.reads import Reads
from dashboard.subjects import state_now
from runut.access import require_role
from runut.adapters.http import answer_past_router, principal
from runut.event import ID_PATTERN

_SUBJECT: Final = re.compile(rf"(?:{'|'.join(get_args(SubjectKind))})/{ID_PATTERN.pattern}")


class DirectStates:
    """Answers a GET of a state that says no more than which."""

    def __init__(self, app: ASGIApp, *, reads: Reads, path: str) -> None:
        """Take where answers come from, and the path of the route, `{kind}/{ident}` at its end."""
        self._app = app
        self._reads = reads
        self._above = path.partition("{")[0]
        self._route = Route(path, self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if not self._is_meant(scope):
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route  # for the metrics
        await answer_past_router(self._answer, scope, receive, send)

    def _is_meant(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            return False
        path: str = scope["path"]
        return path.startswith(self._above) and bool(_SUBJECT.fullmatch(path, len(self._above)))

    async def _answer(self, request: Request) -> Response:
        who = await principal(request)
        require_role(who, *READERS)
        ask = Ask(request, asker_of(request, who), self._reads)
        return await state_now(ask, request.scope["path"].removeprefix(self._above))
