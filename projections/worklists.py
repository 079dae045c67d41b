"""What is to be looked at: figures of open work, and the lists behind them, for whoever may see it.

Each figure is counted by the same conditions as its list. No clock is read: moments are passed in.
Within a snapshot of the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from projections.past_tables import VIEWS_THEN
from projections.portraits import Document, plain
from projections.queries import queries
from projections.rights import Sight, with_every_right, with_rights, with_rights_now
from runut.adapters.postgres import Connection

OPEN_STATUSES: Final = ("REPORTED", "IN_HANDLING", "RESOLVED")
URGENCIES: Final = ("IMMEDIATE", "URGENT", "NORMAL")
STILL_DAYS: Final = (7, 14, 30)
"""Days without movement after which a case is worth a look, the fewest first."""


class OverdueOf(msgspec.Struct, frozen=True):
    """What an agency owes and is late with."""

    agency: str
    count: int
    since: datetime
    """The earliest limit that passed."""


class Figures(msgspec.Struct, frozen=True):
    """Open work at a moment."""

    open_cases: Mapping[tuple[str, str], int]
    """By status and urgency; pairs without cases are absent."""
    overdue: Sequence[OverdueOf]
    """The most late first."""
    due_today: int
    still: Mapping[int, int]
    """By days: open cases on which nothing was done for so long."""
    bounced: int
    to_escalate: int

    @property
    def overdue_total(self) -> int:
        """Of all agencies together."""
        return sum(one.count for one in self.overdue)

    def cases(self, *, status: str | None = None, urgency: str | None = None) -> int:
        """Open cases of a status, an urgency, both or all."""
        return sum(
            count
            for (its_status, its_urgency), count in self.open_cases.items()
            if status in {None, its_status} and urgency in {None, its_urgency}
        )


class EdgeOf(msgspec.Struct, frozen=True):
    """Ties of one kind from one agency to another."""

    source: str
    target: str
    kind: str
    count: int
    answered: int
    median_hours: float | None
    """Until they were answered; None of what asks for no answer, or has none."""


class Rows(msgspec.Struct, frozen=True):
    """A part of a list."""

    items: Sequence[Document]
    total: int
    """Of the whole list, where this part holds anything; else 0."""


class Worklists:
    """Questions of somebody, over the stable views of a schema."""

    def __init__(
        self,
        connection: Connection,
        views_schema: str,
        sight: Sight,
        seen: Sequence[str] | None = None,
    ) -> None:
        """Take who asks of which tables.

        Args:
            connection: of the present tables, or of those of a past moment.
            views_schema: where their stable views are; VIEWS_THEN for a past moment.
            sight: how far who asks sees.
            seen: of a past moment the subjects that may be seen now; None for all.
        """
        self._connection = connection
        self._views = views_schema
        self._sees_all = sight.limited_to is None
        self._rights = {"limited_to": sight.limited_to, "seen": seen}

    async def figures(
        self, now: datetime, *, today: tuple[datetime, datetime], bounced_since: datetime
    ) -> Figures:
        """Open work now; `today` is when the reader's day begins and ends."""
        since, until = today
        still_since = [now - timedelta(days=days) for days in STILL_DAYS]
        cases = await self._rows("open_cases", still_since=still_since)
        owed = await self._rows("owed_by_agency", now=now, since=since, until=until)
        bounced = await self._rows("bounced", since=bounced_since)
        open_cases = Counter[tuple[str, str]]()
        for status, urgency, _, count, _ in cases:
            open_cases[status, urgency] += count
        return Figures(
            open_cases=open_cases,
            overdue=[OverdueOf(*late) for *late, _ in owed if late[1]],
            due_today=sum(due_today for *_, due_today in owed),
            still={
                days: sum(count for _, _, passed, count, _ in cases if passed > n)
                for n, days in enumerate(STILL_DAYS)
            },
            bounced=bounced[0][0],
            to_escalate=sum(to_escalate for *_, to_escalate in cases),
        )

    async def unsealed(self, sizes: Mapping[int, int]) -> tuple[int, datetime | None]:
        """How many projected records no seal covers; when the last record was recorded.

        `sizes` says of each partition how many records the latest seal covers.
        """
        asked = {"partitions": list(sizes), "sizes": list(sizes.values())}
        count, recorded_at = (await self._rows("unsealed", **asked))[0]
        return int(count), recorded_at

    async def held(self) -> dict[str, int]:
        """Of each agency how many open cases it holds."""
        return dict(await self._rows("held_by_agency"))

    async def overdue(self, now: datetime) -> list[OverdueOf]:
        """What each agency owes and is late with, the most first."""
        return [OverdueOf(*row) for row in await self._rows("overdue_by_agency", now=now)]

    async def monthly(self, since: date, until: date) -> dict[tuple[str, date, str], float]:
        """By agency, month and indicator: RESPONSE_HOURS and COMMITMENTS_KEPT."""
        rows = await self._rows("monthly", since=since, until=until)
        return {(agency, month, indicator): value for agency, month, indicator, value in rows}

    async def edges(
        self, since: datetime | None, until: datetime | None, kind: str | None
    ) -> list[EdgeOf]:
        """Ties of a period from agency to agency, the strongest first."""
        rows = await self._rows("edges", since=since, until=until, kind=kind)
        return [EdgeOf(*row) for row in rows]

    async def listed(
        self, name: str, wanted: Mapping[str, Any], *, limit: int, offset: int
    ) -> Rows:
        """A part of the list of a name, with what its query asks for."""
        asked = {
            **wanted,
            "limit": limit,
            "offset": offset,
            **self._rights,
        }
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(self._query(name), asked)
            rows = await cursor.fetchall()
        total = rows[0]["total"] if rows else 0
        items = [{name: plain(value) for name, value in row.items()} for row in rows]
        return Rows(items, total)

    async def _rows(self, name: str, **asked: Any) -> Sequence[tuple[Any, ...]]:
        cursor = await self._connection.execute(self._query(name), {**asked, **self._rights})
        return await cursor.fetchall()

    def _query(self, name: str) -> bytes:
        return _query(name, self._views, self._sees_all)


@cache
def _query(name: str, views_schema: str, sees_all: bool) -> bytes:
    rights = with_rights_now if views_schema == VIEWS_THEN else with_rights
    if sees_all:
        rights = with_every_right
    return rights(_SQL[name], views=sql.Identifier(views_schema))


_SQL: Final = queries("worklists")
