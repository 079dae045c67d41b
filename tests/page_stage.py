"""The pages over real tables that hold every scenario, without the rest of the web process.

Who signs in is told by the token alone, as in `tests.read_stage`; sessions are real ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from cli.sign_in import authenticator
from cli.web_pages import verified
from cli.web_reads import ReadSide
from dashboard.pages.assembly import add_pages
from dashboard.pages.failures import FailurePages
from dashboard.pages.site import Site
from projections.sessions import Sessions
from runut.access import Principal
from runut.adapters.http import install_problems
from runut.adapters.http_guards import Traced
from runut.adapters.postgres import Pool
from runut.settings import Settings
from tests.read_stage import API, NOW, authenticate, exported, listening

HOST = "http://127.0.0.1"
FORM_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


class Pages:
    """An application with the pages, and people who read them."""

    def __init__(self, settings: Settings, app: FastAPI, stopping: asyncio.Event) -> None:
        self.settings = settings
        self.app = app
        self.stopping = stopping

    def stranger(self, **headers: str) -> httpx.AsyncClient:
        """Somebody with a browser whom nobody knows."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=HOST, headers=headers
        )

    @asynccontextmanager
    async def reader(self, token: str = "auditor", lang: str = "en") -> AsyncIterator[Any]:
        """Somebody who signed in, and reads in a language."""
        async with self.stranger(**{"accept-language": lang}) as browser:
            await sign_in(browser, token)
            yield browser


async def sign_in(browser: httpx.AsyncClient, token: str) -> httpx.Response:
    """Fill in the form as a person does."""
    form = await browser.get("/sign-in")
    given = {"form_token": form_token(form), "token": token, "next": "/"}
    return await browser.post("/sign-in", data=given)


def form_token(page: httpx.Response) -> str:
    """What a page's forms hold."""
    found = FORM_TOKEN.search(page.text)
    assert found, page.text
    return found[1]


@asynccontextmanager
async def pages(
    settings: Settings, now: datetime = NOW, *, is_demonstration: bool = False
) -> AsyncIterator[Pages]:
    """The pages over a ledger's tables, for as long as the block lasts."""
    stopping = asyncio.Event()
    async with Pool(settings, name="tests writing", size=2) as pool:
        reading = ReadSide(settings, pool.lent, stopping, lambda: now, exported)
        sessions = Sessions(pool.lent, lambda: now)
        app = FastAPI()
        app.state.authenticate = authenticator(_by_name, None, sessions.check)
        app.state.stopping = stopping
        install_problems(app)
        site = Site(
            reads=reading.reads,
            feed=reading.feed,
            sessions=sessions,
            authenticate=app.state.authenticate,
            settings=settings.model_copy(update={"web_demonstration": is_demonstration}),
            zone=ZoneInfo("Asia/Jakarta"),
            verify=verified,
        )
        reading.add_to(app, API)
        add_pages(app, site)
        app.add_middleware(Traced)
        app.add_middleware(FailurePages, api=API)
        async with reading:
            yield Pages(settings, app, stopping)


@asynccontextmanager
async def served(stage: Pages) -> AsyncIterator[str]:
    """The pages behind a real socket; gives their address."""
    async with listening(stage.app, stage.stopping) as address:
        yield address


async def _by_name(token: str) -> Principal:
    return await authenticate(f"Bearer {token}")
