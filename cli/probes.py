"""GET /healthz, /readyz and /metrics: for whoever runs the process, not for agencies.

Open to all who reach them: they name parts and count requests, and tell nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from runut.adapters.http import problem_response
from runut.problems import plain_problem


def probes(
    readiness: Callable[[], Awaitable[dict[str, bool]]], metrics: CollectorRegistry
) -> APIRouter:
    """The routes: whether the process lives, whether its parts answer, and what it counted."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz(request: Request) -> Response:
        parts = await readiness()
        missing = [name for name, answers in parts.items() if not answers]
        if request.app.state.stopping.is_set():
            return _not_ready("the process is stopping", parts)
        if missing:
            return _not_ready(f"no answer from {', '.join(missing)}", parts)
        return JSONResponse({"status": "ok", "parts": parts})

    @routes.get("/metrics")
    async def exposed() -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return routes


def _not_ready(why: str, parts: dict[str, Any]) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return problem_response(plain_problem(status, status.phrase, why, parts=parts))
