"""The web application: routes of all rooms, and what they need from each other.

Owns what is opened while it runs. Each room's router comes with what it needs passed in, since
rooms do not import each other (architecture.md, Import rules).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from runut.adapters.http import install_problems
from runut.adapters.http_guards import Limited, Traced
from runut.adapters.postgres import Pool
from runut.rates import Rates
from runut.settings import Settings

API: Final = "/api/v1"
BATCHES: Final = f"{API}/events/batch"
PROBES: Final = ("/healthz", "/readyz", "/metrics")
CONNECTIONS: Final = 10
"""To PostgreSQL, at most."""
PATIENCE_S: Final = 60.0
"""How long the next part of a body may take."""


def build_app(settings: Settings) -> FastAPI:
    """The application; what it needs is open while its lifespan lasts."""
    pool = Pool(settings, name="runut web", size=CONNECTIONS)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(
        title="Runut",
        version=version("runut"),
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.rates = Rates(settings.web_events_per_s, settings.web_events_per_s)
    install_problems(app)
    app.add_middleware(
        Limited,
        at_once=settings.web_requests_at_once,
        body_bytes=settings.web_body_bytes,
        wider={BATCHES: settings.web_batch_bytes},
        patience_s=PATIENCE_S,
        always=PROBES,
    )
    app.add_middleware(Traced)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
