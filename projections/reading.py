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
from projections.folds.rows import Row
from projections.folds.subject import Directories, Past, fold_subject, state_as_of
from projections.following import Positions
from projections.history import entry_from
from projections.loaded import Counts
from projections.portraits import SHOWN, Document
from projections.queries import queries
from projections.render import Standing, render_entry, render_state
from projections.seen_by import seen_by
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.errors import NotFound, PlatformError
from runut.event import subject_kind
from runut.records import RawRecord

By = Literal["recorded", "occurred"]

DIRECTORY_TOPIC: Final = "runut.directory"

_SQL: Final = queries("reading")
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"


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
        async with _undone_if_it_fails(connection):
            await connection.execute(_BEGIN)
            yield
            await connection.execute("COMMIT")


@asynccontextmanager
async def snapshot_at_once(connection: Connection) -> AsyncIterator[None]:
    """As `snapshot`, in one journey: questions are asked within, answers are there afterwards."""
    with expecting_tables():
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            async with connection.pipeline():
                yield
            return
        async with _undone_if_it_fails(connection), connection.pipeline():
            await connection.execute(_BEGIN)
            yield
            await connection.execute("COMMIT")


@asynccontextmanager
async def _undone_if_it_fails(connection: Connection) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        if not connection.closed:
            await connection.rollback()
        raise


async def positions_and_directory(
    connection: Connection, known: DirectoryLog
) -> tuple[Positions, DirectoryLog]:
    """How far each partition is projected, and the directory as `load_directory` gives it.

    In one journey where all of the directory is `known`, as almost always.
    """
    cursor = await connection.execute(_SQL["positions_and_directory"])
    rows = await cursor.fetchall()
    is_known = bool(rows) and rows[0][2] == known.size
    log = known if is_known else await load_directory(connection, known)
    return {partition: next_offset for partition, next_offset, _ in rows}, log


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
            log.append(directory_record(row))
    return log


async def subject_state(connection: Connection, subject: str, now: datetime) -> Document:
    """A subject's present state, as JSON (interfaces.md); overdue is asked for `now`.

    Raises:
        NotFound: it has no state.
    """
    async with snapshot(connection):
        return render_state(await load_standing(connection, subject), now, None)


async def subject_state_as_of(
    connection: Connection,
    subject: str,
    moment: datetime,
    by: By,
    known: DirectoryLog | None = None,
) -> Document:
    """A subject's state as of a moment (events.md §3), by recorded or by occurred time.

    Raises:
        NotFound: it had none then.
    """
    async with snapshot(connection):
        directories = (await load_directory(connection, known)).at
        entries = await load_entries(connection, subject, directories)
    folded = state_as_of([entry.recorded for entry in entries], directories, moment, by)
    return render_state(Standing.of(subject, folded), moment, moment)


async def history(
    connection: Connection,
    subject: str,
    as_of: datetime | None = None,
    *,
    as_seen_by: str | None = None,
) -> list[Document]:
    """A subject's events in log order, each with its verdict and its sentences.

    With `as_of`, the events recorded until then with the verdicts that they had then; with
    `as_seen_by` those of them that this agency knew (`projections.seen_by`).

    Raises:
        NotFound: no event of the subject was ever recorded, or there is no such agency.
    """
    async with snapshot(connection):
        directory = await load_directory(connection)
        entries = await load_entries(connection, subject, directory.at, as_of)
    if as_seen_by is not None:
        if directory.latest.agency(as_seen_by) is None:
            raise NotFound(f"agency {as_seen_by}", "the directory knows none of this code")
        folded = fold_subject([entry.recorded for entry in entries], directory.at)
        entries = [entries[at] for at in seen_by(as_seen_by, folded.entries)]
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
    """A subject as the tables hold it, with the rows that are shown; within a snapshot.

    Raises:
        NotFound: no event of the subject was ever recorded.
    """
    cursor = await connection.execute(_SQL["load_subject"], {"subject": subject})
    found = await cursor.fetchone()
    if found is None:
        raise _unknown(subject)
    tables = SHOWN.get(subject_kind(subject), ())
    return (await standings_of(connection, [found], tables))[0]


async def standings_of(
    connection: Connection,
    subjects: Sequence[Sequence[Any]],
    tables: Sequence[type[Row]],
) -> list[Standing]:
    """Subjects, given as rows of `load_subject`, with their rows of some tables."""
    past = {row[0]: Past() for row in subjects}
    async with connection.pipeline():
        asked = {"subjects": list(past)}
        selects = [row_tables.select(table, "by_subject") for table in tables]
        cursors = [await connection.execute(one, asked) for one in selects]
        for table, cursor in zip(tables, cursors, strict=True):
            for values in await cursor.fetchall():
                row = row_tables.from_values(table, values)
                past[row.subject].rows[table, row.ident] = row
    return [
        Standing(
            row[0], row_tables.state_from(row[0], row[6]), past[row[0]], Counts(*row[1:5]), row[5]
        )
        for row in subjects
    ]


async def load_entries(
    connection: Connection, subject: str, directories: Directories, as_of: datetime | None = None
) -> list[HistoryEntry]:
    """A subject's whole history; within a snapshot.

    With `as_of`, the events recorded until then with the verdicts that they had then.

    Raises:
        NotFound: no event of the subject was ever recorded.
    """
    entries = await load_some_entries(connection, subject, directories)
    if not entries:
        raise _unknown(subject)
    return entries if as_of is None else _as_known_at(entries, directories, as_of)


async def load_some_entries(
    connection: Connection,
    subject: str,
    directories: Directories,
    *,
    after_seq: int = 0,
    limit: int | None = None,
) -> list[HistoryEntry]:
    """A part of a subject's history, in order; within a snapshot."""
    asked = {"subject": subject, "after_seq": after_seq, "limit": limit}
    cursor = await connection.execute(_SQL["load_history"], asked)
    return [entry_from(row, directories) for row in await cursor.fetchall()]


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


def directory_record(row: Sequence[Any]) -> RawRecord:
    """A row of `load_directory` as the record that it was."""
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
