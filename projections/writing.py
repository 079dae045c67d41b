"""Write rows into tables: few as JSON, many by COPY.

Owns how rows get into PostgreSQL fast; knows no projection. A row whose key is there already
takes the place of the earlier one; within one call every key stands once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import astuple
from psycopg import AsyncCopy, sql
from psycopg.pq import Format

from runut.adapters.postgres import Connection
from runut.native import IS_USED

if IS_USED:
    from runut.native import copy_rows

COPY_FROM: Final = 50
"""From so many rows on, COPY is faster where no row can take another's place."""
MERGED_FROM: Final = 200
"""From so many rows on that may take another's place, it is faster to COPY them into a table beside
it, and to have PostgreSQL take them over from there."""
BLOCK: Final = 128
"""Rows that are sent by COPY at once."""
_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
"""What stands before the first row and after the last one of COPY in binary."""

Values = Sequence[Any]
"""In the order of a target's columns."""
Block = Callable[[Sequence[Values]], bytes]
"""Makes rows what COPY takes in binary."""

_COLUMN_TYPES: Final = (
    "SELECT attname, atttypid, format_type(atttypid, atttypmod) FROM pg_attribute "
    "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
)
_FROM_TEXT: Final[Mapping[str, sql.SQL]] = {
    "bytea": sql.SQL("decode({}, 'base64')"),
    "bytea[]": sql.SQL("ARRAY(SELECT decode(one, 'base64') FROM unnest({}) AS one)"),
    "jsonb": sql.SQL("{}::jsonb"),
}
"""What JSON holds as text, or as texts."""


class Type(NamedTuple):
    """Of a column."""

    oid: int
    name: str


class Target(msgspec.Struct, frozen=True, dict=True):
    """A table to write into, and the columns that rows have values for, in their order.

    Its statements are bytes: psycopg composes one of `sql` again each time.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    """Columns by which an earlier row is replaced; none where rows are only ever added."""

    def insert(self, types: Sequence[Type]) -> bytes:
        """Rows by one parameter, a JSON array of objects."""
        values, given = [], []
        for column, (_, name) in zip(map(sql.Identifier, self.columns), types, strict=True):
            from_text = _FROM_TEXT.get(name)
            values.append(from_text.format(column) if from_text else column)
            told = ("text[]" if name.endswith("[]") else "text") if from_text else name
            given.append(sql.SQL("{} {}").format(column, sql.SQL(told)))
        head = sql.SQL(
            "INSERT INTO {} ({}) SELECT {} FROM json_to_recordset(%s::json) AS given ({})"
        )
        comma = sql.SQL(", ")
        return (
            head.format(
                sql.Identifier(self.name), self._names, comma.join(values), comma.join(given)
            )
            + self._replace
        ).as_bytes()

    @cached_property
    def copy(self) -> bytes:
        """Many rows straight into the table."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
        return statement.format(sql.Identifier(self.name), self._names).as_bytes()

    @cached_property
    def beside(self) -> Target:
        """A table of the connection's own, from which rows can be taken over; empty at a commit."""
        return Target(f"changed_{self.name}", self.columns)

    @cached_property
    def make_beside(self) -> bytes:
        """Makes the table beside it, unless this connection has it."""
        statement = sql.SQL(
            "CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS "
            "SELECT {} FROM {} WITH NO DATA"
        )
        names = sql.Identifier(self.beside.name), self._names, sql.Identifier(self.name)
        return statement.format(*names).as_bytes()

    @cached_property
    def take_over(self) -> bytes:
        """All rows of the table beside it."""
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            *(sql.Identifier(self.name), self._names),
            *(self._names, sql.Identifier(self.beside.name)),
        )
        return (statement + self._replace).as_bytes()

    @cached_property
    def addition(self) -> Target:
        """The same table, for rows of which it has none yet."""
        return Target(self.name, self.columns)

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

    def json(self, rows: Sequence[Any]) -> str:
        """The rows as an array of objects; structs have a field for each column."""
        if not isinstance(rows[0], msgspec.Struct):
            rows = [dict(zip(self.columns, row, strict=True)) for row in rows]
        return msgspec.json.encode(rows).decode()

    def is_copied(self, rows: Sized) -> bool:
        """Whether so many rows go by COPY, which is outside of any pipeline."""
        return len(rows) >= (MERGED_FROM if self.key else COPY_FROM)


class CopyRows(list[Values]):
    """Rows of one table that come one after the other, made ready for COPY as they come."""

    def __init__(self, block: Block | None) -> None:
        """Take what makes a block of rows; None where COPY takes them row by row."""
        super().__init__()
        self.blocks: list[bytes] = []
        """The first rows, so many in each."""
        self._block = block

    def add(self, rows: Sequence[Values]) -> None:
        """Take more of them."""
        self.extend(rows)
        while self._block and len(self) >= len(self.blocks) * BLOCK + BLOCK:
            at = len(self.blocks) * BLOCK
            self.blocks.append(self._block(self[at : at + BLOCK]))


Rows = Sequence[tuple[Target, Sequence[Any]]]
"""By table, as values or as structs."""


class Writer:
    """Writes over one connection, inside whatever transaction is open there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._types: dict[str, list[Type]] = {}
        self._inserts: dict[tuple[str, tuple[str, ...]], bytes] = {}
        """By table and key."""
        self._blocks: dict[str, Block] = {}
        """By table."""

    async def write(self, batch: Rows) -> None:
        """Write rows of several tables; in a pipeline only if none of them `is_copied`."""
        for target, rows in batch:
            if not target.is_copied(rows):
                await self._add(target, rows)
            elif target.key:
                await self._take_over(target, rows)
            else:
                await self._copy(target, rows)

    async def copy_rows(self, target: Target) -> CopyRows:
        """Where rows of a table can be made ready before they are written."""
        types = await self._types_of(target)
        return CopyRows(self._block(target, types) if IS_USED else None)

    async def load(self, target: Target, rows: Sequence[Values]) -> None:
        """Write rows into a table that has none of their keys yet, and may have no index."""
        if rows:
            await self._copy(target, rows)

    async def _add(self, target: Target, rows: Sequence[Any]) -> None:
        if rows:
            await self._connection.execute(await self._insert(target), (target.json(rows),))

    async def _take_over(self, target: Target, rows: Sequence[Any]) -> None:
        await self._connection.execute(target.make_beside)
        await self._copy(target.beside, rows)
        await self._connection.execute(target.take_over)

    async def _copy(self, target: Target, rows: Sequence[Any]) -> None:
        types = await self._types_of(target)
        if isinstance(rows[0], msgspec.Struct):
            rows = [astuple(row) for row in rows]
        async with self._connection.cursor() as cursor, cursor.copy(target.copy) as copy:
            if IS_USED:
                await _copy_blocks(copy, self._block(target, types), rows)
                return
            copy.set_types([one.oid for one in types])
            for row in rows:
                await copy.write_row(row)

    def _block(self, target: Target, types: Sequence[Type]) -> Block:
        if target.name not in self._blocks:
            adapters, oids = self._connection.adapters, [one.oid for one in types]
            of = [adapters.get_dumper_by_oid(oid, Format.BINARY) for oid in oids]
            dumpers = [one(type(None), self._connection) for one in of]
            self._blocks[target.name] = copy_rows.BinaryRows(oids, dumpers).block
        return self._blocks[target.name]

    async def _insert(self, target: Target) -> bytes:
        known = target.name, target.key
        if known not in self._inserts:
            self._inserts[known] = target.insert(await self._types_of(target))
        return self._inserts[known]

    async def _types_of(self, target: Target) -> list[Type]:
        if target.name not in self._types:
            cursor = await self._connection.execute(_COLUMN_TYPES, (target.name,))
            found = {column: Type(*of) for column, *of in await cursor.fetchall()}
            self._types[target.name] = [found[column] for column in target.columns]
        return self._types[target.name]


async def _copy_blocks(copy: AsyncCopy, block: Block, rows: Sequence[Values]) -> None:
    ready = rows.blocks if isinstance(rows, CopyRows) else []
    await copy.write(_BEGIN)
    for one in ready:
        await copy.write(one)
    for at in range(len(ready) * BLOCK, len(rows), BLOCK):
        await copy.write(block(rows[at : at + BLOCK]))
    await copy.write(_END)
