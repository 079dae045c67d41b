"""/: what is open, late, due today, without movement; each figure leads to its list."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response

from dashboard.pages.frame import Reader
from dashboard.pages.listing import worklists
from dashboard.pages.moments import PastMoment
from dashboard.pages.overview_chart import cases_chart
from dashboard.pages.routing import page_router
from dashboard.pages.seals import newest_seal, sizes_of
from dashboard.reads import Reading
from projections.meetings import series_at
from projections.worklists import OPEN_STATUSES, STILL_DAYS, URGENCIES, Worklists
from runut.calendar import local_time

BOUNCED_DAYS: Final = 30
MISSED_DAYS: Final = 90


class Sealed(NamedTuple):
    """How far the ledger is sealed."""

    number: int
    """Of the seal."""
    sealed_at: datetime
    unsealed: int
    """Projected records that no seal covers yet."""


def routes() -> APIRouter:
    """The route."""
    router = page_router()
    router.add_api_route("/", overview)
    return router


async def overview(frame: Reader, as_of: PastMoment = None) -> Response:
    """Open work at a glance, now or as of a past moment."""
    async with frame.open_at(as_of) as reading:
        now = reading.moment.at
        series = await series_at(reading.tables, now)
        lists = await worklists(frame, reading)
        figures = await lists.figures(
            now,
            today=local_day(now, frame.zone),
            bounced_since=now - timedelta(days=BOUNCED_DAYS),
        )
        sealed, recorded_at = await _progress(reading, lists, frame.site.settings.events_topic)
    translated = frame.translated
    chart = cases_chart(
        figures,
        frame.words(reading),
        translated("Open cases by status and urgency"),
        translated("A bar for each status, parted by urgency; the table above has the figures."),
    )
    return frame.page(
        "overview.html",
        reading,
        figures=figures,
        cases_chart=chart,
        statuses=OPEN_STATUSES,
        urgencies=URGENCIES,
        still_days=STILL_DAYS,
        bounced_days=BOUNCED_DAYS,
        missed_days=MISSED_DAYS,
        missed=_missed(series, now),
        sealed=sealed,
        recorded_at=recorded_at,
    )


def local_day(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a reader's day begins, and the next one."""
    today = local_time(now, zone).date()
    begin, end = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (today, today + timedelta(days=1))
    )
    return begin, end


async def _progress(
    reading: Reading, lists: Worklists, topic: str
) -> tuple[Sealed | None, datetime | None]:
    """How far the ledger is sealed, of no past moment; and when the latest record was recorded."""
    seal = None if reading.then else await newest_seal(reading.connection)
    sizes = {} if seal is None else sizes_of(seal, topic)
    unsealed, recorded_at = await lists.unsealed(sizes)
    sealed = None if seal is None else Sealed(seal.seal.index, seal.sealed_at, unsealed)
    return sealed, recorded_at


def _missed(series: list[dict[str, Any]], now: datetime) -> int:
    """Occasions that were missed of late, of every series."""
    since = (now - timedelta(days=MISSED_DAYS)).date().isoformat()
    return sum(
        occasion["outcome"] == "MISSED" and occasion["due_on"] >= since
        for one in series
        for occasion in one["occasions"]
    )
