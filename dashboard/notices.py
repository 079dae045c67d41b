"""GET /notices and /quarantine: what an agency is told, and what became of its own records.

Of its own alone; auditors and operators ask about any.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Response

from dashboard.answers import document_answer, etag
from dashboard.asking import AgencyFilter, Ask, Asked, Paged
from dashboard.lists import AT_ONCE, Documents, Listing, answer_list
from dashboard.openapi import document, listed
from dashboard.reads import Reading
from dashboard.register_documents import Notice, Quarantined, QuarantinedRecord
from projections import notice_outbox, quarantine
from projections.portraits import Document
from projections.quarantine import parse_place
from runut.access import require_agency
from runut.errors import NotFound
from runut.rfc3339 import parse_time

_Uuid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class _Key(msgspec.Struct, frozen=True):
    made_at: datetime
    notice_id: _Uuid

    @classmethod
    def of(cls, one: Document) -> _Key:
        return cls(parse_time(one["made_at"]), one["notice_id"])


_NOTICES: Final = Listing("notices", Notice, _Key, _Key.of)
_QUARANTINE: Final = Listing("quarantine", Quarantined, str, lambda one: str(one["place"]))


def routes() -> APIRouter:
    """The routes; the request's state has what they need."""
    router = APIRouter(tags=["own records"])
    router.add_api_route("/notices", notices, **listed(Notice))
    router.add_api_route("/quarantine", quarantined, **listed(Quarantined))
    router.add_api_route("/quarantine/{place}", record, **document(QuarantinedRecord))
    return router


async def notices(
    ask: Asked,
    page: Paged,
    agency: AgencyFilter = None,
    state: Literal["WAITING", "DELIVERED", "PARKED", "EXPIRED"] | None = None,
) -> Response:
    """Notices and what became of each, the newest first: `runut notices list --json`."""
    agency = _own(ask, agency)

    async def items(reading: Reading, after: _Key | None, limit: int | None) -> Documents:
        at_once = limit or AT_ONCE
        while True:
            some = await notice_outbox.listed(
                reading.connection,
                reading.moment.now,
                agency=agency,
                state=state,
                limit=at_once,
                after=(after.made_at, after.notice_id) if after else None,
            )
            for one in some:
                yield one
            if len(some) < at_once:
                return
            after = _Key.of(some[-1])

    return await answer_list(ask, page, _NOTICES, items, tell=_as_they_are, version=_changing)


async def quarantined(
    ask: Asked,
    page: Paged,
    agency: AgencyFilter = None,
    acknowledged_too: Annotated[
        bool, Query(description="Also those of which a person took note.")
    ] = False,
) -> Response:
    """Records that are no event, the newest first. Whose they are is what they claim."""
    agency = _own(ask, agency)

    async def items(reading: Reading, after: str | None, limit: int | None) -> Documents:
        place, at_once = parse_place(after) if after else None, limit or AT_ONCE
        while True:
            some = await quarantine.listed(
                reading.connection,
                agency=agency,
                acknowledged_too=acknowledged_too,
                after=place,
                limit=at_once,
            )
            for one in some:
                yield one
            if len(some) < at_once:
                return
            place = parse_place(some[-1]["place"])

    return await answer_list(ask, page, _QUARANTINE, items, tell=_as_they_are, version=_changing)


async def record(
    ask: Asked, place: Annotated[str, Path(pattern=r"^[0-9]{1,4}:[0-9]{1,18}$")]
) -> Response:
    """One of them, with what it holds."""
    own = _own(ask, None)
    async with ask.reads.open(ask.asker) as reading:
        found = await quarantine.shown(reading.connection, parse_place(place))
    if own not in {None, found["agency"]}:
        raise NotFound(f"record {place}", "expected one in quarantine, found none")
    tag = etag(found, *ask.asker.known_as)
    return document_answer(ask.request, found, reading.origin, tag)


def _own(ask: Ask, agency: str | None) -> str | None:
    """The agency about which somebody may ask; None for all of them."""
    return agency if ask.asker.sight.sees_all else require_agency(ask.asker.who, agency)


async def _as_they_are(_reading: Reading, found: Sequence[Document]) -> Sequence[Document]:
    return found


async def _changing(reading: Reading) -> Any:
    """What is delivered or acknowledged moves no position: these are never the same."""
    return reading.moment.now
