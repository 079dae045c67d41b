"""Compare read models that were made beside the live ones with these, row by row.

Whoever compares holds neither still: subjects that one side knows further events of are left out,
and said, so that they can be compared when both stand at the same offsets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from psycopg import sql

from projections import row_tables
from projections.folds.rows import TABLES
from projections.queries import queries
from runut.adapters.postgres import Connection

LISTED: Final = 1000
"""Differences that are listed; the others are counted."""

_SQL: Final = queries("swapping")


class RowDiffers(msgspec.Struct, frozen=True):
    """A row that is not the same in both."""

    table: str
    subject: str
    """Or the partition, or the offset in the directory's topic."""
    key: str
    found_in: Literal["LIVE", "REBUILT", "BOTH"]


class Comparison(msgspec.Struct):
    """What is not the same."""

    differing: int = 0
    differences: list[RowDiffers] = msgspec.field(default_factory=list)
    """The first `LISTED`."""

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows of a query above."""
        self.differing += len(rows)
        room = max(0, LISTED - len(self.differences))
        self.differences += [RowDiffers(*row) for row in rows[:room]]

    def __add__(self, other: Comparison) -> Comparison:
        listed = [*self.differences, *other.differences][:LISTED]
        return Comparison(self.differing + other.differing, listed)


class Models(msgspec.Struct, frozen=True):
    """Two schemas of read models of one version."""

    live: str
    made: str

    async def compare(
        self, connection: Connection, only: Sequence[str] | None = None
    ) -> Comparison:
        """Compare all subjects, or only some, but those that one side knows more of."""
        found = Comparison()
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if only is not None:  # a few, and writers wait
                await connection.execute("SET LOCAL enable_seqscan = off")
            cursor = await connection.execute(self._query("further_subjects"))
            asked = {"leaving_out": [row[0] for row in await cursor.fetchall()], "only": only}
            for name, key in _KEYS.items():
                query = self._query(
                    "differing_rows",
                    table=sql.Literal(name),
                    name=sql.Identifier(name),
                    key=sql.Identifier(key),
                )
                cursor = await connection.execute(query, asked)
                found.add(await cursor.fetchall())
            cursor = await connection.execute(self._query("differing_places"))
            found.add(await cursor.fetchall())
        return found

    async def subjects_since(
        self, connection: Connection, positions: Mapping[int, int]
    ) -> list[str]:
        """Subjects that got events from these offsets on."""
        asked = {"partitions": list(positions), "offsets": list(positions.values())}
        async with connection.transaction():
            await connection.execute("SET LOCAL enable_seqscan = off")
            cursor = await connection.execute(self._query("subjects_since"), asked)
            return [row[0] for row in await cursor.fetchall()]

    def _query(self, query: str, **parts: sql.Composable) -> sql.Composed:
        schemas = {"live": sql.Identifier(self.live), "made": sql.Identifier(self.made)}
        return sql.SQL(_SQL[query]).format(**schemas, **parts)


async def positions_in(connection: Connection, schema: str) -> dict[int, int]:
    """How far the read models of a schema are."""
    query = sql.SQL(_SQL["positions"]).format(schema=sql.Identifier(schema))
    cursor = await connection.execute(query)
    return dict(await cursor.fetchall())


_KEYS: Final = {
    "subject": "kind",
    "history": "seq",
    **{row_tables.table_name(table): table.__struct_fields__[1] for table in TABLES},
}
"""Tables by subject, and what tells a subject's rows apart."""
