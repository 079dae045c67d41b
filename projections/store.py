"""Load what folding needs and write what it gave, in one fenced transaction.

Owns the projector's side of PostgreSQL. Every write moves the positions first, and only where this
worker's epoch still stands (architecture.md, decision 3): two workers that own one partition for a
moment cannot both write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg
from msgspec.structs import asdict

from projections import row_tables
from projections.batch import (
    Changes,
    HistoryEntry,
    NewVerdict,
    corrected_subjects,
)
from projections.claims import Claim
from projections.folds.folding import RowKey
from projections.folds.rows import (
    TABLES,
    Row,
)
from projections.folds.subject import Directories
from projections.history import HISTORY, entry_from, history_values
from projections.loaded import Counts, Loaded, Subjects
from projections.queries import queries
from projections.wanted import questions
from projections.writing import CopyRows, Rows, Target, Values, Writer
from runut.adapters.postgres import Connection
from runut.directory import Directory, PublishedProtocol
from runut.errors import FencedOut
from runut.event import Recorded, subject_kind
from runut.records import RawRecord

SUBJECT: Final = Target(
    "subject",
    (
        *("subject", "kind", "events", "irregular", "duplicate", "corrected"),
        *("last_recorded_at", "state"),
    ),
    ("subject",),
)
QUARANTINE: Final = Target(
    "quarantine",
    (
        *("partition", "offset", "recorded_at", "reason", "leaf_hash"),
        *("key_id", "agency", "type", "key", "value", "value_size"),
    ),
)
DIRECTORY: Final = Target(
    "directory_record",
    (
        *("offset", "timestamp_ms", "timestamp_type", "key", "value"),
        *("header_names", "header_values"),
    ),
    ("offset",),
)
PROTOCOL: Final = Target(
    "protocol",
    ("offset", "version", "effective_from", "timezone", "meeting_series"),
    ("offset",),
)
KIB: Final = 1024
NOT_OURS: Final = "RU001"
"""What `demand_moved` of model.sql fails with; its detail is the partition."""

_SQL: Final = queries("projector")


class Position(msgspec.Struct, frozen=True):
    """Up to where a partition is projected, and in which epoch of ownership."""

    partition: int
    epoch: int
    next_offset: int
    leaf_hash: bytes | None
    recorded_at: datetime | None
    directory_offset: int


Moves = Sequence[tuple[Position, Position]]
"""Positions before and after."""
RowsOf = defaultdict[type[Row], list[Row]]


class Quarantined(msgspec.Struct, frozen=True):
    """A record that is no event, why, and what it says of itself."""

    record: RawRecord
    recorded_at: datetime
    reason: str
    claim: Claim = Claim()


class Store:
    """The projector's connection to the read models. Not to be shared between tasks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writer = Writer(connection)

    async def claim(self, partitions: Iterable[int]) -> dict[int, Position]:
        """Take partitions over in a new epoch; gives where each goes on."""
        async with self._connection.transaction():
            cursor = await self._connection.execute(
                _SQL["claim_positions"], {"partitions": sorted(partitions)}
            )
            return {row[0]: Position(*row) for row in await cursor.fetchall()}

    async def load(
        self, records: Sequence[Recorded], subjects: Subjects, directories: Directories
    ) -> dict[str, list[HistoryEntry]]:
        """Make ready to fold: subjects and rows into `subjects`; gives corrected histories.

        Several questions are asked, one after another: whoever is not alone in writing what they
        are about asks within a snapshot.
        """
        corrected = corrected_subjects(records)
        rest = records
        if corrected:
            rest = [r for r in records if r.event.subject not in corrected]
        unknown = {s for s in {r.event.subject for r in records} if s not in subjects}
        wanted = [] if unknown else list(questions(rest, subjects))
        if not (unknown or wanted or corrected):
            return {}  # most often, where few records come at a time
        # In a pipeline: one journey for the subjects, one for all that is wanted of them.
        async with self._connection.pipeline():
            if unknown:
                await self._load_subjects(unknown, subjects)
                wanted = list(questions(rest, subjects))
            answers = [await self._connection.execute(one.query, one.asked) for one in wanted]
            for one, answer in zip(wanted, answers, strict=True):
                one.learn(await answer.fetchall())
            return await self.load_histories(corrected, directories)

    async def lines(self) -> CopyRows:
        """Where lines of the history can be made ready for `commit`."""
        return await self._writer.copy_rows(HISTORY)

    def commit(
        self,
        moves: Moves,
        changes: Changes,
        quarantined: Sequence[Quarantined],
        lines: Sequence[Values] = (),
    ) -> Coroutine[None, None, None]:
        """Write a batch: everything or nothing.

        `moves` are each partition's position before and after; `lines` those of the history that
        are made ready, beside what `changes` have of it. What is written is taken from `changes`
        when this is called: folding may move the subjects on before it is awaited.

        Raises:
            FencedOut: another worker owns one of the partitions now.
        """
        rows: Rows = [
            (HISTORY, lines),
            *subject_rows(changes),
            (QUARANTINE, [quarantine_values(each) for each in quarantined]),
        ]
        return self._commit(moves, changes, rows)

    async def save_directory(self, records: Iterable[RawRecord], directory: Directory) -> None:
        """Write directory records down for readers that reach no Kafka, and for SQL what they say.

        `directory` is the one up to the last of them. Every worker follows the directory and
        writes the same.
        """
        protocols = [_protocol_values(one) for one in directory.protocols]
        async with self._connection.transaction():
            await self._writer.write(
                [
                    (DIRECTORY, [_directory_values(one) for one in records]),
                    (PROTOCOL, protocols),
                ]
            )

    async def _load_subjects(self, unknown: Collection[str], subjects: Subjects) -> None:
        cursor = await self._connection.execute(_SQL["load_subjects"], {"subjects": list(unknown)})
        found = {row[0]: fill(Loaded(is_new=False), row) for row in await cursor.fetchall()}
        for subject in unknown:
            subjects.put(subject, found.get(subject) or Loaded())

    async def load_histories(
        self, wanted: set[str], directories: Directories
    ) -> dict[str, list[HistoryEntry]]:
        """All that is written of these subjects."""
        if not wanted:
            return {}
        asked = {"subjects": list(wanted)}
        cursor = await self._connection.execute(_SQL["load_histories"], asked, binary=True)
        return histories_from(await cursor.fetchall(), wanted, directories)

    async def _commit(
        self,
        moves: Moves,
        changes: Changes,
        rows: Rows,
    ) -> None:
        copied = [(target, each) for target, each in rows if target.is_copied(each)]
        others = [(target, each) for target, each in rows if not target.is_copied(each)]
        # COPY cannot go through a pipeline. All else does, in as few journeys as there can be:
        # psycopg's transaction() would wait for BEGIN and before COMMIT.
        try:
            if copied:
                async with self._connection.pipeline():
                    await self._begin(moves, changes)
                await self._writer.write(copied)
                async with self._connection.pipeline():
                    await self._end(changes, others)
            else:
                async with self._connection.pipeline():
                    await self._begin(moves, changes)
                    await self._end(changes, others)
        except BaseException as error:
            with suppress(psycopg.Error):
                await self._connection.rollback()
            fenced_out = _fenced_out(error, moves)
            if fenced_out is not None:
                raise fenced_out from None
            raise

    async def _begin(self, moves: Moves, changes: Changes) -> None:
        await self._connection.execute("BEGIN")
        await self._advance(moves)
        await self._forget_rewritten(changes)

    async def _end(self, changes: Changes, rows: Rows) -> None:
        await self._writer.write(rows)
        await self._judge_anew(changes.verdicts)
        await self._connection.execute("COMMIT")

    async def _advance(self, moves: Moves) -> None:
        asked = [
            asdict(after) | {"epoch": before.epoch, "expected": before.next_offset}
            for before, after in moves
        ]
        given = {"moves": msgspec.json.encode(asked).decode()}
        await self._connection.execute(_SQL["advance_positions"], given)

    async def _forget_rewritten(self, changes: Changes) -> None:
        """Rows of a subject that gets a correction are written anew."""
        rewritten = {"subjects": list(changes.rewritten)}
        for table in TABLES if changes.rewritten else ():
            await self._connection.execute(row_tables.delete(table), rewritten)

    async def _judge_anew(self, verdicts: Sequence[NewVerdict]) -> None:
        """A correction may be about lines that are written together with it."""
        if verdicts:
            async with self._connection.cursor() as cursor:
                values = [_verdict_values(each) for each in verdicts]
                await cursor.executemany(_SQL["save_verdict"], values)


def _fenced_out(error: BaseException, moves: Moves) -> FencedOut | None:
    if not isinstance(error, psycopg.Error) or error.sqlstate != NOT_OURS:
        return None
    epochs = {before.partition: before.epoch for before, _ in moves}
    partition = int(error.diag.message_detail or -1)
    return FencedOut(partition, epochs[partition])


def subject_rows(changes: Changes) -> Rows:
    """What is to be written of subjects, by table."""
    added: RowsOf = defaultdict(list)
    changed: RowsOf = defaultdict(list)
    for written in changes.rows.values():
        _gather(written.added, added)
        _gather(written.changed, changed)
    new, known = _subject_values(changes)
    rows = [(HISTORY, [history_values(entry) for entry in changes.history])]
    for table in {**added, **changed}:
        rows += _apart(row_tables.target(table), added[table], changed[table])
    return rows + _apart(SUBJECT, new, known)


def _apart(target: Target, added: list[Any], changed: list[Any]) -> list[tuple[Target, list[Any]]]:
    """New rows and others: by COPY and by one statement if they are many, else by that alone."""
    addition = target.addition
    if addition.is_copied(added):
        return [(addition, added), (target, changed)]
    return [(target, added + changed)]


def _gather(rows: Mapping[RowKey, Row], by_table: RowsOf) -> None:
    for (table, _), row in rows.items():
        by_table[table].append(row)


def _subject_values(changes: Changes) -> tuple[list[Values], list[Values]]:
    """Of subjects that the store has no state of, and of the others."""
    new: list[Values] = []
    known: list[Values] = []
    for subject, loaded in changes.subjects.items():
        to = new if subject in changes.new_subjects else known
        to.append(subject_values(subject, loaded))
    return new, known


def histories_from(
    rows: Iterable[Sequence[Any]], subjects: Iterable[str], directories: Directories
) -> dict[str, list[HistoryEntry]]:
    """The history of each of the subjects, from rows of `load_histories`."""
    histories: dict[str, list[HistoryEntry]] = {subject: [] for subject in subjects}
    for row in rows:
        histories[row[0]].append(entry_from(row, directories))
    return histories


def fill(loaded: Loaded, row: Sequence[Any]) -> Loaded:
    """Take over what a row of `load_subjects` tells of a subject."""
    loaded.counts = Counts(*row[1:5])
    loaded.last_recorded_at = row[5]
    loaded.state = row_tables.state_from(row[0], row[6])
    return loaded


def subject_values(subject: str, loaded: Loaded) -> tuple[Any, ...]:
    """Values in the order of SUBJECT's columns."""
    counts = loaded.counts
    state = None if loaded.state is None else msgspec.json.encode(loaded.state).decode()
    return (
        subject,
        subject_kind(subject),
        counts.events,
        counts.irregular,
        counts.duplicate,
        counts.corrected,
        loaded.last_recorded_at,
        state,
    )


def _verdict_values(new: NewVerdict) -> tuple[Any, ...]:
    return (new.verdict, new.codes, new.subject, new.seq)


def quarantine_values(found: Quarantined) -> tuple[Any, ...]:
    """Values in the order of QUARANTINE's columns."""
    record = found.record
    return (
        record.partition,
        record.offset,
        found.recorded_at,
        found.reason,
        record.leaf(),
        found.claim.key_id,
        found.claim.agency,
        found.claim.type,
        record.key[:KIB] if record.key is not None else None,
        record.value[:KIB] if record.value is not None else None,
        len(record.value) if record.value is not None else None,
    )


def _protocol_values(published: PublishedProtocol) -> tuple[Any, ...]:
    protocol = published.protocol
    return (
        published.offset,
        protocol.version,
        published.effective_from,
        protocol.timezone.key,
        msgspec.json.encode(protocol.meeting_series).decode(),
    )


def _directory_values(record: RawRecord) -> tuple[Any, ...]:
    return (
        record.offset,
        record.timestamp_ms,
        record.timestamp_type,
        record.key,
        record.value,
        [name for name, _ in record.headers],
        [value for _, value in record.headers],
    )
