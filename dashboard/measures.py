"""GET /indicators and /meeting-series: how agencies coordinate, now or as of a past moment.

The documents are those of `runut indicators --json` and `runut meetings --json`. Figures are for
all readers; a subject that they name is for those who may see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from dashboard.answers import document_answer, etag, is_known, not_modified
from dashboard.asking import AgencyFilter, Ask, Asked, AsOf, Time
from dashboard.measure_documents import Indicators, MeetingSeries
from dashboard.openapi import document
from dashboard.reads import Reading
from projections.indicators import indicators_of
from projections.known import Known, known_now
from projections.meetings import meetings_of
from projections.owing import known_agency
from projections.portraits import Document
from projections.rights import visible
from projections.versions import ledger_version
from runut.errors import FieldError
from runut.rfc3339 import format_time

SeriesName = Annotated[
    str | None, Query(pattern=r"^[^\x00-\x1f]{1,200}$", description="Only this series.")
]


def routes() -> APIRouter:
    """The routes; the request's state has what they need."""
    router = APIRouter(tags=["measures"])
    router.add_api_route("/indicators", indicators, **document(Indicators))
    router.add_api_route("/meeting-series", series, **document(MeetingSeries))
    return router


async def indicators(
    ask: Asked,
    since: Annotated[
        Time | None, Query(alias="from", description="Beginning of the period.")
    ] = None,
    until: Annotated[
        Time | None, Query(alias="to", description="Its end, itself no more part of it.")
    ] = None,
    agency: AgencyFilter = None,
    as_of: AsOf = None,
) -> Response:
    """How agencies coordinate: answers, commitments, transfers, meetings, decisions, network.

    Of an agency that the directory does not know there is no measurement: 404.
    """
    if since is not None and until is not None and since >= until:
        raise FieldError("query.to", f"a time after {format_time(since)}", format_time(until))

    async def of(known: Known) -> Document:
        return await indicators_of(known, since=since, until=until, agency=agency)

    return await _measured(ask, as_of, of, agency)


async def series(ask: Asked, series: SeriesName = None, as_of: AsOf = None) -> Response:
    """Recurring meetings: which occasions were kept, late or missed, and who came."""

    async def of(known: Known) -> Document:
        return await meetings_of(known, series=series)

    return await _measured(ask, as_of, of)


async def _measured(
    ask: Ask,
    as_of: datetime | None,
    of: Callable[[Known], Awaitable[Document]],
    agency: str | None = None,
) -> Response:
    # Of the future nothing is known but what is known now.
    past = None if as_of is None or as_of > ask.reads.now() else as_of
    async with ask.reads.open_at(ask.asker, past) as reading:
        if agency is not None:
            known_agency(reading.moment.log.latest, agency)
        version = await ledger_version(reading.connection, reading.moment.now)
        tag = etag(version, *ask.asker.known_as, ask.request.url.path, ask.request.url.query)
        if is_known(ask.request, tag):
            return not_modified(reading.origin, tag)
        told = await shown_to(reading, await of(await known_to(reading)))
    return document_answer(ask.request, told, reading.origin, tag)


async def known_to(reading: Reading) -> Known:
    """What is known at the moment of a reading, to be measured."""
    return reading.then or await known_now(reading.connection, reading.moment.now)


async def shown_to(reading: Reading, found: Document) -> Document:
    """A measure without the subjects that who asks may not see; within a snapshot."""
    named = {one["subject"] for one in _naming(found) if one["subject"] is not None}
    named |= {one["longest"] for one in found.get("movement", ())}
    seen = await visible(reading.connection, named, reading.asker.sight)
    _leave_out(found, seen)
    told: Document = await reading.told(found, seen)
    return told


def _naming(found: Document) -> Iterator[Document]:
    """Occasions, which name the meeting that served them."""
    for one in found.get("series", ()):
        yield from one["occasions"]


def _leave_out(found: Document, seen: set[str]) -> None:
    for occasion in _naming(found):
        if occasion["subject"] is not None and occasion["subject"] not in seen:
            occasion.update(subject=None, title=None)
    for one in found.get("movement", ()):
        if one["longest"] not in seen:
            one["longest"] = None
