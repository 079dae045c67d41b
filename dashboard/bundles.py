"""GET /bundles: a subject with all its proofs, as one file that verifies anywhere.

For whoever may read everything in it. The file is made by what is passed in: this room reaches no
Kafka.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from dashboard.asking import Asked, SubjectId
from dashboard.documents import SubjectKind
from dashboard.reads import Asker, Reading, Reads
from projections.rights import require_visible
from projections.telling import guarded
from runut.adapters.http_openapi import problems
from runut.errors import Forbidden

MEDIA_TYPE: Final = "application/zip"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The bundle; `runut verify` and `runut-verify` verify it.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "Content-Disposition": {"description": "Its name.", "schema": {"type": "string"}}
        },
    },
    **problems(404, 409),
}


def routes() -> APIRouter:
    """The route; the request's state has what it needs."""
    router = APIRouter(tags=["subjects"])
    router.add_api_route(
        "/bundles/{kind}/{ident}", bundle, responses=_ANSWERS, response_class=Response
    )
    return router


async def bundle(ask: Asked, kind: SubjectKind, ident: SubjectId) -> Response:
    """Everything of a subject with its proofs, as of the last seal: `runut export`."""
    return await made(ask.reads, ask.asker, f"{kind}/{ident}")


async def made(reads: Reads, asker: Asker, subject: str) -> Response:
    """The bundle of a subject, as a download.

    Raises:
        NotFound: there is no such subject for who asks, or it is not sealed yet.
        Forbidden: something in it may not be told to who asks.
    """
    async with reads.open(asker) as reading:
        await require_visible(reading.connection, subject, asker.sight)
        await _demand_all(reading, subject)
    async with reads.downloads.taken():
        content = await reads.export(subject)
    name = f'attachment; filename="{subject.replace("/", "-")}.zip"'
    return Response(content, headers={"Content-Disposition": name}, media_type=MEDIA_TYPE)


async def _demand_all(reading: Reading, subject: str) -> None:
    """Demand that nothing of a subject is withheld from who asks; what is guarded is recorded."""
    found = await guarded(reading.connection, [subject], reading.asker.sight, reading.moment.log)
    if any(not found.is_told(one) for one in found.entries):
        raise Forbidden(f"the bundle of {subject}", "the right to read all that it holds")
    await reading.record(found.entries)
