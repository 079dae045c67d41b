"""/search: subjects, letters, agencies and events by what somebody remembers of them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from dashboard.pages.frame import Frame, Reader
from dashboard.pages.listing import worklists
from dashboard.pages.routing import page_router
from dashboard.reads import Reading
from projections.portraits import Document
from runut.event import SYSTEM, UUID_PATTERN

MOST: Final = 30
"""Of each kind of thing; whoever gets so many asks for more exactly."""
SHORTEST: Final = 2

Q = Annotated[str, Query(max_length=200)]


def routes() -> APIRouter:
    """The route."""
    router = page_router()
    router.add_api_route("/search", search)
    return router


async def search(frame: Reader, q: Q = "") -> Response:
    """What a text is found in."""
    text = q.strip().replace("\x00", "")
    found: dict[str, list[Document]] = {"subjects": [], "letters": [], "events": []}
    async with frame.open() as reading:
        if len(text) >= SHORTEST:
            found = {
                "subjects": await _found(frame, reading, "subjects_like", text=text),
                "letters": await _found(
                    frame, reading, "letters", text=text, agency=None, unanswered=False
                ),
                "events": await _events(frame, reading, text),
            }
    agencies = _agencies(reading, text) if len(text) >= SHORTEST else []
    return frame.page(
        "search.html", reading, text=text, agencies=agencies, shortest=SHORTEST, found=found
    )


async def _events(frame: Frame, reading: Reading, text: str) -> list[Document]:
    if not UUID_PATTERN.fullmatch(text):
        return []
    return await _found(frame, reading, "events_with_id", event_id=text)


async def _found(frame: Frame, reading: Reading, name: str, **wanted: object) -> list[Document]:
    asked = {**wanted, "is_auditor": reading.asker.sight.is_auditor, "guarded_now": []}
    rows = await (await worklists(frame, reading)).listed(name, asked, limit=MOST, offset=0)
    told: list[Document] = await reading.told(
        list(rows.items), {one["subject"] for one in rows.items}
    )
    return told


def _agencies(reading: Reading, text: str) -> list[str]:
    """Codes of agencies that have the text in their code or one of their names."""
    wanted = text.lower()
    return sorted(
        one.code
        for one in reading.moment.log.latest.agencies()
        if one.code != SYSTEM
        and any(wanted in name.lower() for name in (one.code, one.name_id, one.name_en))
    )[:MOST]
