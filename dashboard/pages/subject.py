"""/cases/ID, /meetings/ID and the like: a subject now or as of a past moment, and how it came here.

What may not be seen is not found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from starlette.responses import RedirectResponse

from dashboard.asking import ByTime, SubjectId, Time
from dashboard.bundles import made
from dashboard.pages.addresses import FOLDERS, address, address_of
from dashboard.pages.custody_chart import custody_chart
from dashboard.pages.frame import HEADERS, Frame, Reader
from dashboard.pages.moments import moment_of, slider
from dashboard.pages.routing import page_router
from dashboard.pages.seals import newest_seal, sizes_of
from dashboard.pages.threads import threads
from dashboard.pages.turns import WAITING, whose_turn
from dashboard.reads import Reading
from dashboard.subjects import told_lines
from projections.folds.rows import Assistance, Commitment, Contact, Decision, Letter, Transfer
from projections.owing import explanation
from projections.portraits import Document
from projections.reading import By
from projections.render import render_commitment, render_state
from projections.rights import require_visible
from projections.story import Story, moments, story_now, story_then
from runut.calendar import end_of_day

LINES: Final = 60
"""Of the timeline, on one page."""
LABELLED: Final = 300
"""Steps of the slider that are told by their times; of more by their number."""

Kind = Literal["case", "meeting", "agreement", "agent", "programme"]
KINDS: Final[tuple[Kind, ...]] = ("case", "meeting", "agreement", "agent", "programme")


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    for kind in KINDS:
        folder = FOLDERS[kind]
        router.add_api_route(f"/{folder}/{{ident}}", _shown(kind))
        router.add_api_route(f"/{folder}/{{ident}}/why", _explained(kind))
        router.add_api_route(f"/{folder}/{{ident}}/bundle", _bundled(kind))
    return router


def _shown(kind: Kind) -> Callable[..., Awaitable[Response]]:
    async def shown(
        frame: Reader,
        ident: SubjectId,
        as_of: Annotated[Time | None, Query()] = None,
        by: ByTime = "recorded",
        step: Annotated[int | None, Query(ge=0)] = None,
        day: date | None = None,
        upto: Annotated[int | None, Query(ge=1)] = None,
    ) -> Response:
        """A subject, or where its page as of a step or a day is."""
        subject = f"{kind}/{ident}"
        if step is not None or day is not None:
            return await _at(frame, subject, by, step, day)
        async with AsyncExitStack() as stack:
            if as_of is not None:
                await stack.enter_async_context(frame.site.reads.past.taken())
            reading = await stack.enter_async_context(frame.open(as_of))
            await require_visible(reading.connection, subject, reading.asker.sight)
            story = await _story(reading, subject, by, upto)
            told = await _told(frame, reading, subject, story, by)
        return frame.page(f"{kind}.html", reading, **told)

    return shown


async def _at(frame: Frame, subject: str, by: By, step: int | None, day: date | None) -> Response:
    """Where the page is: an address that can be kept and passed on."""
    async with frame.open() as reading:
        await require_visible(reading.connection, subject, reading.asker.sight)
        known = await moments(reading.connection, subject)
    as_of = end_of_day(day, frame.zone) if day else moment_of(known, by, step or 0)
    path = address_of(subject) or "/"
    asked = {"as_of": as_of.isoformat(), "by": by} if as_of else {}
    return RedirectResponse(address(path, **asked), 303, HEADERS)


async def _story(reading: Reading, subject: str, by: By, upto: int | None) -> Story:
    connection, directories = reading.connection, reading.moment.log.at
    as_of = reading.moment.as_of
    if as_of is None:
        return await story_now(connection, subject, directories, upto=upto, limit=LINES)
    return await story_then(connection, subject, directories, as_of, by, upto=upto, limit=LINES)


async def _told(
    frame: Frame, reading: Reading, subject: str, story: Story, by: By
) -> dict[str, Any]:
    """What the page says, without what may not be told to who asks."""
    moment = reading.moment
    document = {
        "subject": subject,
        "state": _state(story, moment.at, moment.as_of),
        "commitments": [
            {**render_commitment(one, moment.at), "rule": one.rule}
            for one in story.standing.past.of(Commitment)
        ],
        "letters": story.rows(Letter),
        "contacts": story.rows(Contact),
        "assistance": story.rows(Assistance),
        "decisions": story.rows(Decision),
        "transfers": story.rows(Transfer),
    }
    told: Document = await reading.told(document, {subject})
    lines = await told_lines(reading, subject, story.entries)
    known = await moments(reading.connection, subject)
    seal = await newest_seal(reading.connection)
    state, commitments = told["state"], sorted(told["commitments"], key=_waiting_first)
    return {
        **told,
        "commitments": commitments,
        "turn": whose_turn(state, commitments) if state else None,
        "custody_chart": custody_chart(frame, reading, state) if state else None,
        "threads": threads(told["letters"]),
        "lines": list(reversed(lines)),
        "events": len(known),
        "slider": slider(known, by, moment.as_of),
        "labelled": LABELLED,
        "sealed": sizes_of(seal, frame.site.settings.events_topic) if seal else {},
        "as_of": moment.as_of,
    }


def _state(story: Story, at: datetime, as_of: datetime | None) -> Document | None:
    """The state, where anything effective began it."""
    return None if story.standing.state is None else render_state(story.standing, at, as_of)


def _waiting_first(one: Document) -> tuple[bool, bool, str, str]:
    due_at = one["due_at"]
    return one["status"] not in WAITING, due_at is None, due_at or "", one["commitment_id"]


def _explained(kind: Kind) -> Callable[..., Awaitable[Response]]:
    async def explained(
        frame: Reader,
        ident: SubjectId,
        commitment: Annotated[str, Query(pattern=r"^[A-Za-z0-9._:#-]{1,300}$")],
    ) -> Response:
        """Why a commitment is due when it is."""
        subject = f"{kind}/{ident}"
        async with frame.open() as reading:
            await require_visible(reading.connection, subject, reading.asker.sight)
            found = await explanation(
                reading.connection, commitment, subject, known=reading.moment.log
            )
            told = await reading.told(found, {subject})
        return frame.page("why.html", reading, why=told, subject=subject)

    return explained


def _bundled(kind: Kind) -> Callable[..., Awaitable[Response]]:
    async def bundled(frame: Reader, ident: SubjectId) -> Response:
        """The bundle of a subject, for whoever may read everything that is in it."""
        answer = await made(frame.site.reads, frame.asker, f"{kind}/{ident}")
        answer.headers.update(HEADERS)
        return answer

    return bundled
