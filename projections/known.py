"""What was known at a moment: one snapshot of the tables that measures read, present or past.

Owns the transaction, and what a document has to say so that a replay can reproduce it: up to which
event of each partition and which directory record it counts, and with which tables and measures.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from psycopg.rows import dict_row

from projections.install import model_version, version_of
from projections.measures import MEASURES, question
from projections.past_tables import hide_present
from projections.portraits import Document
from projections.queries import queries
from projections.reading import expecting_tables, snapshot
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.rfc3339 import format_time

DECIMALS: Final = 4
"""Of hours and shares."""

QUESTIONS: Final = "indicators"
"""File of the queries on measures."""

_SQL: Final = queries(QUESTIONS)
_EVER: Final = datetime.max.replace(tzinfo=UTC)
_MAY_WRITE: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"


class Known(msgspec.Struct, frozen=True):
    """The tables at a moment, to be asked."""

    connection: Connection
    moment: datetime
    is_past: bool
    positions: dict[int, int]
    """In each partition one past the last event that is counted."""
    directory_offset: int | None

    async def ask(self, name: str, **asked: Any) -> list[Document]:
        """The rows of a query on measures, as JSON has them."""
        return await ask_at(self.connection, self.moment, name, **asked)

    def provenance(self) -> Document:
        """What a replay needs to come to the same figures."""
        return {
            "as_of": format_time(self.moment) if self.is_past else None,
            "moment": format_time(self.moment),
            "positions": {str(partition): at for partition, at in self.positions.items()},
            "directory_offset": self.directory_offset,
            "model": model_version(),
            "measures": version_of(MEASURES, QUESTIONS),
        }


@asynccontextmanager
async def known_at(
    connection: Connection, now: datetime, as_of: datetime | None
) -> AsyncIterator[Known]:
    """What is known at `now`, or was known at `as_of`, by recorded time; of the future nothing is.

    For a past moment the connection must be within no transaction yet, and be allowed temporary
    tables; it is as it was afterwards.

    Raises:
        PlatformError: the read models were never made.
    """
    if as_of is None or as_of > now:
        async with snapshot(connection):
            yield await known_now(connection, now)
        return
    with expecting_tables():
        async with connection.transaction(force_rollback=True):
            await connection.execute(_MAY_WRITE)
            known = await known_then(connection, as_of)
            # What nothing was added to since is as it was.
            if await _first(connection, "changed", as_of):
                await hide_present(connection, as_of)
            yield known


async def known_now(connection: Connection, now: datetime) -> Known:
    """What is known at present; within a snapshot of the caller's."""
    return await _known(connection, now, until=_EVER, is_past=False)


async def known_then(connection: Connection, moment: datetime) -> Known:
    """What was known at a past moment, as the present tables tell: not to be asked itself."""
    return await _known(connection, moment, until=moment, is_past=True)


async def kept_past(
    connection: Connection, moment: datetime, directory: DirectoryLog | None = None
) -> Known:
    """Turn a connection into one of a past moment, until it is closed.

    Raises:
        PlatformError: the read models were never made.
    """
    with expecting_tables():
        async with connection.transaction():
            await connection.execute(_MAY_WRITE)
            known = await known_then(connection, moment)
            await hide_present(connection, moment, directory)
    return known


async def ask_at(
    connection: Connection, moment: datetime, name: str, **asked: Any
) -> list[Document]:
    """The rows of a query on measures, by the tables of a moment; within a caller's snapshot."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(question(QUESTIONS, name), {"moment": moment, **asked})
        rows = await cursor.fetchall()
    return [{column: _plain(value) for column, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    return round(value, DECIMALS) if isinstance(value, float) else value


async def _known(
    connection: Connection, moment: datetime, *, until: datetime, is_past: bool
) -> Known:
    cursor = await connection.execute(_SQL["positions"], {"moment": until})
    positions: dict[int, int] = dict(await cursor.fetchall())
    offset = await _first(connection, "directory_offset", until)
    return Known(connection, moment, is_past, positions, offset)


async def _first(connection: Connection, query: str, moment: datetime) -> Any:
    cursor = await connection.execute(_SQL[query], {"moment": moment})
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - a query of aggregates has one row
    return row[0]
