"""/cases: those that are asked for, the most urgent and oldest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from dashboard.asking import AgencyFilter, Country, Word
from dashboard.pages.filters import agency_options, is_set
from dashboard.pages.frame import Reader
from dashboard.pages.listing import PartNumber, part_of
from dashboard.pages.moments import PastMoment
from dashboard.pages.routing import page_router
from projections.wording import words_of
from projections.worklists import STILL_DAYS

LONGEST_STILL: Final = 3_650


def routes() -> APIRouter:
    """The route."""
    router = page_router()
    router.add_api_route("/cases", cases)
    return router


async def cases(
    frame: Reader,
    status: Word = None,
    urgency: Word = None,
    category: Word = None,
    country: Country = None,
    custodian: AgencyFilter = None,
    participant: AgencyFilter = None,
    still: Annotated[int | None, Query(ge=1, le=LONGEST_STILL)] = None,
    page: PartNumber = 1,
    as_of: PastMoment = None,
) -> Response:
    """A part of the list."""
    async with frame.open_at(as_of) as reading:
        now = reading.moment.at
        wanted = {
            "is_open": is_set(frame, "open"),
            "status": status,
            "urgency": urgency,
            "category": category,
            "country": country,
            "custodian": custodian,
            "participant": participant,
            "overdue": is_set(frame, "overdue"),
            "to_escalate": is_set(frame, "escalate"),
            "still_since": now - timedelta(days=still) if still else None,
            "now": now,
        }
        found = await part_of(frame, reading, "cases", wanted, page)
        agencies = agency_options(frame, reading)
    return frame.page(
        "cases.html",
        reading,
        found=found,
        agencies=agencies,
        statuses=words_of("CaseStatus", frame.lang),
        urgencies=words_of("Urgency", frame.lang),
        categories=words_of("CaseCategory", frame.lang),
        still_days=STILL_DAYS,
    )
