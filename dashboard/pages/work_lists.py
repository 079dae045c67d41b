"""/commitments, /transfers, /letters: what agencies owe, offer and write to each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from dashboard.asking import AgencyFilter
from dashboard.pages.filters import agency_options, is_set
from dashboard.pages.frame import Reader
from dashboard.pages.listing import PartNumber, part_of
from dashboard.pages.moments import PastMoment
from dashboard.pages.overview import local_day
from dashboard.pages.routing import page_router
from projections.rights import guarded_subjects

Days = Annotated[int | None, Query(ge=1, le=3_650)]
Text = Annotated[str | None, Query(max_length=200)]


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    router.add_api_route("/commitments", commitments)
    router.add_api_route("/transfers", transfers)
    router.add_api_route("/letters", letters)
    return router


async def commitments(
    frame: Reader,
    debtor: AgencyFilter = None,
    creditor: AgencyFilter = None,
    due: Literal["today"] | None = None,
    page: PartNumber = 1,
    as_of: PastMoment = None,
) -> Response:
    """What is owed, by limit."""
    async with frame.open_at(as_of) as reading:
        now = reading.moment.at
        since, until = local_day(now, frame.zone) if due else (None, None)
        wanted = {
            "debtor": debtor,
            "creditor": creditor,
            "overdue": is_set(frame, "overdue"),
            "since": since,
            "until": until,
            "now": now,
        }
        found = await part_of(frame, reading, "commitments", wanted, page)
        agencies = agency_options(frame, reading)
    return frame.page("commitments.html", reading, found=found, agencies=agencies)


async def transfers(
    frame: Reader,
    agency: AgencyFilter = None,
    bounced: Days = None,
    page: PartNumber = 1,
    as_of: PastMoment = None,
) -> Response:
    """Offers of cases, the latest first; with `bounced` those that bounced of late."""
    async with frame.open_at(as_of) as reading:
        since = reading.moment.at - timedelta(days=bounced) if bounced else None
        wanted = {"agency": agency, "bounced": bounced is not None, "since": since}
        found = await part_of(frame, reading, "transfers", wanted, page)
        agencies = agency_options(frame, reading)
    return frame.page("transfers.html", reading, found=found, agencies=agencies, bounced=bounced)


async def letters(
    frame: Reader,
    agency: AgencyFilter = None,
    text: Text = None,
    page: PartNumber = 1,
    as_of: PastMoment = None,
) -> Response:
    """The register of letters, the latest first."""
    async with frame.open_at(as_of) as reading:
        wanted = {
            "agency": agency,
            "unanswered": is_set(frame, "unanswered"),
            "text": text,
            "is_auditor": reading.asker.sight.is_auditor,
            "guarded_now": await guarded_subjects(reading.connection) if reading.then else [],
        }
        found = await part_of(frame, reading, "letters", wanted, page)
        agencies = agency_options(frame, reading)
    return frame.page("letters.html", reading, found=found, agencies=agencies)
