"""GET /commitments and /agencies: who owes what to whom, and what one agency owes, holds, awaits.

The documents are those of `runut commitments --json` and `runut agency --json`. Of another agency a
reader sees what stands on subjects in which their own takes part.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from dashboard.answers import document_answer, etag, is_known, not_modified
from dashboard.asking import AgencyCode, AgencyFilter, Asked, AsOf, Paged
from dashboard.lists import Documents, Listing, answer_list
from dashboard.openapi import document, listed
from dashboard.owing_documents import Agency, AgencyPage, Commitment
from dashboard.reads import Reading
from projections import owing
from projections.listing import CommitmentKey, CommitmentsWanted, commitments
from projections.portraits import Document
from projections.rights import visible
from projections.versions import ledger_version

_COMMITMENTS = Listing("commitments", Commitment, CommitmentKey, CommitmentKey.of)
_AGENCIES = Listing("agencies", Agency, str, lambda one: str(one["code"]))


def routes() -> APIRouter:
    """The routes; the request's state has what they need."""
    router = APIRouter(tags=["agencies"])
    router.add_api_route("/commitments", owed, **listed(Commitment))
    router.add_api_route("/agencies", agencies, **listed(Agency))
    router.add_api_route("/agencies/{code}", agency, **document(AgencyPage))
    return router


async def owed(
    ask: Asked,
    page: Paged,
    agency: AgencyFilter = None,
    creditor: AgencyFilter = None,
    overdue: Annotated[bool, Query(description="Only what is owed and past its limit.")] = False,
    as_of: AsOf = None,
) -> Response:
    """Who owes what to whom by when, by due date: `runut commitments --json`.

    `agency` is the debtor. With `as_of` what was known then.
    """
    wanted = CommitmentsWanted(debtor=agency, creditor=creditor, overdue=overdue)

    def items(reading: Reading, after: CommitmentKey | None, limit: int | None) -> Documents:
        return commitments(
            reading.connection,
            reading.moment,
            wanted,
            after=after,
            limit=limit,
            then=reading.tables_then,
        )

    return await answer_list(ask, page, _COMMITMENTS, items, as_of)


async def agencies(ask: Asked, page: Paged) -> Response:
    """All agencies of the directory, by code."""

    async def items(reading: Reading, after: str | None, _limit: int | None) -> Documents:
        for one in sorted(reading.moment.log.latest.agencies(), key=lambda one: one.code):
            if one.code > (after or ""):
                yield owing.render_agency(one)

    async def tell(_reading: Reading, found: Any) -> Any:
        return found

    async def version(reading: Reading) -> Any:
        return reading.moment.log.size

    return await answer_list(ask, page, _AGENCIES, items, tell=tell, version=version)


async def agency(ask: Asked, code: AgencyCode, as_of: AsOf = None) -> Response:
    """What an agency owes, holds and awaits: `runut agency --json`."""
    async with ask.reads.open_at(ask.asker, as_of) as reading:
        version = await ledger_version(reading.connection, reading.moment.now)
        tag = etag(version, *ask.asker.known_as, ask.request.url.path, ask.request.url.query)
        if is_known(ask.request, tag):
            return not_modified(reading.origin, tag)
        found = await owing.agency(
            reading.connection,
            code,
            now=reading.moment.now,
            as_of=as_of,
            known=reading.moment.log,
            then=reading.tables,
        )
        told = await as_seen(reading, found)
    return document_answer(ask.request, told, reading.origin, tag)


async def as_seen(reading: Reading, found: Document) -> Document:
    """An agency's document without what stands on subjects that who asks may not see."""
    lists = ("owes", "holds", "awaits")
    subjects = {one["subject"] for name in lists for one in found[name]}
    seen = await visible(reading.connection, subjects, reading.asker.sight)
    shown = {name: [one for one in found[name] if one["subject"] in seen] for name in lists}
    told: Document = await reading.told({**found, **shown}, seen)
    return told
