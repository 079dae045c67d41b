"""GET /bundles: a subject with all its proofs, as one file that verifies anywhere.

For whoever may read everything in it. The file is made by what is passed in: this room reaches no
Kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Response

from dashboard.asking import Asked, SubjectId
from dashboard.documents import SubjectKind
from dashboard.reads import Asker, Reading, Reads
from projections.guarded import OPEN, may_be_told
from projections.rights import require_visible
from projections.telling import custodians_of, guarded
from runut.adapters.http_openapi import problems
from runut.errors import Forbidden
from runut.event import Recorded

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
        known = await _demand_projected(reading, subject)

    async def demand(events: Sequence[Recorded]) -> None:
        more = [one for one in events if (one.partition, one.offset) not in known]
        await _demand_more(reads, asker, subject, more)

    async with reads.downloads.taken():
        content = await reads.export(subject, demand)
    name = f'attachment; filename="{subject.replace("/", "-")}.zip"'
    return Response(content, headers={"Content-Disposition": name}, media_type=MEDIA_TYPE)


async def _demand_projected(reading: Reading, subject: str) -> set[tuple[int, int]]:
    """Demand that nothing of a subject is withheld from who asks; what is guarded is recorded.

    Gives the places of that.
    """
    found = await guarded(reading.connection, [subject], reading.asker.sight, reading.moment.log)
    if any(not found.is_told(one) for one in found.entries):
        raise _refused(subject)
    recorded = [one.recorded for one in found.entries]
    await reading.record(recorded)
    return {(one.partition, one.offset) for one in recorded}


async def _demand_more(reads: Reads, asker: Asker, subject: str, more: Sequence[Recorded]) -> None:
    """The same of events that are sealed, and perhaps not projected yet."""
    secrets = [one for one in more if one.event.meta["security"] != OPEN]
    if not secrets:
        return
    async with reads.open(asker) as reading:
        custodians = (await custodians_of(reading.connection, [subject])).get(subject, set())
        if any(not may_be_told(one.event, asker.sight, custodians) for one in secrets):
            raise _refused(subject)
        await reading.record(secrets)


def _refused(subject: str) -> Forbidden:
    return Forbidden(f"the bundle of {subject}", "the right to read all that it holds")
