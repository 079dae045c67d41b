"""Subjects and commitments one after another, for lists that somebody turns over page by page.

Owns the order of lists, and where the next page begins: behind the last item, by keys that do not
change when others come. What an item says is `projections.render`'s, as for a single one. Within a
snapshot of the caller's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from projections import row_tables
from projections.folds.rows import Commitment, Row, Sanction
from projections.owing import commitments as all_commitments
from projections.portraits import Document
from projections.queries import queries
from projections.reading import standings_of
from projections.render import Standing, render_commitment, render_state
from projections.rights import Sight, visible, with_rights
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.event import subject_kind
from runut.rfc3339 import parse_time

AT_ONCE: Final = 200
"""Subjects that are loaded together."""
SUMMARISED: Final[tuple[type[Row], ...]] = (Commitment, Sanction)
"""Rows on which a summary depends."""
FACTS: Final = (
    *("status", "custodian", "category", "urgency", "phase", "country", "trafficking"),
    *("participants", "escalation_due", "opened_at", "closed_at"),
)
"""What a summary takes from the state as it is, null where the kind has none of it."""

QUERIES: Final = {name: with_rights(text) for name, text in queries("listing").items()}
"""By their names in sql/listing.sql."""

_FIRST: Final = datetime.min.replace(tzinfo=UTC, year=1900)


class Moment(msgspec.Struct, frozen=True):
    """For when and for whom a list is asked."""

    now: datetime
    as_of: datetime | None
    """A past moment, by recorded time; None for the present."""
    sight: Sight
    log: DirectoryLog
    """The directory as far as it is known."""

    @property
    def at(self) -> datetime:
        """When what time decides is asked for."""
        return self.as_of or self.now


class SubjectsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What subjects have to be like; None asks for nothing."""

    kind: str | None = None
    status: str | None = None
    custodian: str | None = None
    category: str | None = None
    urgency: str | None = None
    country: str | None = None
    participant: str | None = None
    overdue: bool | None = None
    """Whether something on it is owed and past its limit."""

    def holds(self, document: Document) -> bool:
        """Whether a subject's state is wanted."""
        return (
            all(
                document.get(name) == wanted
                for name in ("status", "custodian", "category", "urgency", "country")
                if (wanted := getattr(self, name)) is not None
            )
            and self.kind in {None, subject_kind(document["subject"])}
            and self.participant in {None, *document.get("participants", ())}
            and self.overdue in {None, document["commitments"]["overdue"] > 0}
        )


async def states(
    connection: Connection,
    moment: Moment,
    wanted: SubjectsWanted,
    *,
    after: str = "",
    limit: int | None = None,
    tables: Sequence[type[Row]],
    then: Connection | None = None,
) -> AsyncGenerator[Document]:
    """States of subjects as JSON (interfaces.md), in the order of their names, behind `after`.

    At least so many, where there are so many; without `limit` all. `tables` are the rows to load:
    SHOWN of their kind, or SUMMARISED where a summary is enough. As of a past moment `then` has its
    tables.
    """
    at_once = limit or AT_ONCE
    async for standings in _standings(connection, moment, wanted, after, at_once, tables, then):
        for standing in standings:
            document = render_state(standing, moment.at, moment.as_of)
            if wanted.holds(document):
                yield document


def summary(state: Document) -> Document:
    """A state on one line: what lists of subjects show, of every kind alike."""
    facts = {name: state.get(name) for name in FACTS}
    return {
        "subject": state["subject"],
        "kind": subject_kind(state["subject"]),
        "title": state.get("title") or state.get("name"),
        **facts,
        "open": state["commitments"]["open"],
        "overdue": state["commitments"]["overdue"],
        "events": state["counts"]["events"],
        "last_recorded_at": state["last_recorded_at"],
    }


class CommitmentKey(msgspec.Struct, frozen=True):
    """A commitment's place in the order of lists: by limit, those without one last."""

    due_at: str | None
    subject: str
    commitment_id: str

    @classmethod
    def of(cls, document: Document) -> CommitmentKey:
        """The place of a commitment that was shown."""
        return msgspec.convert(document, cls)

    @property
    def moment(self) -> datetime | None:
        """Its limit."""
        return parse_time(self.due_at) if self.due_at else None

    @property
    def ordered(self) -> tuple[bool, datetime, str, str]:
        """To be compared."""
        return self.due_at is None, self.moment or _FIRST, self.subject, self.commitment_id


class CommitmentsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What commitments have to be like."""

    debtor: str | None = None
    creditor: str | None = None
    overdue: bool = False
    """Owed and past their limits."""


async def commitments(
    connection: Connection,
    moment: Moment,
    wanted: CommitmentsWanted,
    *,
    after: CommitmentKey | None = None,
    limit: int | None = None,
    then: Connection | None = None,
) -> AsyncGenerator[Document]:
    """Commitments as JSON (interfaces.md), in the order of `CommitmentKey`, behind `after`.

    So many at most; without `limit` all. As of a past moment `then` has its tables.
    """
    if moment.as_of is not None:
        for one in await _past_commitments(connection, moment, wanted, after, then):
            yield one
        return
    asked = {
        **asdict(wanted),
        "now": moment.now,
        "limited_to": moment.sight.limited_to,
        "limit": limit,
    }
    if after is None or after.due_at is not None:
        async for row in _rows(connection, QUERIES["commitments_due"], {**asked, **_place(after)}):
            yield render_commitment(row, moment.now)
        after = None
    if not wanted.overdue:
        asked |= _place(after)
        async for row in _rows(connection, QUERIES["commitments_never_due"], asked):
            yield render_commitment(row, moment.now)


async def _rows(
    connection: Connection, query: bytes, asked: dict[str, Any]
) -> AsyncGenerator[Commitment]:
    """A page at once; all of them as they are read: PostgreSQL sorts them once."""
    if asked["limit"] is not None:
        cursor = await connection.execute(query, asked)
        for row in await cursor.fetchall():
            yield row_tables.from_values(Commitment, row)
        return
    async with connection.cursor(name="commitments") as whole:
        whole.itersize = AT_ONCE
        await whole.execute(query, asked)
        async for row in whole:
            yield row_tables.from_values(Commitment, row)


def _place(after: CommitmentKey | None) -> dict[str, Any]:
    if after is None:
        return {"due_at": _FIRST, "subject": "", "commitment_id": ""}
    return {"due_at": after.moment, "subject": after.subject, "commitment_id": after.commitment_id}


async def _past_commitments(
    connection: Connection,
    moment: Moment,
    wanted: CommitmentsWanted,
    after: CommitmentKey | None,
    then: Connection | None,
) -> list[Document]:
    """All of them, whatever the page."""
    found = await all_commitments(
        connection,
        now=moment.now,
        agency=wanted.debtor,
        overdue=wanted.overdue,
        as_of=moment.as_of,
        then=then,
    )
    shown = await visible(connection, {one["subject"] for one in found}, moment.sight)
    return [
        one
        for one in found
        if one["subject"] in shown
        and wanted.creditor in {None, one["creditor"]}
        and (after is None or CommitmentKey.of(one).ordered > after.ordered)
    ]


async def _standings(
    connection: Connection,
    moment: Moment,
    wanted: SubjectsWanted,
    after: str,
    at_once: int,
    tables: Sequence[type[Row]],
    then: Connection | None,
) -> AsyncGenerator[list[Standing]]:
    found_in = then or connection
    while True:
        asked = {
            **asdict(wanted),
            "after": after,
            "now": moment.at,
            # Rights are those of the present, so they are looked up there.
            "limited_to": None if then else moment.sight.limited_to,
            "limit": at_once,
        }
        cursor = await found_in.execute(QUERIES["subjects"], asked)
        rows = await cursor.fetchall()
        shown = await visible(connection, [row[0] for row in rows], moment.sight) if then else None
        some = [row for row in rows if shown is None or row[0] in shown]
        if some:
            yield await standings_of(found_in, some, tables)
        if len(rows) < at_once:
            return
        after = rows[-1][0]
