"""/agencies and /agencies/CODE: what agencies hold, owe and await, and how they keep to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Response

from dashboard.asking import AgencyCode
from dashboard.charts import About, Chart, Point, Series, trend
from dashboard.measures import known_to
from dashboard.pages.frame import Frame, Reader
from dashboard.pages.listing import worklists
from dashboard.pages.moments import PastMoment
from dashboard.pages.routing import page_router
from dashboard.pages.words import Words
from dashboard.reads import Reading
from projections import owing
from projections.indicators import explanation
from projections.portraits import Document
from projections.worklists import Rows
from runut.calendar import local_time
from runut.event import SYSTEM

MONTHS: Final = 12
"""Whole months in a trend; the present one is still to end."""

MEASURED: Final = ("response_time", "commitments")
"""Indicators of it, over all time."""

PART: Final = 25
"""Rows of each list; the rest stands on a page of its own."""

ByMonth = Mapping[tuple[str, date, str], float]
"""By agency, month and indicator."""
Indicators = Mapping[str, list[Document]]
"""Rows of each of MEASURED."""


class Measured(NamedTuple):
    """How an agency coordinated."""

    indicators: Indicators
    by_month: ByMonth
    """Of all agencies."""


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    router.add_api_route("/agencies", agencies)
    router.add_api_route("/agencies/{code}", agency)
    return router


async def agencies(frame: Reader, as_of: PastMoment = None) -> Response:
    """All agencies of the directory."""
    async with frame.open_at(as_of) as reading:
        lists = await worklists(frame, reading)
        held = await lists.held()
        overdue = {one.agency: one.count for one in await lists.overdue(reading.moment.at)}
    known = reading.moment.log.latest.agencies()
    rendered = [owing.render_agency(one) for one in known if one.code != SYSTEM]
    rows = sorted(rendered, key=lambda one: (one["kind"], one["code"]))
    return frame.page("agencies.html", reading, agencies=rows, held=held, overdue=overdue)


async def agency(frame: Reader, code: AgencyCode, as_of: PastMoment = None) -> Response:
    """One agency, now or as of a past moment."""
    # Before a connection is taken: whoever makes the figures needs one.
    measured = await _lately(frame, code) if as_of is None else None
    async with frame.open_at(as_of) as reading:
        known = owing.known_agency(reading.moment.log.latest, code)
        parts = await _parts(frame, reading, code)
        if measured is None:
            measured = await _measured(frame, reading, code)
    return frame.page(
        "agency.html",
        reading,
        code=code,
        about=owing.render_agency(known),
        **parts,
        measured=measured.indicators,
        counts={name: explanation(name)[frame.lang] for name in MEASURED},
        remark=explanation("remark")[frame.lang],
        trends=await _trends(frame, reading, code, measured.by_month),
    )


async def _parts(frame: Frame, reading: Reading, code: str) -> dict[str, Any]:
    """How each list of an agency begins, without what may not be told to who asks."""
    lists, at = await worklists(frame, reading), {"now": reading.moment.at}
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "holds": ("held", {"custodian": code}),
        "owes": ("pending", {"debtor": code, "creditor": None, **at}),
        "awaits": ("pending", {"debtor": None, "creditor": code, **at}),
    }
    found = {
        part: await lists.listed(name, asked, limit=PART, offset=0)
        for part, (name, asked) in wanted.items()
    }
    subjects = {one["subject"] for rows in found.values() for one in rows.items}
    told = await reading.told({part: list(rows.items) for part, rows in found.items()}, subjects)
    return {part: Rows(told[part], rows.total) for part, rows in found.items()}


async def _lately(frame: Frame, code: str) -> Measured:
    """An agency's figures as they were some seconds ago: of what has ended little changes.

    Months are those of all agencies, which takes no longer than those of one.
    """
    lately, months = frame.site.reads.lately, _months(frame, frame.site.reads.now())

    async def by_month() -> ByMonth:
        async with frame.open() as reading:
            return await _by_month(frame, reading, months)

    async def indicators() -> Indicators:
        async with frame.open() as reading:
            if reading.moment.log.latest.agency(code) is None:  # as the page itself will say
                return {name: [] for name in MEASURED}
            return await _indicators(reading, code)

    return Measured(
        await lately.get(("indicators", code), indicators),
        await lately.get(("by month", months[0]), by_month),
    )


async def _measured(frame: Frame, reading: Reading, code: str) -> Measured:
    months = _months(frame, reading.moment.at)
    return Measured(await _indicators(reading, code), await _by_month(frame, reading, months))


async def _indicators(reading: Reading, code: str) -> Indicators:
    known = await known_to(reading)
    return {name: await known.ask(name, since=None, until=None, agency=code) for name in MEASURED}


async def _by_month(frame: Frame, reading: Reading, months: list[date]) -> ByMonth:
    lists = await worklists(frame, reading)
    return await lists.monthly(months[0], _next_month(months[-1]))


async def _trends(frame: Frame, reading: Reading, code: str, by_month: ByMonth) -> list[Chart]:
    """How answers and commitments went, by month; none where nothing was measured."""
    months, words = _months(frame, reading.moment.at), frame.words(reading)
    measured = {
        (month, indicator): value
        for (agency, month, indicator), value in by_month.items()
        if agency == code
    }
    wanted = (
        ("RESPONSE_HOURS", frame.translated("Hours until an answer (median)"), False),
        ("COMMITMENTS_KEPT", frame.translated("Commitments kept in time"), True),
    )
    return [
        await asyncio.to_thread(_trend, measured, months, words, *one)
        for one in wanted
        if any(indicator == one[0] for _, indicator in measured)
    ]


def _trend(
    measured: Mapping[tuple[date, str], float],
    months: list[date],
    words: Words,
    indicator: str,
    title: str,
    is_share: bool,
) -> Chart:
    def point(month: date) -> Point:
        value = measured.get((month, indicator))
        text = words.share(value) if is_share else words.number(value, 1)
        return Point(f"{month:%Y-%m}", value, text)

    series = Series(title, tuple(map(point, months)))
    about = About(
        f"trend-{indicator.lower().replace('_', '-')}",
        title,
        "; ".join(f"{one.label}: {one.text}" for one in series.points if one.value is not None),
        ("", title),
    )
    return trend(about, [series], value=title, is_share=is_share)


def _months(frame: Frame, moment: datetime) -> list[date]:
    """The first days of the last whole months, in order."""
    months: list[date] = []
    first = local_time(moment, frame.zone).date().replace(day=1)
    while len(months) < MONTHS:
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(first)
    return months[::-1]


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
