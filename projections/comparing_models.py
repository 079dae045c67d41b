"""Compare read models that were made beside the live ones with these, row by row.

Whoever compares holds neither still: subjects that one side knows further events of are left out,
and compared when both stand at the same offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

import msgspec
from psycopg import sql

from projections import row_tables
from projections.folds.rows import TABLES
from projections.queries import queries
from projections.several_connections import Part, at_one_moment, shared_out
from runut.adapters.postgres import Connection

LISTED: Final = 1000
"""Differences that are listed; the others are counted."""
MIN_PARTITION: Final = -(2**31)
MAX_PARTITION: Final = 2**31 - 1

_SQL: Final = queries("swapping")


class RowDiffers(msgspec.Struct, frozen=True):
    """A row that is not the same in both."""

    table: str
    subject: str
    """Or the partition, or the offset in the directory's topic."""
    key: str
    found_in: Literal["LIVE", "REBUILT", "BOTH"]


class Comparison(msgspec.Struct, frozen=True):
    """What is not the same."""

    differing: int = 0
    differences: list[RowDiffers] = msgspec.field(default_factory=list)
    """The first `LISTED`."""

    def __add__(self, other: Comparison) -> Comparison:
        listed = [*self.differences, *other.differences][:LISTED]
        return Comparison(self.differing + other.differing, listed)


class Stretch(NamedTuple):
    """Partitions that are compared at once."""

    first: int
    last: int


class Models(msgspec.Struct, frozen=True):
    """Two schemas of read models of one version."""

    live: str
    made: str

    async def compare(self, connections: Sequence[Connection]) -> Comparison:
        """Compare all subjects but those that one side knows more of; each connection a part."""
        async with at_one_moment(connections):
            for connection in connections:
                await connection.execute(_SQL["follow_indexes"])
            asked = await self._asked(connections[0], None)
            partitions = await positions_in(connections[0], self.made)
            subject, _, *others = (partial(self._rows, table, asked) for table in _KEYS)
            history = [partial(self._history, one, asked) for one in stretches(partitions)]
            parts: list[Part[Comparison]] = [subject, *history, *others, self._places]
            return sum(await shared_out(connections, parts), Comparison())

    async def compare_some(self, connection: Connection, subjects: Sequence[str]) -> Comparison:
        """Compare a few subjects, but those that one side knows more of: writers wait for it."""
        async with at_one_moment([connection]):
            await connection.execute("SET LOCAL enable_seqscan = off")
            asked = await self._asked(connection, subjects)
            found = [await self._rows(table, asked, connection) for table in _KEYS]
            return sum(found, await self._places(connection))

    async def subjects_since(
        self, connection: Connection, positions: Mapping[int, int]
    ) -> list[str]:
        """Subjects that got events from these offsets on."""
        asked = {"partitions": list(positions), "offsets": list(positions.values())}
        async with connection.transaction():
            await connection.execute("SET LOCAL enable_seqscan = off")
            cursor = await connection.execute(self._query("subjects_since"), asked)
            return [row[0] for row in await cursor.fetchall()]

    async def _asked(self, connection: Connection, only: Sequence[str] | None) -> dict[str, Any]:
        cursor = await connection.execute(self._query("further_subjects"))
        return {"leaving_out": [row[0] for row in await cursor.fetchall()], "only": only}

    async def _rows(
        self, table: str, asked: Mapping[str, Any], connection: Connection
    ) -> Comparison:
        named = {"name": sql.Identifier(table), "key": sql.Identifier(_KEYS[table])}
        query = self._query("differing_rows", table=sql.Literal(table), **named)
        return await _compared(connection, query, asked)

    async def _history(
        self, stretch: Stretch, asked: Mapping[str, Any], connection: Connection
    ) -> Comparison:
        query = self._query("differing_history")
        return await _compared(connection, query, {**asked, **stretch._asdict()})

    async def _places(self, connection: Connection) -> Comparison:
        return await _compared(connection, self._query("differing_places"), {})

    def _query(self, query: str, **parts: sql.Composable) -> sql.Composed:
        schemas = {"live": sql.Identifier(self.live), "made": sql.Identifier(self.made)}
        return sql.SQL(_SQL[query]).format(**schemas, **parts)


def stretches(partitions: Iterable[int]) -> list[Stretch]:
    """One for each partition; together they hold all numbers, whatever stands in a table."""
    firsts = [MIN_PARTITION, *sorted(partitions)[1:], MAX_PARTITION + 1]
    return [Stretch(first, after - 1) for first, after in pairwise(firsts)]


async def positions_in(connection: Connection, schema: str) -> dict[int, int]:
    """How far the read models of a schema are."""
    query = sql.SQL(_SQL["positions"]).format(schema=sql.Identifier(schema))
    cursor = await connection.execute(query)
    return dict(await cursor.fetchall())


async def _compared(
    connection: Connection, query: sql.Composed, asked: Mapping[str, Any]
) -> Comparison:
    # Planned anew each time: what is asked for decides about the plan.
    cursor = await connection.execute(query, asked, prepare=False)
    rows = await cursor.fetchall()
    return Comparison(len(rows), [RowDiffers(*row) for row in rows[:LISTED]])


_KEYS: Final = {
    "subject": "kind",
    "history": "seq",
    **{row_tables.table_name(table): table.__struct_fields__[1] for table in TABLES},
}
"""Tables by subject, and what tells a subject's rows apart."""
