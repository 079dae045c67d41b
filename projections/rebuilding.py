"""Read models beside the live ones: what is planned, what is done of it, and their indexes.

Owns the schema `…_next` until its name is swapped (`projections.swapping`). Everything that is done
is done in a transaction that says so there: whoever begins again goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, LiteralString, NamedTuple
from zlib import crc32

import psycopg
from psycopg import sql

from projections.comparing_models import positions_in
from projections.folds.fold import CORRECTION
from projections.install import create_model, installed_version, look_in, model_version
from projections.queries import queries
from projections.several_connections import shared_out
from runut.adapters.postgres import Connection
from runut.errors import LedgerMismatch
from runut.settings import Settings

SHARE_RECORDS: Final = 200_000
"""Of a partition, in one share, on average: all subjects that they are about are held in memory."""
_SQL: Final = queries("rebuilding")


class Share(NamedTuple):
    """Subjects of a partition, up to an offset of its log."""

    partition: int
    slice: int
    slices: int
    """In so many the partition's subjects are cut."""
    end: int
    foreseen_to: int
    """Up to here the live read models told which subjects get a correction."""
    is_verifying: bool
    """All signatures, also those that the sealer verified."""

    def has(self, key: bytes | None) -> bool:
        """Whether a record of the partition with this key belongs to it."""
        return self.slices == 1 or crc32(key or b"") % self.slices == self.slice


class Done(NamedTuple):
    """How far the load is."""

    shares_left: int
    records: int
    """Of the shares that are done, about."""
    total: int


def beside(settings: Settings) -> Settings:
    """Settings of whoever works on the read models that are being made."""
    return settings.model_copy(update={"model_schema": f"{settings.model_schema}_next"})


def before(settings: Settings) -> str:
    """Schema of the read models that were live before the last rebuild."""
    return f"{settings.model_schema}_old"


async def plan(
    connection: Connection, settings: Settings, ends: Mapping[int, int], *, is_verifying: bool
) -> bool:
    """Make tables without indexes, to be loaded up to these offsets; `is_verifying` as of a share.

    True where an earlier rebuild of this release is to be continued: it keeps its offsets. What one
    of another release left is dropped, and what did not verify where that is wanted now.

    Raises:
        LedgerMismatch: there is a schema of that name, and it is not ours.
    """
    schema = beside(settings).model_schema
    async with connection.transaction():
        found = await installed_version(connection, schema)
        if found == model_version() and await _serves(connection, schema, is_verifying):
            return True
        if found is not None:
            await _drop(connection, schema)
        try:
            await create_model(connection, schema)
        except psycopg.errors.DuplicateSchema:
            raise somebody_elses(schema) from None
        await connection.execute(_SQL["plan"])
        foreseen = await _foresee_corrections(connection, settings.model_schema)
        for partition, end in ends.items():
            slices = max(1, -(-end // SHARE_RECORDS))
            for number in range(slices):
                share = Share(
                    partition, number, slices, end, foreseen.get(partition, 0), is_verifying
                )
                await connection.execute(_SQL["add_share"], share)
        await _drop_indexes(connection)
        await _each_table(connection, "ALTER TABLE {} SET (autovacuum_enabled = off)")
    return False


async def _serves(connection: Connection, schema: str, is_verifying: bool) -> bool:
    """Whether what is planned in a schema verifies all that is wanted to be."""
    if not is_verifying:
        return True
    query = sql.SQL(_SQL["is_verifying"]).format(made=sql.Identifier(schema))
    cursor = await connection.execute(query)
    return await cursor.fetchone() == (True,)


async def _foresee_corrections(connection: Connection, live: str) -> dict[int, int]:
    """Write down which subjects get a correction, as live read models tell; gives up to where.

    Those of any release do, if they have the columns.
    """
    try:
        async with connection.transaction():
            # Where they stand is read first: what they are asked then may be about more.
            positions = await positions_in(connection, live)
            query = sql.SQL(_SQL["foresee_corrections"]).format(live=sql.Identifier(live))
            await connection.execute(query, {"correction": CORRECTION})
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        return {}
    return positions


async def foreseen_corrections(connection: Connection, share: Share) -> set[str]:
    """Subjects of the share's partition that get a correction, as live read models told."""
    if not share.foreseen_to:
        return set()
    cursor = await connection.execute(_SQL["foreseen_corrections"], (share.partition,))
    return {row[0] for row in await cursor.fetchall()}


def somebody_elses(schema: str) -> LedgerMismatch:
    """That a schema is there which is not ours to change."""
    return LedgerMismatch(
        f"schema {schema}: expected read models of Runut, found something else; "
        "name others by RUNUT_MODEL_SCHEMA"
    )


async def take_share(connection: Connection) -> Share | None:
    """A share that nobody else is at, taken until the transaction ends; None if there is none."""
    cursor = await connection.execute(_SQL["take_share"])
    found = await cursor.fetchone()
    return Share(*found) if found else None


async def share_done(connection: Connection, share: Share) -> None:
    """Say so, in the transaction that wrote it."""
    await connection.execute(_SQL["share_done"], (share.partition, share.slice))


async def add_position(connection: Connection, share: Share, values: Sequence[object]) -> None:
    """How far the share's partition is read: to which offset; leaf hash, time, directory there."""
    await connection.execute(_SQL["add_position"], (share.partition, *values))


async def done(connection: Connection) -> Done:
    """How far the load is."""
    cursor = await connection.execute(_SQL["shares_left"])
    found = await cursor.fetchone()
    assert found is not None  # noqa: S101 - a query of aggregates has one row
    return Done(*found)


async def make_indexes(connections: Sequence[Connection]) -> None:
    """Make what indexes are missing, as many at once as there are connections; then the keys."""
    first = connections[0]
    cursor = await first.execute(_SQL["present_indexes"])
    present = {row[0] for row in await cursor.fetchall()}
    cursor = await first.execute(_SQL["indexes"])
    indexes = await cursor.fetchall()
    missing = [definition for _, name, definition, _ in indexes if name not in present]
    for connection in connections:
        await connection.execute(_SQL["one_core_an_index"])
    await shared_out(connections, [partial(_make_index, one) for one in missing])
    await _make_keys(first, [(table, name) for table, name, _, is_key in indexes if is_key])


async def _make_index(definition: str, connection: Connection) -> None:
    await connection.execute(definition)


async def analyze(connection: Connection) -> None:
    """Have the planner know the tables."""
    cursor = await connection.execute(_SQL["what_to_analyze"])
    parts = [
        sql.SQL("{} ({})" if columns else "{}").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        for table, columns in await cursor.fetchall()
    ]
    await connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(parts)))


async def remove(connection: Connection, *schemas: str) -> list[str]:
    """Drop read models that are not live; gives the schemas of those that were there."""
    found = [one for one in schemas if await installed_version(connection, one) is not None]
    for schema in found:
        await _drop(connection, schema)
    return found


async def forget_plan(connection: Connection, schema: str) -> None:
    """Leave nothing but the read models."""
    await look_in(connection, schema)
    await connection.execute("DROP TABLE rebuild_share, rebuild_index, rebuild_correction")
    await _each_table(connection, "ALTER TABLE {} RESET (autovacuum_enabled)")


async def _drop(connection: Connection, schema: str) -> None:
    statement = sql.SQL("DROP SCHEMA {} CASCADE")
    await connection.execute(statement.format(sql.Identifier(schema)))


async def _each_table(connection: Connection, statement: LiteralString) -> None:
    cursor = await connection.execute(_SQL["tables"])
    tables = [sql.Identifier(row[0]) for row in await cursor.fetchall()]
    statements = sql.SQL("; ").join(sql.SQL(statement).format(table) for table in tables)
    await connection.execute(statements)


async def _drop_indexes(connection: Connection) -> None:
    cursor = await connection.execute(_SQL["indexes"])
    for table, name, _, is_key in await cursor.fetchall():
        statement = (
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                sql.Identifier(table), sql.Identifier(name)
            )
            if is_key
            else sql.SQL("DROP INDEX {}").format(sql.Identifier(name))
        )
        await connection.execute(statement)


async def _make_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Of a key's index, a key."""
    cursor = await connection.execute(_SQL["keys"])
    present = {row[0] for row in await cursor.fetchall()}
    statement = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY USING INDEX {}")
    for table, name in keys:
        if name not in present:
            key = sql.Identifier(name)
            await connection.execute(statement.format(sql.Identifier(table), key, key))
