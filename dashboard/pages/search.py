"""/search: subjects, letters, agencies and events by what somebody remembers of them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from dashboard.pages.frame import Frame, Reader
from dashboard.pages.listing import Part, worklists
from dashboard.pages.routing import page_router
from dashboard.reads import Reading
from runut.event import SYSTEM, UUID_PATTERN

MOST: Final = 30
"""Of each kind of thing, with the number of all."""
SHORTEST: Final = 2
NOTHING: Final = Part([], 0, 1)

Q = Annotated[str, Query(max_length=200)]


def routes() -> APIRouter:
    """The route."""
    router = page_router()
    router.add_api_route("/search", search)
    return router


async def search(frame: Reader, q: Q = "") -> Response:
    """What a text is found in."""
    text = q.strip().replace("\x00", "")
    found = {"subjects": NOTHING, "letters": NOTHING, "events": NOTHING}
    async with frame.open() as reading:
        if len(text) >= SHORTEST:
            found = {
                "subjects": await _found(frame, reading, "subjects_like", text=text),
                "letters": await _found(
                    frame, reading, "letters", text=text, agency=None, unanswered=False
                ),
                "events": await _events(frame, reading, text),
            }
        found["agencies"] = _agencies(reading, text) if len(text) >= SHORTEST else NOTHING
    return frame.page("search.html", reading, text=text, shortest=SHORTEST, found=found)


async def _events(frame: Frame, reading: Reading, text: str) -> Part:
    if not UUID_PATTERN.fullmatch(text):
        return NOTHING
    return await _found(frame, reading, "events_with_id", event_id=text)


async def _found(frame: Frame, reading: Reading, name: str, **wanted: object) -> Part:
    asked = {**wanted, "is_auditor": reading.asker.sight.is_auditor, "guarded_now": []}
    rows = await (await worklists(frame, reading)).listed(name, asked, limit=MOST, offset=0)
    told = await reading.told(list(rows.items), {one["subject"] for one in rows.items})
    return Part(told, rows.total, 1)


def _agencies(reading: Reading, text: str) -> Part:
    """Codes of agencies that have the text in their code or one of their names."""
    wanted = text.lower()
    codes = sorted(
        one.code
        for one in reading.moment.log.latest.agencies()
        if one.code != SYSTEM
        and any(wanted in name.lower() for name in (one.code, one.name_id, one.name_en))
    )
    return Part([{"agency": code} for code in codes[:MOST]], len(codes), 1)
