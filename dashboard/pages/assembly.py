"""All pages together, and sessions that may read the API as well.

A page's own downloads and live updates come from the API: a session's cookie stands for its token
there, where something is read. What changes anything needs a token in a header, which no other
site can send.
"""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.pages import (
    account,
    agency,
    audit,
    case_list,
    cookies,
    moments,
    network,
    overview,
    registers,
    search,
    sign_in,
    static_files,
    subject,
    work_lists,
)
from dashboard.pages.site import Site
from runut.adapters.http import header

PAGES: Final = (
    *(static_files, sign_in, account, overview, case_list, work_lists, registers),
    *(subject, agency, network, audit, search, moments),
)


def add_pages(app: FastAPI, site: Site) -> None:
    """Have an application answer with pages, beside what else it does."""
    app.state.site = site
    app.add_middleware(SessionReads)
    for page in PAGES:
        app.include_router(page.routes())


class SessionReads:
    """Gives a request that only reads, and says nothing of who asks, the token of its session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            says_who = header(scope, b"authorization") is not None
            token = None if says_who else HTTPConnection(scope).cookies.get(cookies.SESSION)
            if token is not None:
                bearer = (b"authorization", f"Bearer {token}".encode())
                scope = {**scope, "headers": [*scope["headers"], bearer]}
        await self._app(scope, receive, send)
