"""What is known of requests afterwards: a line of the log for each, and metrics of all.

Metrics are labelled by route, never by path or person, so that their number is bounded and they
tell nothing of anybody. Names are those that Prometheus expects.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "none"
_LABELS: Final = ("method", "route", "code")
_MS: Final = 1000
_ABORTED: Final = 499
"""Nothing was answered: whoever asked has gone."""


class Metrics:
    """The metrics of one application; others may add theirs to `registry`."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # series nobody asks for
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter(
            "http_requests_total", "Requests that were answered.", _LABELS, registry=registry
        )
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "From a request's head to the end of its answer.",
            ("method", "route"),
            registry=registry,
        )
        self.under_way = 0
        in_progress = Gauge(
            "http_requests_in_progress", "Requests that are being answered.", registry=registry
        )
        in_progress.set_function(lambda: self.under_way)
        self._labelled: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One more request is answered, after so many seconds."""
        # There are only so many labels, and to find them by name costs more than to count.
        found = self._labelled.get((method, route, status))
        if found is None:
            counter = self.requests.labels(method, route, status)
            found = (counter, self.seconds.labels(method, route))
            self._labelled[method, route, status] = found
        found[0].inc()
        found[1].observe(seconds)


class Watched:
    """Counts requests, measures them, and logs each when it is done."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, quiet: Collection[str] = ()) -> None:
        """Take the metrics to add to, and paths that are asked so often that none is logged."""
        self._app = app
        self._metrics = metrics
        self._quiet = quiet
        self._log = log.bind()  # which is done once, and not for each line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), _ABORTED

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.under_way += 1
        try:
            await self._app(scope, receive, sending)
        finally:
            self._metrics.under_way -= 1
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        route = _route(scope)
        self._metrics.answered(method, route, status, seconds)
        if scope["path"] not in self._quiet:
            state = scope.get("state", {})
            self._log.info(
                "request",
                method=method,
                path=scope["path"],
                status=status,
                ms=round(seconds * _MS, 1),
                who=state.get("who"),
                trace_id=state.get("trace_id"),
            )


def _route(scope: Scope) -> str:
    """The pattern that a path matched, such as `/api/v1/agencies/{code}`."""
    # FastAPI notes there what it made of a route of an included router.
    included = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(included or scope.get("route"), "path", NO_ROUTE)
