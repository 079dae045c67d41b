"""Write rows into tables: few by statements in a pipeline, many by COPY.

Owns how rows get into PostgreSQL fast; knows no projection. A row whose key is there already
takes the place of the earlier one; within one call every key stands once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
from psycopg import sql

from runut.adapters.postgres import Connection

COPY_FROM: Final = 100
"""From so many rows on, COPY is faster than statements in a pipeline."""

Values = Sequence[Any]

_COLUMN_TYPES: Final = (
    "SELECT attname, atttypid FROM pg_attribute "
    "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
)


class Target(msgspec.Struct, frozen=True, dict=True):
    """A table to write into, and the columns that rows have values for, in their order.

    Its statements are bytes: psycopg composes one of `sql` again each time.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    """Columns by which an earlier row is replaced; none where rows are only ever added."""

    @cached_property
    def insert(self) -> bytes:
        """One row by parameters."""
        places = sql.SQL(", ").join(sql.Placeholder() * len(self.columns))
        head = sql.SQL("INSERT INTO {} ({}) VALUES ({})")
        inserting = head.format(sql.Identifier(self.name), self._names, places) + self._replace
        return inserting.as_bytes()

    @cached_property
    def copy(self) -> bytes:
        """Many rows straight into the table."""
        return self._copy_into(self.name)

    @cached_property
    def stage(self) -> bytes:
        """A table beside it for this transaction, without indexes."""
        statement = sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DROP")
        return statement.format(sql.Identifier(self._staged), sql.Identifier(self.name)).as_bytes()

    @cached_property
    def copy_staged(self) -> bytes:
        """Many rows into the table beside it."""
        return self._copy_into(self._staged)

    @cached_property
    def merge(self) -> bytes:
        """From the table beside it into the table."""
        head = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            sql.Identifier(self.name), self._names, self._names, sql.Identifier(self._staged)
        )
        return (head + self._replace).as_bytes()

    @property
    def _staged(self) -> str:
        return f"staged_{self.name}"

    @property
    def _names(self) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))

    @property
    def _replace(self) -> sql.Composed:
        if not self.key:
            return sql.Composed([])
        changes = sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column))
            for column in self.columns
            if column not in self.key
        )
        key = sql.SQL(", ").join(map(sql.Identifier, self.key))
        return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(key, changes)

    def _copy_into(self, name: str) -> bytes:
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
        return statement.format(sql.Identifier(name), self._names).as_bytes()


class Writer:
    """Writes over one connection, inside whatever transaction is open there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._types: dict[str, list[int]] = {}

    async def write(self, batch: Sequence[tuple[Target, Sequence[Values]]]) -> None:
        """Write rows of several tables, in order."""
        present = [(target, rows) for target, rows in batch if rows]
        for target, rows in present:
            if len(rows) >= COPY_FROM:
                await self._copy(target, rows)
        async with self._connection.pipeline(), self._connection.cursor() as cursor:
            for target, rows in present:
                if len(rows) < COPY_FROM:
                    await cursor.executemany(target.insert, rows)

    async def load(self, target: Target, rows: Sequence[Values]) -> None:
        """Write rows into a table that has none of their keys yet, and may have no index."""
        if rows:
            await self._copy_rows(target, target.copy, rows)

    async def _copy(self, target: Target, rows: Sequence[Values]) -> None:
        if not target.key:
            await self._copy_rows(target, target.copy, rows)
            return
        await self._connection.execute(target.stage)
        await self._copy_rows(target, target.copy_staged, rows)
        await self._connection.execute(target.merge)

    async def _copy_rows(self, target: Target, statement: bytes, rows: Sequence[Values]) -> None:
        types = await self._types_of(target)
        async with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                await copy.write_row(row)

    async def _types_of(self, target: Target) -> list[int]:
        if target.name not in self._types:
            cursor = await self._connection.execute(_COLUMN_TYPES, (target.name,))
            found: dict[str, int] = dict(await cursor.fetchall())
            self._types[target.name] = [found[column] for column in target.columns]
        return self._types[target.name]
