"""Load shares of the log into tables without indexes: every row once, nothing read back.

Owns what is in memory of a share: all of its subjects, and the events of those that get a
correction (docs/decisions/0230). A share is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final
from zlib import crc32

from msgspec.structs import astuple

from consumers.recognizing import recognize
from projections import row_tables
from projections.batch import HistoryEntry, fold_batch
from projections.folds.fold import CORRECTION
from projections.folds.rows import Row
from projections.history import HISTORY, history_values
from projections.loaded import Loaded, Subjects
from projections.rebuilding import Share, add_position, share_done, take_share
from projections.store import QUARANTINE, SUBJECT, Quarantined, quarantine_values, subject_values
from projections.writing import Values, Writer
from runut import codec
from runut.adapters import kafka, postgres
from runut.adapters.postgres import Connection
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import BadInput
from runut.event import Recorded
from runut.log_reader import PartitionReader, event_type_of
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import VerifiedBatches

REBUILDER: Final = "runut rebuild"
"""Name of a rebuild's connections."""

Passed = Callable[[int], None]
"""Told how many records were loaded since it was told last."""


async def load_shares(made: Settings, passed: Passed) -> None:
    """Load one share after the other, until there is none that nobody else is at.

    Raises:
        LedgerMismatch: the log is shorter than planned, or needs a newer release.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    async with (
        DirectoryFollower(made) as follower,
        postgres.connected(made, name=REBUILDER, autocommit=True) as connection,
    ):
        # What a crash of PostgreSQL takes back, it takes back together with the share's mark.
        await connection.execute("SET synchronous_commit = off")
        verified = VerifiedBatches()
        while True:
            async with connection.transaction():
                share = await take_share(connection)
                if share is None:
                    return
                loading = Loading(connection, made, follower.log, share)
                await loading.load(verified, passed)
                await share_done(connection, share)


class Loading:
    """One share while it is loaded."""

    def __init__(
        self, connection: Connection, made: Settings, directories: DirectoryLog, share: Share
    ) -> None:
        self._connection = connection
        self._writer = Writer(connection)
        self._made = made
        self._directories = directories
        self._share = share
        self._subjects = Subjects()
        """None of them is ever forgotten."""
        self._folded: dict[str, Loaded] = {}
        self._corrected: dict[str, list[Recorded]] = {}

    async def load(self, verified: VerifiedBatches, passed: Passed) -> None:
        """Read the partition and write the share's rows."""
        for key in await self._corrected_keys():
            self._corrected[key.decode(errors="replace")] = []
        reader = PartitionReader(self._share.partition, self._directories, verified=verified)
        last: RawRecord | None = None
        async for records in self._records():
            passed(await self._load(reader, records))
            last = records[-1]
        await self._write_corrected()
        await self._write_subjects()
        if self._share.slice == 0:
            leaf = last.leaf() if last is not None else None
            at_end = (leaf, reader.recorded_at, reader.directory_offset)
            await add_position(self._connection, self._share, at_end)

    async def _load(self, reader: PartitionReader, records: Sequence[RawRecord]) -> int:
        """Fold some records and add their lines to the history; gives how many are ours."""
        events: list[Recorded] = []
        quarantined: list[Quarantined] = []
        ours = 0
        for record in records:
            is_ours = self._is_ours(record.key)
            ours += is_ours
            if not is_ours and reader.announces(record) is None:
                reader.pass_by(record)
                continue
            match recognize(reader, record, self._directories):
                case Recorded() as recorded if recorded.event.subject in self._corrected:
                    self._corrected[recorded.event.subject].append(recorded)
                case Recorded() as recorded:
                    events.append(recorded)
                case Quarantined() as found if is_ours:
                    quarantined.append(found)
        await self._write(self._fold(events, {}))
        await self._writer.load(QUARANTINE, [quarantine_values(one) for one in quarantined])
        return ours

    def _fold(
        self, events: Sequence[Recorded], histories: Mapping[str, Sequence[HistoryEntry]]
    ) -> list[HistoryEntry]:
        for event in events:
            subject = event.event.subject
            if subject not in self._subjects:
                self._subjects.put(subject, Loaded())
        changes = fold_batch(events, self._subjects, histories, self._directories.at)
        self._folded.update(changes.subjects)
        return changes.history

    async def _write_corrected(self) -> None:
        """Subjects that got a correction, each folded whole."""
        for subject, events in self._corrected.items():
            if events:
                await self._write(self._fold(events, {subject: ()}))

    async def _write(self, entries: Iterable[HistoryEntry]) -> None:
        await self._writer.load(HISTORY, [history_values(entry) for entry in entries])

    async def _write_subjects(self) -> None:
        values = [subject_values(*each) for each in self._folded.items()]
        await self._writer.load(SUBJECT, values)
        by_table: dict[type[Row], list[Values]] = {}
        for row in self._rows():
            by_table.setdefault(type(row), []).append(astuple(row))
        for table, rows in by_table.items():
            await self._writer.load(row_tables.target(table), rows)

    def _rows(self) -> Iterator[Row]:
        for loaded in self._folded.values():
            yield from (row for row in loaded.rows.values() if row is not None)

    async def _corrected_keys(self) -> set[bytes]:
        """Keys of the share with a record that may be a correction, by its schema id."""
        corrections: dict[bytes, bool] = {}
        found: set[bytes] = set()
        async for records in self._records():
            for record in records:
                head = (record.value or b"")[: codec.FRAME_SIZE]
                if head not in corrections:
                    corrections[head] = self._is_correction(head)
                if corrections[head] and record.key is not None and self._is_ours(record.key):
                    found.add(record.key)
        return found

    def _is_correction(self, head: bytes) -> bool:
        try:
            schema_id, _ = codec.unframe(head)
            return event_type_of(self._directories.latest, schema_id).name == CORRECTION
        except BadInput:
            return False

    def _is_ours(self, key: bytes | None) -> bool:
        share = self._share
        return share.slices == 1 or crc32(key or b"") % share.slices == share.slice

    def _records(self) -> kafka.Records:
        topic, share = self._made.events_topic, self._share
        return kafka.records_of(self._made, topic, share.partition, share.end)
