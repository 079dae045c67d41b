"""The read side of the HTTP API (interfaces.md): every GET under `/api/v1` that reads projections.

Owns no route itself. Whoever assembles the web process passes in what crosses rooms.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Request

from dashboard import agencies, bundles, measures, notices, registers, stream, subjects
from dashboard.direct import DirectStates
from dashboard.feed import Feed
from dashboard.reads import Reads


def add_reads(app: FastAPI, reads: Reads, feed: Feed, prefix: str) -> None:
    """Add the routes to an app, over where answers come from and what follows the read models.

    `feed` has to be entered as long as requests are answered.
    """
    app.include_router(_router(reads, feed), prefix=prefix)
    app.add_middleware(DirectStates, reads=reads, path=f"{prefix}{subjects.STATE}")


def _router(reads: Reads, feed: Feed) -> APIRouter:
    async def bound(request: Request) -> None:
        request.state.reads, request.state.feed = reads, feed

    api = APIRouter(dependencies=[Depends(bound)])
    for room in (subjects, bundles, agencies, registers, measures, notices, stream):
        api.include_router(room.routes())
    return api
