"""What subjects are now, with all that an answer about them needs, in one journey.

The commonest question, so it is asked of many at once and without a transaction: one statement sees
the tables at one moment. Owns that statement; who may see what is `projections.rights`', how it
looks `projections.render`'s. What is guarded on a subject it does not look up: whoever finds that
something is asks from a snapshot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from psycopg import sql

from projections import row_tables
from projections.folds.fold import KINDS, State
from projections.folds.rows import Commitment, Row
from projections.folds.subject import Past
from projections.following import Positions
from projections.loaded import Counts
from projections.portraits import SHOWN
from projections.queries import queries
from projections.reading import expecting_tables
from projections.render import Standing
from projections.rights import rule_for
from projections.versions import version_of_subject
from runut.adapters.postgres import Connection, Texts

_SQL: Final = queries("present")


class Seen(NamedTuple):
    """A subject, as somebody sees it."""

    subject: str
    agency: str | None
    """Whose reader it is; None of whoever sees everything (`Sight.limited_to`)."""


class Present(NamedTuple):
    """A subject now, and from what that was read."""

    standing: Standing
    is_guarded: bool
    """Whether something on it is not to be told to all who may see it."""
    positions: Positions
    directory_size: int

    def version(self, now: datetime) -> list[Any]:
        """What `subject_version` says of it."""
        passed = [one.due_at for one in self.standing.past.of(Commitment) if one.overdue(now)]
        last = max((one for one in passed if one is not None), default=None)
        return version_of_subject(self.standing.subject, self.standing.counts.events, last, now)


async def present(
    connection: Connection, kind: str, asked: Collection[Seen]
) -> Mapping[Seen, Present]:
    """Those of some subjects of a kind in SHOWN that may be seen; within no transaction.

    Raises:
        PlatformError: the read models were never made.
    """
    wanted = dict.fromkeys(asked)
    # As arrays, in which no name can be taken for two.
    names = {
        "subjects": Texts(one.subject for one in wanted),
        "agencies": Texts(one.agency for one in wanted),
    }
    with expecting_tables():
        cursor = await connection.execute(query_of(kind), names, prepare=True)
        return {Seen(row[0], row[1]): _present(kind, row) for row in await cursor.fetchall()}


@cache
def query_of(kind: str) -> bytes:
    """The statement for subjects of a kind, with the tables that it shows."""
    rows = sql.SQL(",\n       ").join(
        sql.SQL(_SQL["rows"]).format(
            key=sql.Identifier(table.__struct_fields__[1]),
            table=sql.Identifier(row_tables.table_name(table)),
        )
        for table in SHOWN[kind]
    )
    seen_by = rule_for(sql.SQL("asked.agency"))
    return sql.SQL(_SQL["present"]).format(rows=rows, takes_part=seen_by).as_bytes()


def _present(kind: str, row: Sequence[Any]) -> Present:
    subject, _, *counts, last_recorded_at, state, is_guarded, positions, directory_size = row[:11]
    past = Past()
    for read, text in zip(_readers(kind), row[11:], strict=True):
        for one in read.decode(text or b"[]"):
            past.rows[type(one), one.ident] = one
    standing = Standing(subject, _state(kind, state), past, Counts(*counts), last_recorded_at)
    return Present(standing, is_guarded, dict(positions or ()), directory_size)


def _state(kind: str, text: str | None) -> State | None:
    return None if text is None else _state_reader(kind).decode(text)


@cache
def _state_reader(kind: str) -> msgspec.json.Decoder[State]:
    return msgspec.json.Decoder(KINDS[kind].state)


@cache
def _readers(kind: str) -> tuple[msgspec.json.Decoder[list[Row]], ...]:
    return tuple(msgspec.json.Decoder(list[table]) for table in SHOWN[kind])  # type: ignore[valid-type]
