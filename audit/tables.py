"""The read models as facts, read in one snapshot that several processes share.

Reads only: what is compared with it is the log's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import groupby
from typing import Final

from psycopg import sql

from audit.facts import Facts, facts_of, history_facts, row_facts, subject_fields
from projections.folds.rows import TABLES
from projections.folds.subject import Directories, fold_subject
from projections.history import entry_from
from projections.queries import queries
from projections.reading import directory_record
from projections.row_tables import from_values, select, state_from
from projections.store import Position
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.errors import BadInput
from runut.records import RawRecord
from runut.settings import Settings

_SQL: Final = queries("comparing")
_READING: Final = queries("reading")


@asynccontextmanager
async def snapshot_of(settings: Settings, shared: str | None = None) -> AsyncIterator[Connection]:
    """A connection that sees the tables at one moment: its own, or the one that is `shared`."""
    async with (
        postgres.connected(settings, name="runut replay", autocommit=True) as connection,
        connection.transaction(),
    ):
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if shared is not None:
            statement = sql.SQL("SET TRANSACTION SNAPSHOT {}")
            await connection.execute(statement.format(sql.Literal(shared)))
        yield connection


async def share(connection: Connection) -> str:
    """The name under which other connections see what this one sees, until it ends."""
    cursor = await connection.execute("SELECT pg_export_snapshot()")
    row = await cursor.fetchone()
    return str(row[0]) if row else ""


async def positions(connection: Connection) -> list[Position]:
    """How far each partition is projected; epochs are left out."""
    cursor = await connection.execute(_SQL["positions"])
    return [Position(row[0], 0, *row[1:]) for row in await cursor.fetchall()]


async def subject_facts(connection: Connection, subjects: Sequence[str]) -> Facts:
    """What the tables say of these subjects now."""
    asked = {"subjects": list(subjects)}
    facts: Facts = {}
    cursor = await connection.execute(_SQL["subjects"], asked)
    for row in await cursor.fetchall():
        state = state_from(row[0], row[6])
        facts[row[0], "subject"] = subject_fields(row[1:5], row[5], state)
    cursor = await connection.execute(_SQL["histories"], asked)
    for row in await cursor.fetchall():
        facts.update(history_facts(row))
    for table in TABLES:
        cursor = await connection.execute(select(table, "by_subject"), asked)
        for row in await cursor.fetchall():
            facts.update(row_facts(from_values(table, row)))
    return facts


async def facts_at(
    connection: Connection,
    subjects: Sequence[str],
    directories: Directories,
    end: int,
    moment: datetime | None,
) -> Facts:
    """What readers are told of subjects of one partition as of an offset, and a moment if given.

    That is their history until then, folded again.
    """
    asked = {"subjects": list(subjects), "end": end, "moment": moment}
    cursor = await connection.execute(_SQL["histories_until"], asked)
    facts: Facts = {}
    for subject, rows in groupby(await cursor.fetchall(), key=lambda row: str(row[0])):
        try:
            records = [entry_from(row, directories).recorded for row in rows]
        except BadInput as error:
            facts[subject, "history"] = {"is not to be read": str(error)}
        else:
            facts.update(facts_of(subject, fold_subject(records, directories)))
    return facts


async def quarantined(connection: Connection, partition: int) -> Sequence[Sequence[object]]:
    """Offset, time, reason and leaf hash of the records of a partition that are no events."""
    cursor = await connection.execute(_SQL["quarantined"], {"partition": partition})
    return await cursor.fetchall()


async def directory_records(connection: Connection) -> list[RawRecord]:
    """The directory as readers have it."""
    cursor = await connection.execute(_READING["load_directory"], {"from": 0})
    return [directory_record(row) for row in await cursor.fetchall()]


async def known_subjects(connection: Connection) -> set[str]:
    """Every subject that a table of subjects or of histories names."""
    cursor = await connection.execute(_SQL["known_subjects"])
    return {row[0] for row in await cursor.fetchall()}
