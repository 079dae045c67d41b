"""The read side of the HTTP API over real tables, without the rest of the web process.

Who asks is told by the token alone.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI

from cli.web_reads import ReadSide as WebReads
from dashboard.reads import Demand
from runut.access import Principal, Role
from runut.adapters.http import install_problems
from runut.adapters.http_guards import Traced
from runut.adapters.http_head import HeadAsGet
from runut.adapters.http_openapi import EVERYWHERE, problems
from runut.adapters.postgres import Pool
from runut.errors import Unauthenticated
from runut.event import AgencyCode, Recorded
from runut.rfc3339 import parse_time
from runut.settings import Settings
from tests.builders import SCENARIOS, scenario

API = "/api/v1"
NOW = parse_time("2026-08-01T00:00:00Z")


def without_origin(answer: httpx.Response) -> Any:
    """A document, which names what it was made from as its headers do."""
    document = answer.json()
    origin = document.pop("origin")
    at = ",".join(f"{one}:{offset}" for one, offset in origin["positions"].items())
    headers = [answer.headers.get(f"Runut-{one}") for one in ("Positions", "Checkpoint", "Model")]
    assert [at, origin["checkpoint"], origin["model"]] == headers
    return document


def person(name: str, *roles: Role, agency: str | None = None) -> Principal:
    """Somebody who proved who they are; the name is the token."""
    code = None if agency is None else AgencyCode(agency)
    return Principal(name, code, frozenset(roles))


PEOPLE = {
    one.name: one
    for one in (
        person("auditor", "AUDITOR"),
        person("operator", "OPERATOR"),
        person("emitter", "EMITTER", agency="kp2mi"),
        person("homeless", "READER"),
        *(
            person(f"reader-{agency}", "READER", agency=agency)
            for agency in ("kp2mi", "kbri-kl", "kjri-jb", "polri", "kemensos", "bp3mi-ntt")
        ),
    )
}


async def authenticate(header: str | None) -> Principal:
    """Whose token that is."""
    found = PEOPLE.get((header or "").removeprefix("Bearer "))
    if found is None:
        raise Unauthenticated("an unknown one")
    return found


def all_scenarios() -> Iterator[Recorded]:
    """Every scenario, each in a partition of its own (of four), one after the other."""
    offsets = [count(1) for _ in range(4)]
    for n, path in enumerate(sorted(SCENARIOS.glob("*.jsonl"))):
        for one in scenario(path.stem):
            yield msgspec.structs.replace(one, partition=n % 4, offset=next(offsets[n % 4]))


class ReadSide:
    """An application with the routes, and clients of it."""

    def __init__(
        self, settings: Settings, app: FastAPI, reading: WebReads, stopping: asyncio.Event
    ) -> None:
        self.settings = settings
        self.app = app
        self.reads = reading.reads
        self.feed = reading.feed
        self.stopping = stopping

    def client(self, token: str = "auditor") -> httpx.AsyncClient:
        """Somebody who asks; paths are those below /api/v1."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=f"http://read{API}",
            headers={"Authorization": f"Bearer {token}"},
        )

    async def get(self, path: str, token: str = "auditor", **more: object) -> httpx.Response:
        """One answer; what is underlined in a parameter's name stands so in the question."""
        headers = {"If-None-Match": str(more.pop("known"))} if "known" in more else {}
        headers |= {"Accept": str(more.pop("accept"))} if "accept" in more else {}
        params = {name.rstrip("_"): str(value) for name, value in more.items()}
        async with self.client(token) as client:
            return await client.get(path, params=params or None, headers=headers)


@asynccontextmanager
async def read_side(settings: Settings, now: datetime = NOW) -> AsyncIterator[ReadSide]:
    """The routes over a ledger's tables, for as long as the block lasts."""
    stopping = asyncio.Event()
    async with Pool(settings, name="tests writing", size=2) as pool:
        reading = WebReads(settings, pool.lent, stopping, lambda: now, exported)
        app = FastAPI(responses=problems(*EVERYWHERE), openapi_url=f"{API}/openapi.json")
        app.state.authenticate = authenticate
        install_problems(app)
        reading.add_to(app, API)
        app.add_middleware(Traced)
        app.add_middleware(HeadAsGet)
        async with reading:
            yield ReadSide(settings, app, reading, stopping)


async def exported(subject: str, demand: Demand | None = None) -> bytes:
    """Stands for the bundle of a subject, which holds what is projected."""
    if demand is not None:
        await demand([])
    return f"the bundle of {subject}".encode()


@asynccontextmanager
async def served(side: ReadSide) -> AsyncIterator[str]:
    """The routes behind a real socket; gives the address below which they are."""
    async with listening(side.app, side.stopping) as address:
        yield f"{address}{API}"


@asynccontextmanager
async def listening(app: FastAPI, stopping: asyncio.Event) -> AsyncIterator[str]:
    """An application behind a real socket, told to stop at the end; gives its address."""
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=5)
    server = Quiet(config)
    task = asyncio.create_task(server.serve([sock]))
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        stopping.set()
        server.should_exit = True
        async with asyncio.timeout(10):
            await task


class Quiet(uvicorn.Server):
    """Signals are the test runner's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Told(NamedTuple):
    """A server-sent event."""

    id: str
    name: str
    data: dict[str, Any]


async def told(answer: httpx.Response) -> AsyncIterator[Told]:
    """The events of a stream, without its comments."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif not line and "data" in fields:
            yield Told(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
