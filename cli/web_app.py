"""The web application: routes of all rooms, and what they need from each other.

Owns what is opened while it runs. Each room's router comes with what it needs passed in, since
rooms do not import each other (architecture.md, Import rules).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from audit.export import Demand, export
from cli.probes import probes
from cli.readiness import Readiness
from cli.sign_in import authenticator
from cli.web_intake import PostgresReadModels
from cli.web_pages import site
from cli.web_reads import ReadSide
from cli.web_seals import cosignatures
from dashboard import credentials, log_tiles, proofs
from dashboard.pages.assembly import add_pages
from dashboard.pages.audit import VERIFY
from dashboard.pages.failures import FailurePages
from producers.intake.door import Door
from producers.intake.router import add_intake
from projections.credential_check import CredentialCheck
from projections.sessions import Sessions
from runut.adapters.http import install_problems
from runut.adapters.http_guards import Limited, Traced
from runut.adapters.http_head import HeadAsGet
from runut.adapters.http_openapi import EVERYWHERE, problems
from runut.adapters.http_watch import Metrics, Watched
from runut.adapters.oidc import OidcCheck
from runut.adapters.postgres import Pool
from runut.rates import Rates
from runut.settings import Settings

API: Final = "/api/v1"
BATCHES: Final = f"{API}/events/batch"
STREAM: Final = f"{API}/stream"
"""Thousands listen at a time, and cost next to nothing."""
PROBES: Final = ("/healthz", "/readyz", "/metrics")
CONNECTIONS: Final = 10
"""To PostgreSQL, at most."""
READY: Final = 2
"""Of them from the start: every page asks one whose session it is."""
PATIENCE_S: Final = 60.0
"""How long the next part of a body may take."""


def build_app(settings: Settings) -> FastAPI:
    """The application; what it needs is open while its lifespan lasts.

    Raises:
        SettingError: a setting lacks that it needs.
    """
    pool = Pool(settings, name="runut web", size=CONNECTIONS, ready=READY)
    door = Door(settings, PostgresReadModels(pool.lent))
    stopping = asyncio.Event()

    async def exported(subject: str, demand: Demand) -> bytes:
        return await export(settings, subject, demand=demand)

    reading = ReadSide(settings, pool.lent, stopping, _now, exported)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with pool, door, reading:
            yield

    app = FastAPI(
        title="Runut",
        version=version("runut"),
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        responses=problems(*EVERYWHERE),
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are enough
    )
    app.state.stopping = stopping
    sessions = Sessions(pool.lent, _now)
    app.state.authenticate = authenticator(
        CredentialCheck(pool.lent, _now), OidcCheck.of(settings), sessions.check
    )
    app.state.rates = Rates(settings.web_events_per_s, settings.web_events_per_s)
    add_intake(app, door.gateway, API)
    app.include_router(probes(Readiness(settings, pool.lent), metrics.registry))
    app.include_router(credentials.router(pool.lent, _now), prefix=API)
    reading.add_to(app, API)
    app.include_router(proofs.router(pool.lent, settings), prefix=API)
    app.include_router(
        log_tiles.router(pool.lent, settings, cosignatures(settings, pool.lent)), prefix=API
    )
    add_pages(app, site(settings, reading, sessions, app.state.authenticate))
    _guard(app, settings, metrics)
    return app


def _guard(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Put before the routes what all of them share; the last one added comes first."""
    install_problems(app)
    app.add_middleware(
        Limited,
        at_once=settings.web_requests_at_once,
        body_bytes=settings.web_body_bytes,
        wider={BATCHES: settings.web_batch_bytes, VERIFY: settings.web_batch_bytes},
        patience_s=PATIENCE_S,
        always=(*PROBES, STREAM),
    )
    app.add_middleware(Traced)
    app.add_middleware(FailurePages, api=API)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Watched, metrics=metrics, quiet=PROBES)


def _now() -> datetime:
    return datetime.now(UTC)
