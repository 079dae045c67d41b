"""Who may see which subject: agencies those in which they take part, auditors and operators all.

Owns the one rule, in sql/rights.sql: it is a part of every query that lists subjects, so that no
list shows what a single answer refuses. What of a subject's events may be told says
`projections.guarded`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, LiteralString

import msgspec
from psycopg import sql

from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.errors import NotFound

_SQL: Final = queries("rights")


class Sight(msgspec.Struct, frozen=True):
    """How far somebody sees."""

    agency: str | None
    """The agency whose reader it is."""
    sees_all: bool = False
    """Every subject, not only those in which the agency takes part."""
    is_auditor: bool = False
    """Whatever is guarded, too."""

    @property
    def limited_to(self) -> str | None:
        """The agency that has to take part in what is shown; None where nobody has to."""
        return None if self.sees_all else self.agency


EVERYTHING: Final = Sight(None, sees_all=True, is_auditor=True)
"""Of whoever has the database anyway."""


def with_rights(query: LiteralString, **names: sql.Composable) -> bytes:
    """A query in which `{takes_part}` stands for the rule about the subject `it`.

    `{of_subject}` joins that to rows of `one`, where the query looks at it for nothing else.
    It asks for a parameter `limited_to`: the agency that has to take part, null for none.
    """
    rule = rule_for(sql.Placeholder("limited_to"))
    return sql.SQL(query).format(takes_part=rule, of_subject=_OF_SUBJECT, **names).as_bytes()


def with_rights_now(query: LiteralString, **names: sql.Composable) -> bytes:
    """The same over tables of a past moment: whoever may see a subject now may see how it was.

    It asks for a parameter `seen` instead: what `all_visible` gives.
    """
    return sql.SQL(query).format(takes_part=_SEEN, of_subject=_OF_SUBJECT, **names).as_bytes()


def with_every_right(query: LiteralString, **names: sql.Composable) -> bytes:
    """The same for whoever sees every subject, now or then: none is looked at for it."""
    every: dict[str, sql.Composable] = {"takes_part": sql.SQL("true"), "of_subject": sql.SQL("")}
    return sql.SQL(query).format(**every, **names).as_bytes()


async def all_visible(connection: Connection, sight: Sight) -> list[str] | None:
    """All subjects that somebody may see; None for whoever sees every one."""
    if sight.limited_to is None:
        return None
    cursor = await connection.execute(_ALL_VISIBLE, {"limited_to": sight.limited_to})
    return [row[0] for row in await cursor.fetchall()]


async def visible(connection: Connection, subjects: Collection[str], sight: Sight) -> set[str]:
    """Those of some subjects that somebody may see."""
    asked: dict[str, Any] = {"subjects": list(subjects), "limited_to": sight.limited_to}
    cursor = await connection.execute(_VISIBLE, asked)
    return {row[0] for row in await cursor.fetchall()}


async def guarded_subjects(connection: Connection) -> list[str]:
    """Subjects on which something is not to be told to all who may see them."""
    cursor = await connection.execute(_SQL["guarded_subjects"])
    return [row[0] for row in await cursor.fetchall()]


async def require_visible(connection: Connection, subject: str, sight: Sight) -> None:
    """Demand that somebody may see a subject; what may not be seen is as if it were not there.

    Raises:
        NotFound: there is no such subject, or it may not be seen.
    """
    if subject not in await visible(connection, [subject], sight):
        raise not_there(subject)


def not_there(subject: str) -> NotFound:
    """What is said of a subject that nobody knows, or that may not be seen."""
    return NotFound(subject, "expected events of it in the ledger, found none")


async def taking_part(
    connection: Connection, subjects: Collection[str], agencies: Collection[str]
) -> set[tuple[str, str]]:
    """Pairs of a subject and an agency whose readers may see it."""
    asked = {"subjects": list(subjects), "agencies": list(agencies)}
    cursor = await connection.execute(_PAIRS, asked)
    return {(subject, agency) for subject, agency in await cursor.fetchall()}


def rule_for(agency: sql.Composable) -> sql.Composed:
    """The rule about the subject `it`, for readers of an agency that the query itself has."""
    return sql.SQL(_SQL["takes_part"]).format(agency=agency)


_OF_SUBJECT: Final = sql.SQL("JOIN subject AS it ON it.subject = one.subject")
_SEEN: Final = sql.SQL("(%(seen)s::text[] IS NULL OR it.subject = ANY (%(seen)s::text[]))")
_ALL_VISIBLE: Final = with_rights(_SQL["all_visible"])
_VISIBLE: Final = with_rights(_SQL["visible"])
_PAIRS: Final = (
    sql.SQL(_SQL["pairs"]).format(takes_part=rule_for(sql.SQL("asked.agency"))).as_bytes()
)
