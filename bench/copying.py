"""What PostgreSQL allows: COPY BINARY of the same rows of history into the same table, indexes
included."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import sql

from bench.ground import Ground, elsewhere
from bench.measured import Measured, Meter, Stopwatch
from projections.install import install
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.settings import Settings

AT_ONCE: Final = 5_000
BLOCK: Final = 256 * 1024
COPY_IN: Final = "COPY history FROM STDIN (FORMAT BINARY)"


@asynccontextmanager
async def other_models(settings: Settings, name: str) -> AsyncIterator[Connection]:
    """A connection to empty read models of the same definition, dropped after the block."""
    other = elsewhere(settings, name)
    async with postgres.connected(other, name="bench") as connection:
        await install(connection, other)
        await connection.commit()
        yield connection
        for schema in (other.views_schema, other.model_schema):
            await connection.execute(
                sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema))
            )
        await connection.commit()


async def copy_bytes(ground: Ground) -> Measured:
    """The rows as bytes that are ready, in one go: what PostgreSQL takes."""
    with tempfile.TemporaryFile() as rows:
        async with (
            postgres.connected(ground.settings, name="bench") as connection,
            connection.cursor().copy("COPY history TO STDOUT (FORMAT BINARY)") as source,
        ):
            async for block in source:
                rows.write(block)
        rows.seek(0)
        async with other_models(ground.settings, "copy_bytes") as connection:
            meter = Meter([os.getpid()], ground.postgres)
            cursor = connection.cursor()
            async with cursor.copy(COPY_IN) as target:
                while block := rows.read(BLOCK):
                    await target.write(block)
            await connection.commit()
            return meter.stop(cursor.rowcount).with_rows(cursor.rowcount)


async def copy_rows(ground: Ground) -> Measured:
    """The rows as Python's values through psycopg, in transactions of 5,000.

    PostgreSQL's processor time is not counted: it reads the rows meanwhile.
    """
    watch, count = Stopwatch(), 0
    async with (
        postgres.connected(ground.settings, name="bench") as source,
        other_models(ground.settings, "copy_rows") as target,
    ):
        columns = await _columns(source)
        async with source.cursor(name="rows") as rows:
            await rows.execute(_select(columns))
            while chunk := await rows.fetchmany(AT_ONCE):
                with watch.running():
                    await _copy_chunk(target, chunk, list(columns.values()))
                count += len(chunk)
    return watch.measured(count)


async def _copy_chunk(
    target: Connection, rows: Sequence[Sequence[Any]], types: Sequence[str]
) -> None:
    async with target.cursor() as cursor, cursor.copy(COPY_IN) as copy:
        copy.set_types(types)
        for row in rows:
            await copy.write_row(row)
    await target.commit()


async def _columns(connection: Connection) -> dict[str, str]:
    """Type of each column of history, by its name, in their order."""
    cursor = await connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'history'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return dict(await cursor.fetchall())


def _select(columns: Mapping[str, str]) -> sql.Composed:
    """All rows, JSON as the text that it is copied from."""
    shown = [
        sql.SQL("{}::text" if kind == "jsonb" else "{}").format(sql.Identifier(name))
        for name, kind in columns.items()
    ]
    return sql.SQL("SELECT {} FROM history").format(sql.SQL(", ").join(shown))
