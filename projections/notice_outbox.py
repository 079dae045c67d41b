"""The outbox as those see it who empty it: what is to be delivered next, and what became of it.

Owns the pauses between attempts, and when a notice is parked. A row stays until it is delivered, so
that nothing is lost whoever dies; a notice may therefore arrive twice, with the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, get_args

from projections.notices import Notice
from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.rfc3339 import format_time

EndpointKind = Literal["WEBHOOK", "EMAIL"]
KINDS: Final[tuple[EndpointKind, ...]] = get_args(EndpointKind)
NoticeState = Literal["WAITING", "DELIVERED", "PARKED", "EXPIRED"]

PAUSES: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""Before another attempt; after the attempt that follows the last one a notice is parked."""
WAITS_FOR_ENDPOINT: Final = timedelta(days=14)
"""How long a notice that was never tried waits for its agency to have an endpoint."""

_SQL: Final = queries("notices")
_TIMES: Final = ("due_at", "made_at", "next_attempt_at", "delivered_at", "parked_at")


class Delivery(NamedTuple):
    """A notice on its way."""

    notice: Notice
    attempt: int
    """The first is 1."""
    kind: EndpointKind
    address: str


class Outcome(NamedTuple):
    """How an attempt ended."""

    delivery: Delivery
    at: datetime
    error: str | None
    """Why it was not delivered."""


class Figures(NamedTuple):
    """The outbox in figures."""

    waiting: int
    """To be delivered, tried already or not."""
    without_endpoint: int
    """For agencies that have none."""
    oldest_waiting_at: datetime | None
    """When the oldest of the first came into the outbox."""
    parked: int


async def due(
    connection: Connection,
    now: datetime,
    kind: EndpointKind,
    at_work: Collection[str],
    limit: int,
) -> list[Delivery]:
    """What is to be delivered now by one way: for each agency one, for those at work none."""
    asked = {**since(now), "now": now, "kind": kind, "at_work": list(at_work), "limit": limit}
    cursor = await connection.execute(_SQL["due"], asked)
    return [
        Delivery(Notice(*row[:7]), attempt=row[7] + 1, kind=row[8], address=row[9])
        for row in await cursor.fetchall()
    ]


async def settle(
    connection: Connection, outcomes: Sequence[Outcome], pauses: Sequence[timedelta] = PAUSES
) -> None:
    """Write down how attempts ended: delivered, tried again after a pause, or parked."""
    async with connection.transaction():
        for outcome in outcomes:
            name = "delivered" if outcome.error is None else "failed"
            await connection.execute(_SQL[name], _settled(outcome, pauses))


def _settled(outcome: Outcome, pauses: Sequence[timedelta]) -> dict[str, Any]:
    attempt = outcome.delivery.attempt
    is_last = attempt > len(pauses)
    return {
        "notice_id": outcome.delivery.notice.notice_id,
        "attempts": attempt,
        "at": outcome.at,
        "address": outcome.delivery.address,
        "error": outcome.error,
        "next_attempt_at": None if is_last else outcome.at + _spread(outcome, pauses[attempt - 1]),
        "parked_at": outcome.at if is_last else None,
    }


def _spread(outcome: Outcome, pause: timedelta) -> timedelta:
    """Up to a fifth longer, by the id: what failed together does not come back together."""
    return pause * (1 + int(outcome.delivery.notice.notice_id[:8], 16) / 2**32 / 5)


async def retry(
    connection: Connection,
    now: datetime,
    *,
    notice_id: str | None = None,
    agency: str | None = None,
) -> list[str]:
    """Try again at once, with all attempts anew: one notice, or all that are parked.

    Gives the ids of those that are tried. What is delivered is not.
    """
    asked = {"now": now, "notice_id": notice_id, "agency": agency}
    cursor = await connection.execute(_SQL["retry"], asked)
    return [row[0] for row in await cursor.fetchall()]


async def listed(
    connection: Connection,
    now: datetime,
    *,
    agency: str | None = None,
    state: NoticeState | None = None,
    limit: int | None = None,
    after: tuple[datetime, str] | None = None,
) -> list[dict[str, Any]]:
    """Notices as JSON documents, the newest first; those behind `after`: its made_at and id."""
    made_at, notice_id = after or (None, None)
    asked = {
        **since(now),
        "agency": agency,
        "state": state,
        "limit": limit,
        "made_at": made_at,
        "notice_id": notice_id,
    }
    cursor = await connection.execute(_SQL["listed"], asked)
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
    return [{**row, **{name: _time(row[name]) for name in _TIMES}} for row in rows]


async def figures(connection: Connection, now: datetime) -> Figures:
    """How much waits and how much is parked."""
    cursor = await connection.execute(_SQL["figures"], since(now))
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - a query of aggregates has one row
    return Figures(*row)


def since(now: datetime) -> dict[str, datetime]:
    """From when on a notice that was never tried still waits, as queries ask for it."""
    return {"since": now - WAITS_FOR_ENDPOINT}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
