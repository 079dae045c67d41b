"""Load what folding needs and write what it gave, in one fenced transaction.

Owns the projector's side of PostgreSQL. Every write moves the positions first, and only where this
worker's epoch still stands (architecture.md, decision 3): two workers that own one partition for a
moment cannot both write.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from projections import row_tables
from projections.batch import (
    Changes,
    HistoryEntry,
    corrected_subjects,
    missing_needs,
)
from projections.folds.folding import Needs, RowKey
from projections.folds.rows import (
    TABLES,
    Assistance,
    Commitment,
    DepositDraw,
    Row,
    Sanction,
    Transfer,
)
from projections.folds.subject import Directories
from projections.history import HISTORY, entry_from, history_values
from projections.loaded import Counts, Loaded, Subjects
from projections.queries import queries
from projections.writing import Target, Values, Writer
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
    ("partition", "offset", "recorded_at", "reason", "leaf_hash", "key", "value"),
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
PENDING_TABLES: Final[tuple[type[Row], ...]] = (
    *(Commitment, Assistance, Transfer),
    *(Sanction, DepositDraw),
)
KIB: Final = 1024

_SQL: Final = queries("projector")


class Position(msgspec.Struct, frozen=True):
    """Up to where a partition is projected, and in which epoch of ownership."""

    partition: int
    epoch: int
    next_offset: int
    leaf_hash: bytes | None
    recorded_at: datetime | None
    directory_offset: int


class Quarantined(msgspec.Struct, frozen=True):
    """A record that is no event, and why."""

    record: RawRecord
    recorded_at: datetime
    reason: str


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
        """Make ready to fold: subjects and rows into `subjects`; gives corrected histories."""
        async with self._connection.transaction():
            await self._load_subjects({r.event.subject for r in records}, subjects)
            corrected = corrected_subjects(records)
            rest = [r for r in records if r.event.subject not in corrected]
            await self._load_contents(rest, subjects)
            await self._load_rows(rest, subjects)
            return await self._load_histories(corrected, directories)

    def commit(
        self,
        moves: Sequence[tuple[Position, Position]],
        changes: Changes,
        quarantined: Sequence[Quarantined],
    ) -> Coroutine[None, None, None]:
        """Write a batch: everything or nothing.

        `moves` are each partition's position before and after. What is written is taken from
        `changes` when this is called: folding may move the subjects on before it is awaited.

        Raises:
            FencedOut: another worker owns one of the partitions now.
        """
        rows: list[tuple[Target, Sequence[Values]]] = [
            (HISTORY, [history_values(entry) for entry in changes.history]),
            *_rows_by_table(changes.rows),
            (SUBJECT, [_subject_values(*each) for each in changes.subjects.items()]),
            (QUARANTINE, [_quarantine_values(each) for each in quarantined]),
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

    async def _load_subjects(self, wanted: set[str], subjects: Subjects) -> None:
        missing = [subject for subject in wanted if subject not in subjects]
        if not missing:
            return
        cursor = await self._connection.execute(_SQL["load_subjects"], {"subjects": missing})
        found = {row[0]: _loaded(row) for row in await cursor.fetchall()}
        for subject in missing:
            subjects.put(subject, found.get(subject) or Loaded())

    async def _load_contents(self, records: Sequence[Recorded], subjects: Subjects) -> None:
        wanted: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for recorded in records:
            event = recorded.event
            loaded = subjects.get(event.subject)
            identity: tuple[str, str] = (event.agency, event.event_id)
            if not loaded.is_new and identity not in loaded.contents:
                wanted.setdefault((event.subject, event.event_id), []).append(identity)
        if not wanted:
            return
        asked = {"subjects": [k[0] for k in wanted], "event_ids": [k[1] for k in wanted]}
        for (subject, _), identities in wanted.items():
            for identity in identities:
                subjects.get(subject).contents[identity] = None
        cursor = await self._connection.execute(_SQL["load_contents"], asked)
        for subject, agency, event_id, content in await cursor.fetchall():
            subjects.get(subject).contents[agency, event_id] = content

    async def _load_rows(self, records: Sequence[Recorded], subjects: Subjects) -> None:
        wanted = _Wanted(missing_needs(records, subjects))
        for table, keys in wanted.keys.items():
            await self._learn(table, "by_key", _pairs(keys), subjects)
            for subject, ident in keys:
                subjects.get(subject).rows.setdefault((table, ident), None)
        if wanted.sources:
            await self._learn(Commitment, "by_source", _pairs(wanted.sources), subjects)
            for subject, source in wanted.sources:
                subjects.get(subject).sources.add(source)
        if wanted.unsettled:
            for table in PENDING_TABLES:
                await self._learn(table, "unsettled", {"subjects": wanted.unsettled}, subjects)
            for subject in wanted.unsettled:
                subjects.get(subject).has_unsettled = True

    async def _learn(
        self, table: type[Row], condition: str, asked: dict[str, Any], subjects: Subjects
    ) -> None:
        cursor = await self._connection.execute(row_tables.select(table, condition), asked)
        for found in await cursor.fetchall():
            row = row_tables.from_values(table, found)
            subjects.get(row.subject).learn(row)

    async def _load_histories(
        self, wanted: set[str], directories: Directories
    ) -> dict[str, list[HistoryEntry]]:
        if not wanted:
            return {}
        histories: dict[str, list[HistoryEntry]] = {subject: [] for subject in wanted}
        cursor = await self._connection.execute(_SQL["load_histories"], {"subjects": list(wanted)})
        for row in await cursor.fetchall():
            histories[row[0]].append(entry_from(row, directories))
        return histories

    async def _commit(
        self,
        moves: Sequence[tuple[Position, Position]],
        changes: Changes,
        rows: Sequence[tuple[Target, Sequence[Values]]],
    ) -> None:
        async with self._connection.transaction():
            await self._advance(moves)
            await self._forget_rewritten(changes)
            await self._writer.write(rows)

    async def _advance(self, moves: Sequence[tuple[Position, Position]]) -> None:
        before = [move[0] for move in moves]
        after = [move[1] for move in moves]
        cursor = await self._connection.execute(
            _SQL["advance_positions"],
            {
                "partitions": [p.partition for p in before],
                "epochs": [p.epoch for p in before],
                "expected": [p.next_offset for p in before],
                "next_offsets": [p.next_offset for p in after],
                "leaf_hashes": [p.leaf_hash for p in after],
                "recorded_ats": [p.recorded_at for p in after],
                "directory_offsets": [p.directory_offset for p in after],
            },
        )
        moved = {row[0] for row in await cursor.fetchall()}
        for position in before:
            if position.partition not in moved:
                raise FencedOut(position.partition, position.epoch)

    async def _forget_rewritten(self, changes: Changes) -> None:
        """What a correction changes is judged and written anew."""
        if not changes.rewritten:
            return
        rewritten = {"subjects": list(changes.rewritten)}
        async with self._connection.pipeline(), self._connection.cursor() as cursor:
            for table in TABLES:
                await cursor.execute(row_tables.delete(table), rewritten)
            if changes.verdicts:
                verdicts = [_verdict_values(each) for each in changes.verdicts]
                await cursor.executemany(_SQL["save_verdict"], verdicts)


class _Wanted:
    """What a batch needs, gathered over its subjects: one query a table."""

    def __init__(self, missing: dict[str, list[Needs]]) -> None:
        self.keys: dict[type[Row], set[tuple[str, str]]] = {}
        self.sources: set[tuple[str, str]] = set()
        self.unsettled = [
            name for name, needs in missing.items() if any(n.unsettled for n in needs)
        ]
        for subject, several in missing.items():
            for needs in several:
                for table, ident in needs.keys:
                    self.keys.setdefault(table, set()).add((subject, str(ident)))
                self.sources.update((subject, source) for source in needs.sources)


def _rows_by_table(
    rows: Mapping[str, Mapping[RowKey, Row]],
) -> list[tuple[Target, Sequence[Values]]]:
    by_table: dict[type[Row], list[Values]] = {}
    for of_subject in rows.values():
        for (table, _), row in of_subject.items():
            by_table.setdefault(table, []).append(astuple(row))
    return [(row_tables.target(table), found) for table, found in by_table.items()]


def _pairs(wanted: set[tuple[str, str]]) -> dict[str, list[str]]:
    ordered = sorted(wanted)
    return {"subjects": [pair[0] for pair in ordered], "idents": [pair[1] for pair in ordered]}


def _loaded(row: Sequence[Any]) -> Loaded:
    loaded = Loaded()
    loaded.is_new = False
    loaded.counts = Counts(*row[1:5])
    loaded.last_recorded_at = row[5]
    loaded.state = row_tables.state_from(row[0], row[6])
    return loaded


def _subject_values(subject: str, loaded: Loaded) -> tuple[Any, ...]:
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


def _verdict_values(new: Any) -> tuple[Any, ...]:
    return (new.verdict, new.codes, new.subject, new.seq)


def _quarantine_values(found: Quarantined) -> tuple[Any, ...]:
    record = found.record
    return (
        record.partition,
        record.offset,
        found.recorded_at,
        found.reason,
        record.leaf(),
        record.key[:KIB] if record.key is not None else None,
        record.value[:KIB] if record.value is not None else None,
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
