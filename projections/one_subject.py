"""Write one subject anew in the place where it is, while nobody else writes its partition.

Owns the transaction's parts; what the subject is comes from the log. Where a row changes, whoever
projects the partition is fenced out: what he holds in memory may be what was wrong.
"""

from __future__ import annotations

from typing import Final

from psycopg import sql

from projections import row_tables
from projections.batch import Changes
from projections.folds.rows import TABLES
from projections.queries import queries
from projections.store import Position, subject_rows
from projections.writing import Writer
from runut.adapters.postgres import Connection

_SQL: Final = queries("one_subject")
_TABLES: Final = ("subject", "history", *map(row_tables.table_name, TABLES))


async def hold_position(connection: Connection, partition: int) -> Position | None:
    """How far a partition is projected, which stays so until the transaction ends."""
    cursor = await connection.execute(_SQL["hold_position"], (partition,))
    found = await cursor.fetchone()
    return Position(*found) if found else None


async def replace_subject(
    connection: Connection, partition: int, subject: str, changes: Changes
) -> list[str]:
    """Write all rows of a subject anew; gives the tables in which that changed something."""
    before = await _rows(connection, subject)
    for table in _TABLES:
        await connection.execute(_of("delete_rows", table), (subject,))
    await Writer(connection).write(subject_rows(changes))
    after = await _rows(connection, subject)
    changed = [table for table in _TABLES if before[table] != after[table]]
    if changed:
        await connection.execute(_SQL["fence_out"], (partition,))
    return changed


async def _rows(connection: Connection, subject: str) -> dict[str, list[str]]:
    found = {}
    for table in _TABLES:
        cursor = await connection.execute(_of("rows_as_text", table), (subject,))
        found[table] = sorted(row[0] for row in await cursor.fetchall())
    return found


def _of(query: str, table: str) -> sql.Composed:
    return sql.SQL(_SQL[query]).format(table=sql.Identifier(table))
