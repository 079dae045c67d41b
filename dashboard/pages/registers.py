"""/meetings, /agreements, /agents, /programmes: registers of one kind of subject, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from dashboard.charts import About, Chart, Occasion, occasions
from dashboard.measures import shown_to
from dashboard.pages.addresses import FOLDERS
from dashboard.pages.frame import Frame, Reader
from dashboard.pages.moments import PastMoment
from dashboard.pages.routing import page_router
from dashboard.reads import Reading
from projections.indicators import explanation
from projections.listing import SubjectsWanted, states
from projections.meetings import series_at
from projections.portraits import SHOWN, Document
from runut.event import ID_PATTERN
from runut.rfc3339 import parse_time

PART: Final = 50
After = Annotated[str, Query(pattern=rf"^[a-z]{{1,12}}/{ID_PATTERN.pattern}$")]


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    router.add_api_route("/meetings", all_meetings)
    for kind in ("agreement", "agent", "programme"):
        router.add_api_route(f"/{FOLDERS[kind]}", _register(kind))
    return router


def _register(kind: str) -> Callable[..., Awaitable[Response]]:
    async def register(frame: Reader, after: After = "", as_of: PastMoment = None) -> Response:
        """A part of the register."""
        async with frame.open_at(as_of) as reading:
            rows, more = await _rows(reading, kind, after)
        return frame.page(f"{FOLDERS[kind]}.html", reading, rows=rows, more=more)

    return register


async def all_meetings(frame: Reader, after: After = "", as_of: PastMoment = None) -> Response:
    """Meetings, and how regularly those of each series are held."""
    async with frame.open_at(as_of) as reading:
        series = await series_at(reading.tables, reading.moment.at)
        told = await shown_to(reading, {"series": series})
        rows, more = await _rows(reading, "meeting", after)
    return frame.page(
        "meetings.html",
        reading,
        rows=rows,
        more=more,
        came=_came,
        series=[
            {**one, "chart": _strip(frame, reading, n, one)} for n, one in enumerate(told["series"])
        ],
        counts=explanation("meetings")[frame.lang],
    )


def _came(attendance: list[Document]) -> int:
    """How many of those who were invited came, or sent somebody."""
    return sum(one["status"] in {"PRESENT", "DELEGATED"} for one in attendance)


async def _rows(reading: Reading, kind: str, after: str) -> tuple[list[Document], str | None]:
    """A part of the subjects of a kind, and behind which one the next part begins."""
    wanted, found = SubjectsWanted(kind=kind), []
    some = states(
        reading.connection,
        reading.moment,
        wanted,
        after=after,
        limit=PART + 1,
        tables=SHOWN[kind],
        then=reading.tables_then,
    )
    async with aclosing(some):
        async for one in some:
            found.append(one)
            if len(found) > PART:
                break
    rows: list[Document] = await reading.told(found[:PART], {one["subject"] for one in found})
    return rows, rows[-1]["subject"] if len(found) > PART else None


def _strip(frame: Frame, reading: Reading, n: int, series: dict[str, Any]) -> Chart | None:
    """The occasions of a series, as marks in a row; None where there are none."""
    words = frame.words(reading)
    marks = [
        Occasion(
            words.date(one["due_on"])
            if one["due_on"]
            else words.day_text(parse_time(one["started_at"])),
            one["outcome"],
            words.word("Occasion", one["outcome"]),
        )
        for one in series["occasions"]
    ]
    if not marks:
        return None
    title = words.text(series["title"] or series["series"])
    said = ", ".join(
        f"{words.word('Occasion', name.upper())} {series[name]}"
        for name in ("kept", "late", "missed", "extra")
    )
    columns = (frame.translated("Day"), frame.translated("Outcome"))
    return occasions(About(f"series-strip-{n}", title, said, columns), marks)
