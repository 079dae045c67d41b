"""GET /stream: what is added to the history, as it is added, as server-sent events.

Owns how a listener begins: with what it missed since it was last here, then with what comes. What
is told to many at once is `dashboard.feed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from dashboard.asking import AgencyFilter, Ask, Asked, SubjectFilter
from dashboard.feed import AT_ONCE, Feed
from dashboard.stream_text import MAX_ID, entry_text, parse_id, ready_text, resync_text
from projections.following import Positions, added, records_between
from projections.hearing import Interest, heard
from runut.adapters.http_openapi import problems

HEARTBEAT_S: Final = 15
SEND_WITHIN_S: Final = 30.0
"""Of one message: a listener that takes nothing for so long is gone."""
CATCH_UP_S: Final = 1.0
LASTS_S: Final = 15 * 60.0
"""Then it comes back with its id, and has to prove anew who it is."""

_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events `ready`, `entry` and `resync`, each with an id to come back with.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": "id: 0:18,3:4\nevent: entry\n"
                'data: {"subject":"case/X","seq":3,"type":"LetterSent","verdict":"EFFECTIVE"}\n\n',
            }
        },
    },
    **problems(409),
}


def routes() -> APIRouter:
    """The route; the request's state has the feed."""
    router = APIRouter(tags=["live"])
    router.add_api_route("/stream", stream, responses=_STREAM, response_class=EventSourceResponse)
    return router


async def stream(
    ask: Asked,
    subject: SubjectFilter = None,
    agency: AgencyFilter = None,
    last_event_id: Annotated[str | None, Header(max_length=MAX_ID)] = None,
    since: Annotated[
        str | None,
        Query(
            max_length=MAX_ID,
            description="As the header Last-Event-ID, for whoever cannot send one.",
        ),
    ] = None,
) -> Response:
    """Hear what is added to the history, as far as you take part in its subjects.

    `subject` and `agency` (of subjects in which it takes part) limit what is told. Whoever
    comes back with the id of the last event misses nothing; after `resync` everything that was
    read before has to be read again.
    """
    feed: Feed = ask.request.state.feed
    feed.require_room()
    known = last_event_id or since
    place = "header.last-event-id" if last_event_id else "query.since"
    interest = Interest(ask.asker.sight.limited_to, subject, agency)
    texts = _texts(ask, feed, interest, parse_id(known, place) if known else None)
    return EventSourceResponse(
        texts,
        ping=HEARTBEAT_S,
        sep="\n",
        send_timeout=SEND_WITHIN_S,
    )


async def _texts(
    ask: Ask, feed: Feed, interest: Interest, known: Positions | None
) -> AsyncIterator[bytes]:
    for partition, at in (known or {}).items():  # another process may have been ahead of this one
        if not await feed.reached(partition, at - 1, within_s=CATCH_UP_S):
            break
    async with feed.listening(interest) as listener:
        timer = asyncio.get_running_loop().call_later(LASTS_S, listener.end)
        try:
            yield await _missed(ask, interest, known, listener.since)
            async for text in listener.hear():
                yield text
        finally:
            timer.cancel()


async def _missed(ask: Ask, interest: Interest, known: Positions | None, now: Positions) -> bytes:
    """What a listener missed; who was never here missed nothing."""
    if known is None or known == now:
        return ready_text(now)
    is_ahead = any(at > now.get(partition, 0) for partition, at in known.items())
    if is_ahead or records_between(known, now) > AT_ONCE:
        return resync_text(now)
    async with ask.reads.open(ask.asker) as reading:
        lines = await added(reading.connection, known, now)
        wanted = await heard(reading.connection, lines, [interest])
    at, texts = dict(known), []
    chosen = {(line.partition, line.offset) for line in wanted[interest]}
    for line in lines:
        at[line.partition] = line.offset + 1
        if (line.partition, line.offset) in chosen:
            texts.append(entry_text(line, at))
    return b"".join([*texts, ready_text(now)])
