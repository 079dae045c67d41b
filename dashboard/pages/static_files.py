"""Styles and scripts: small files of our own, read once, named with their hash in pages."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER: Final = Path(__file__).parent.parent / "static"
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER: Final = "public, max-age=31536000, immutable"


class Static(NamedTuple):
    """A file as it is sent."""

    content: bytes
    media_type: str
    version: str


@cache
def static_files() -> dict[str, Static]:
    """All of them, by name."""
    return {
        file.name: Static(content, MEDIA_TYPES[file.suffix], sha256(content).hexdigest()[:12])
        for file in sorted(FOLDER.iterdir())
        for content in (file.read_bytes(),)
    }


def static_url(name: str) -> str:
    """Where a page finds a file: another address whenever its content is another."""
    return f"/static/{name}?v={static_files()[name].version}"


def routes() -> APIRouter:
    """The route."""
    router = APIRouter()
    router.add_api_route("/static/{name}", static, include_in_schema=False)
    return router


async def static(name: str, request: Request) -> Response:
    """A file."""
    found = static_files().get(name)
    if found is None:
        raise HTTPException(404)
    is_exact = request.query_params.get("v") == found.version
    headers = {
        "Cache-Control": FOR_EVER if is_exact else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.content, headers=headers, media_type=found.media_type)
