"""Read subjects and their histories from PostgreSQL, now or as of a past moment.

Owns what is loaded, always from one snapshot; how it looks is `projections.render`. A past moment
is folded again from the history, which holds every event as it was recorded: the same pure fold as
the projector's. No clock is read: `now` is passed in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final, Literal

import psycopg
from psycopg.pq import TransactionStatus

from projections import row_tables
from projections.batch import HistoryEntry
from projections.folds.rows import TABLES
from projections.folds.subject import Directories, Past, fold_subject, state_as_of
from projections.history import entry_from
from projections.loaded import Counts
from projections.portraits import Document
from projections.queries import queries
from projections.render import Standing, render_entry, render_state
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.errors import NotFound, PlatformError
from runut.records import RawRecord

By = Literal["recorded", "occurred"]

DIRECTORY_TOPIC: Final = "runut.directory"

_SQL: Final = queries("reading")


@contextmanager
def expecting_tables() -> Iterator[None]:
    """Whatever is asked within needs the read models.

    Raises:
        PlatformError: they were never made.
    """
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise PlatformError(
            f"read models: expected tables in PostgreSQL, found none ({error.diag.message_primary})"
            "; the worker makes them: start it with runut up or runut worker"
        ) from None


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[None]:
    """All reads within see the tables at one moment, whatever the projector writes meanwhile.

    Within another snapshot it is that one; within no other transaction.

    Raises:
        PlatformError: the read models were never made.
    """
    with expecting_tables():
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            yield
            return
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


async def load_directory(connection: Connection, known: DirectoryLog | None = None) -> DirectoryLog:
    """The directory as far as the projector has read it: each record judged again.

    A log that is `known` already gets what it lacks: judging costs some signatures. Several may
    ask for the same at once. Roots of its tree are those of Kafka where the topic has its usual
    name, as it is not kept.
    """
    log = DirectoryLog() if known is None else known
    cursor = await connection.execute(_SQL["load_directory"], {"from": log.size})
    for row in await cursor.fetchall():
        if row[0] == log.size:  # else another took it meanwhile
            log.append(_raw_record(row))
    return log


async def subject_state(connection: Connection, subject: str, now: datetime) -> Document:
    """A subject's present state, as JSON (interfaces.md); overdue is asked for `now`.

    Raises:
        NotFound: it has no state.
    """
    async with snapshot(connection):
        return render_state(await load_standing(connection, subject), now, None)


async def subject_state_as_of(
    connection: Connection, subject: str, moment: datetime, by: By
) -> Document:
    """A subject's state as of a moment (events.md §3), by recorded or by occurred time.

    Raises:
        NotFound: it had none then.
    """
    async with snapshot(connection):
        directories = (await load_directory(connection)).at
        entries = await load_entries(connection, subject, directories)
    folded = state_as_of([entry.recorded for entry in entries], directories, moment, by)
    return render_state(Standing.of(subject, folded), moment, moment)


async def history(
    connection: Connection, subject: str, as_of: datetime | None = None
) -> list[Document]:
    """A subject's events in log order, each with its verdict and its sentences.

    With `as_of`, the events recorded until then with the verdicts that they had then.

    Raises:
        NotFound: no event of the subject was ever recorded.
    """
    async with snapshot(connection):
        directory = await load_directory(connection)
        entries = await load_entries(connection, subject, directory.at)
    if as_of is not None:
        entries = _as_known_at(entries, directory.at, as_of)
    return [render_entry(entry, directory.latest) for entry in entries]


async def history_entry(connection: Connection, partition: int, offset: int) -> Document:
    """The line of the history that one record of the log became.

    Raises:
        NotFound: the place holds no projected event.
    """
    async with snapshot(connection):
        directory = await load_directory(connection)
        asked = {"partition": partition, "offset": offset}
        cursor = await connection.execute(_SQL["load_entry"], asked)
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"event at partition {partition}, {offset}", "not projected, or no event")
    return render_entry(entry_from(found, directory.at), directory.latest)


async def load_standing(connection: Connection, subject: str) -> Standing:
    """A subject as the tables hold it; within a snapshot.

    Raises:
        NotFound: no event of the subject was ever recorded.
    """
    cursor = await connection.execute(_SQL["load_subject"], {"subject": subject})
    found = await cursor.fetchone()
    if found is None:
        raise _unknown(subject)
    past = Past()
    for table in TABLES:
        cursor = await connection.execute(
            row_tables.select(table, "by_subject"), {"subjects": [subject]}
        )
        rows = [row_tables.from_values(table, row) for row in await cursor.fetchall()]
        past.rows.update(((table, row.ident), row) for row in rows)
    return Standing(
        subject, row_tables.state_from(subject, found[5]), past, Counts(*found[:4]), found[4]
    )


async def load_entries(
    connection: Connection, subject: str, directories: Directories
) -> list[HistoryEntry]:
    """A subject's whole history; within a snapshot.

    Raises:
        NotFound: no event of the subject was ever recorded.
    """
    cursor = await connection.execute(_SQL["load_history"], {"subject": subject})
    entries = [entry_from(row, directories) for row in await cursor.fetchall()]
    if not entries:
        raise _unknown(subject)
    return entries


def _as_known_at(
    entries: Sequence[HistoryEntry], directories: Directories, moment: datetime
) -> list[HistoryEntry]:
    known = [entry.recorded for entry in entries if entry.recorded.recorded_at <= moment]
    return [
        HistoryEntry(seq, one.recorded, one.folded.verdict, one.folded.codes, one.folded.differs)
        for seq, one in enumerate(fold_subject(known, directories).entries, 1)
    ]


def _unknown(subject: str) -> NotFound:
    return NotFound(subject, "expected events of it in the ledger, found none")


def _raw_record(row: Sequence[Any]) -> RawRecord:
    offset, timestamp_ms, timestamp_type, key, value, names, values = row
    return RawRecord(
        topic=DIRECTORY_TOPIC,
        partition=0,
        offset=offset,
        timestamp_ms=timestamp_ms,
        timestamp_type=timestamp_type,
        key=key,
        value=value,
        headers=tuple(zip(names, values, strict=True)),
    )
