"""/network: who works with whom in a period, by kind of tie, as a drawing and as a table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from fastapi import APIRouter, Response

from dashboard.charts import About, Chart, Edge, Node, network
from dashboard.pages.frame import Frame, Reader
from dashboard.pages.listing import worklists
from dashboard.pages.moments import PastMoment
from dashboard.pages.routing import page_router
from dashboard.reads import Reading
from projections.indicators import explanation
from projections.wording import words_of
from projections.worklists import EdgeOf
from runut.errors import FieldError

SHOWN: Final = 300
"""Edges in the table; the register of ties has them all (docs/howto/read-with-sql.md)."""

Kind = Literal[
    "LETTER", "TRANSFER", "ASSISTANCE", "CONTACT", "DATA", "PROMISE", "MEETING", "AGREEMENT"
]


def routes() -> APIRouter:
    """The route."""
    router = page_router()
    router.add_api_route("/network", network_of_agencies)
    return router


async def network_of_agencies(
    frame: Reader,
    since: date | None = None,
    until: date | None = None,
    kind: Kind | None = None,
    as_of: PastMoment = None,
) -> Response:
    """The network of a period; both days belong to it."""
    if since is not None and until is not None and since > until:
        raise FieldError("query.until", f"a day from {since} on", until)
    begin = _begins(frame, since) if since else None
    end = _begins(frame, until + timedelta(days=1)) if until else None

    async def counted() -> list[EdgeOf]:
        async with frame.open_at(as_of) as reading:
            return await (await worklists(frame, reading)).edges(begin, end, kind)

    # Nobody's connection waits for it: whoever makes it needs one.
    edges = await frame.site.reads.lately.get(("edges", begin, end, kind, as_of), counted)
    async with frame.open_at(as_of) as reading:
        pass
    return frame.page(
        "network.html",
        reading,
        chart=_chart(frame, reading, edges) if edges else None,
        ties=sum(one.count for one in edges),
        agencies=len(_nodes(edges)),
        kinds=words_of("TieKind", frame.lang),
        counts=explanation("network")[frame.lang],
    )


def _begins(frame: Frame, day: date) -> datetime:
    return datetime.combine(day, time(), frame.zone).astimezone(UTC)


def _nodes(edges: list[EdgeOf]) -> list[str]:
    return sorted({code for one in edges for code in (one.source, one.target)})


def _chart(frame: Frame, reading: Reading, edges: list[EdgeOf]) -> Chart:
    words = frame.words(reading)
    drawn = [
        Edge(
            one.source,
            one.target,
            one.kind,
            words.word("TieKind", one.kind),
            one.count,
            "–" if one.median_hours is None else words.hours(one.median_hours),
        )
        for one in edges[:SHOWN]
    ]
    nodes = [Node(code, words.code(code)) for code in _nodes(edges)]
    strongest = "; ".join(
        f"{words.code(one.source)} → {words.code(one.target)}, {one.kind_label}: {one.count}"
        for one in drawn[:5]
    )
    columns = (
        *(frame.translated("From"), frame.translated("To"), frame.translated("Kind")),
        *(frame.translated("Number"), frame.translated("Time to answer (median)")),
    )
    title = frame.translated("Network of agencies")
    return network(About("network-circle", title, strongest, columns), nodes, drawn)
