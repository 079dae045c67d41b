"""The read side of the HTTP API (interfaces.md): every GET under `/api/v1` that reads projections.

Owns no route itself. Whoever assembles the web process passes in what crosses rooms.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from dashboard import agencies, bundles, measures, notices, registers, stream, subjects
from dashboard.feed import Feed
from dashboard.reads import Reads


def router(reads: Reads, feed: Feed) -> APIRouter:
    """The routes, over where answers come from and what follows the read models.

    `feed` has to be entered as long as requests are answered.
    """

    async def bound(request: Request) -> None:
        request.state.reads, request.state.feed = reads, feed

    api = APIRouter(dependencies=[Depends(bound)])
    for room in (subjects, bundles, agencies, registers, measures, notices, stream):
        api.include_router(room.routes())
    return api
