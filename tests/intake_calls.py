"""The HTTP intake in this process, on a ledger of a test's own: who calls, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import uvicorn
from fastapi import FastAPI

from cli.web_intake import PostgresReadModels
from cli.web_protocol import BoundedHead
from cli.web_server import listen
from producers.intake.gateway import WAIT_S, Gateway
from producers.intake.read_models import ReadModels
from producers.intake.router import add_intake
from runut.access import Principal, bearer_token
from runut.adapters.http import install_problems
from runut.adapters.http_guards import Limited, Traced
from runut.adapters.postgres import Pool
from runut.errors import Unauthenticated
from runut.event import AgencyCode
from runut.rates import Rates
from runut.settings import Settings

AS_KP2MI = {"Authorization": "Bearer kp2mi"}
MAY_FORCE = {"Authorization": "Bearer kp2mi/force"}
BATCH = "/api/v1/events/batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


async def authenticate(header: str | None) -> Principal:
    """Every token but `wrong` names its agency; `/force` and `/reader` say what it may."""
    token = bearer_token(header)
    if token == "wrong":
        raise Unauthenticated("one that nobody has")
    agency, _, right = token.partition("/")
    roles = frozenset({"READER"} if right == "reader" else {"EMITTER"})
    return Principal(f"test/{token}", AgencyCode(agency), roles, right == "force")


def make_app(
    gateway: Gateway | Callable[[], Gateway],
    *,
    events_per_s: float = 1e6,
    body_bytes: int = 512_000,
) -> FastAPI:
    """The intake's routes with what stands before them in `runut web`."""
    app = FastAPI()
    app.state.authenticate = authenticate
    app.state.rates = Rates(events_per_s, events_per_s)
    asked = (lambda: gateway) if isinstance(gateway, Gateway) else gateway
    add_intake(app, asked, "/api/v1")
    install_problems(app)
    app.add_middleware(
        Limited, at_once=500, body_bytes=body_bytes, wider={BATCH: 64_000_000}, patience_s=60
    )
    app.add_middleware(Traced)
    return app


@asynccontextmanager
async def opened(
    settings: Settings, read_models: ReadModels | None = None, *, wait_s: float = WAIT_S
) -> AsyncIterator[Gateway]:
    """A gateway, with the real read models unless others are given."""
    async with Pool(settings, name="tests", size=4) as pool:
        asked = read_models or PostgresReadModels(pool.lent, patience_s=2)
        async with Gateway(settings, asked, wait_s=wait_s) as gateway:
            yield gateway


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of kp2mi who calls the app."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://intake/api/v1", headers=AS_KP2MI, timeout=60
    ) as client:
        yield client


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """The app behind the real server and protocol of `runut web`; gives its port."""
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(app, http=BoundedHead, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    """What a batch says of its lines."""
    return [orjson.loads(line) for line in answer.content.splitlines()]
