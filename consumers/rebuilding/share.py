"""Load shares of the log into tables without indexes: every row once, nothing read back.

Owns what is in memory of a share: all of its subjects, and the events of those that get a
correction (docs/decisions/0230, 0288). A share is one transaction.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from msgspec.structs import astuple

from consumers.rebuilding.corrections import corrected_subjects
from consumers.rebuilding.write_behind import WriteBehind
from consumers.recognizing import AT_ONCE, STEP, recognize
from projections import row_tables
from projections.batch import Changes, HistoryEntry, fold_batch
from projections.folds.fold import CORRECTION
from projections.folds.rows import Row
from projections.history import HISTORY, history_values
from projections.loaded import Loaded, Subjects
from projections.rebuilding import Share, add_position, share_done, take_share
from projections.seals.checked import SealedBatches
from projections.store import QUARANTINE, SUBJECT, Quarantined, quarantine_values, subject_values
from projections.writing import CopyRows, Values, Writer
from runut.adapters import kafka, postgres
from runut.adapters.postgres import Connection
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.records import RawRecord
from runut.settings import Settings

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
        postgres.connected(made, name=REBUILDER, autocommit=True) as asking,
    ):
        # What a crash of PostgreSQL takes back, it takes back together with the share's mark.
        await connection.execute("SET synchronous_commit = off")
        loader = Loader(connection, asking, made, follower.log, passed)
        while await loader.load_next():
            gc.collect()


class Loader:
    """Loads shares over one connection, and asks the sealer's leaves over another meanwhile."""

    def __init__(
        self,
        connection: Connection,
        asking: Connection,
        made: Settings,
        directories: DirectoryLog,
        passed: Passed,
    ) -> None:
        self._connection = connection
        self._made = made
        self._directories = directories
        self._passed = passed
        self._verified = SealedBatches(asking)

    async def load_next(self) -> bool:
        """Load a share that nobody else is at; False if there is none."""
        async with self._connection.transaction():
            share = await take_share(self._connection)
            if share is None:
                return False
            try:
                await self._load(share)
            except UnforeseenCorrection as error:
                self._passed(-error.records)
                await self._load(share._replace(foreseen_to=0))
            await share_done(self._connection, share)
        return True

    async def _load(self, share: Share) -> None:
        made, directories = self._made, self._directories
        corrected = await corrected_subjects(self._connection, made, directories, share)
        # What the sealer verified was of the schema that an id stood for then.
        if not (share.is_verifying or directories.latest.has_reused_schema_id):
            await self._verified.find(made, share.partition)
        async with self._connection.transaction():
            loading = Loading(self._connection, made, directories, share, corrected)
            await loading.load(self._verified, self._passed)


class UnforeseenCorrection(Exception):
    """A subject gets a correction, and it was not known that it would."""

    def __init__(self, records: int) -> None:
        """After so many records of the share."""
        super().__init__()
        self.records = records


class Read:
    """What some records hold of a share."""

    def __init__(self) -> None:
        self.ours = 0
        """Records, those among them that are no events."""
        self.events: list[Recorded] = []
        self.quarantined: list[Quarantined] = []


class Loading:
    """One share while it is loaded."""

    def __init__(
        self,
        connection: Connection,
        made: Settings,
        directories: DirectoryLog,
        share: Share,
        corrected: Iterable[str],
    ) -> None:
        """Take the subjects that get a correction."""
        self._connection = connection
        self._writer = Writer(connection)
        self._made = made
        self._directories = directories
        self._share = share
        self._subjects = Subjects()
        """None of them is ever forgotten."""
        self._folded: dict[str, Loaded] = {}
        self._corrected: dict[str, list[Recorded]] = {subject: [] for subject in corrected}
        self._passed = 0

    async def load(self, verified: SealedBatches, passed: Passed) -> None:
        """Read the partition and write the share's rows.

        Raises:
            UnforeseenCorrection: of a subject that is not among those that were given.
        """
        reader = PartitionReader(self._share.partition, self._directories, verified=verified)
        last: RawRecord | None = None
        async with WriteBehind() as behind:
            async for records in self._records():
                await verified.read(records[0].offset, records[-1].offset)
                lines, quarantined = await self._writer.copy_rows(HISTORY), []
                for at in range(0, len(records), AT_ONCE):
                    read = await self._read(reader, records[at : at + AT_ONCE])
                    await self._fold_on(read.events, lines)
                    quarantined += read.quarantined
                    self._passed += read.ours
                    passed(read.ours)
                await behind.begin(self._write(lines, quarantined))
                last = records[-1]
        await self._write_corrected()
        await self._write_subjects()
        if self._share.slice == 0:
            # A log may end with offsets that hold no record: the last one is where a worker stands.
            read_to = (last.offset + 1, last.leaf()) if last is not None else (0, None)
            at_end = (*read_to, reader.recorded_at, reader.directory_offset)
            await add_position(self._connection, self._share, at_end)

    async def _read(self, reader: PartitionReader, records: list[RawRecord]) -> Read:
        """What of some records is ours; those of subjects with a correction are put aside."""
        read, events = Read(), list[Recorded]()
        read.ours = len(records)
        await asyncio.sleep(0)  # what was folded before is written
        are_ours = self._share.slices == 1
        for record in reader.read_on(records, events) if are_ours else records:
            is_ours = self._share.has(record.key)
            read.ours -= not is_ours
            if not is_ours and reader.announces(record) is None:
                reader.pass_by(record)
                continue
            match recognize(reader, record, self._directories):
                case Recorded() as recorded:
                    events.append(recorded)
                case Quarantined() as found if is_ours:
                    read.quarantined.append(found)
        for one in events:
            self._corrected.get(one.event.subject, read.events).append(one)
        if any(one.event.type == CORRECTION for one in read.events):
            raise UnforeseenCorrection(self._passed)
        return read

    async def _fold_on(self, events: Sequence[Recorded], lines: CopyRows) -> None:
        """Fold, while what was folded before is written."""
        for at in range(0, len(events), STEP):
            changes = Changes()
            self._fold(events[at : at + STEP], {}, changes)
            self._folded.update(changes.subjects)
            lines.add([history_values(entry) for entry in changes.history])
            await asyncio.sleep(0)

    def _fold(
        self,
        events: Sequence[Recorded],
        histories: Mapping[str, Sequence[HistoryEntry]],
        changes: Changes,
    ) -> None:
        for event in events:
            subject = event.event.subject
            if subject not in self._subjects:
                self._subjects.put(subject, Loaded())
        fold_batch(events, self._subjects, histories, self._directories.at, changes)

    async def _write_corrected(self) -> None:
        """Subjects that got a correction, each folded whole."""
        found = {subject: () for subject, events in self._corrected.items() if events}
        events = list(chain.from_iterable(self._corrected.values()))
        changes = Changes()
        self._fold(events, found, changes)
        self._folded.update(changes.subjects)
        await self._write([history_values(entry) for entry in changes.history])

    async def _write(
        self, lines: Sequence[Values], quarantined: Iterable[Quarantined] = ()
    ) -> None:
        await self._writer.load(HISTORY, lines)
        await self._writer.load(QUARANTINE, [quarantine_values(one) for one in quarantined])

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

    def _records(self) -> kafka.Records:
        topic, share = self._made.events_topic, self._share
        return kafka.records_of(self._made, topic, share.partition, share.end)
