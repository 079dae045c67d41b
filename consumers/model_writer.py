"""Fold batches and write them, the next one being folded while the last one is written.

Owns the projector's connections to PostgreSQL, the positions as far as they were folded, and the
subjects held in memory. A write that fails voids everything folded after it: whoever catches the
error claims the partitions again and goes on from what is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import psycopg
import structlog

from projections.batch import Changes, add_unwritten, corrected_subjects, fold_batch
from projections.folds.subject import Directories
from projections.install import install
from projections.loaded import Subjects
from projections.store import Position, Quarantined, Store
from projections.waiting import PROJECTOR
from runut.adapters import postgres
from runut.directory import Directory
from runut.errors import Unreachable
from runut.event import Recorded
from runut.records import RawRecord
from runut.settings import Settings

log = structlog.get_logger(__name__)

RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses before PostgreSQL is tried again, growing until something could be written."""
STEP: Final = 64
"""Events folded without a pause: PostgreSQL must not wait for rows, nor Kafka for a heartbeat."""


class Batch:
    """The records of one poll as what they are, with the positions before and after them."""

    def __init__(self) -> None:
        self.moves: list[tuple[Position, Position]] = []
        self.recorded: list[Recorded] = []
        self.quarantined: list[Quarantined] = []


class Write(NamedTuple):
    """What is being written, and who does it."""

    changes: Changes
    task: asyncio.Task[None]


class ModelWriter:
    """The read models' writer. Not to be shared between tasks."""

    def __init__(self, settings: Settings) -> None:
        self.positions: dict[int, Position] = {}
        """Of the partitions claimed, where the next batch begins; written a moment later."""
        self._settings = settings
        self._subjects = Subjects()
        self._connections: list[postgres.Connection] = []
        self._loading: Store | None = None
        self._saving: Store | None = None
        self._write: Write | None = None
        self._failures = 0
        """How often PostgreSQL failed since something was written."""

    async def open(self) -> None:
        """Connect, and make the tables where they are not there."""
        loading, saving = await self._connect(), await self._connect()
        await install(loading, self._settings)
        # What a crash of PostgreSQL takes back, it takes back together with the position: the log
        # has it still, and it is projected again. Claims go over the other connection.
        await saving.execute("SET synchronous_commit = off")
        self._loading, self._saving = Store(loading), Store(saving)

    async def close(self) -> None:
        """Disconnect; what is being written is given up, the position with it."""
        if self._write is not None:
            self._write.task.cancel()
            await asyncio.wait([self._write.task])
            self._write = None
        for connection in self._connections:
            await connection.close()
        self._connections.clear()

    async def claim(self, partitions: Iterable[int]) -> list[Position]:
        """Take partitions over in a new epoch, for as long as it takes to reach PostgreSQL."""
        wanted = sorted(partitions)
        while True:
            try:
                claimed = await _opened(self._loading).claim(wanted)
                break
            except psycopg.OperationalError as error:
                await self._reopen(error)
        self._subjects.forget()
        self.positions.update(claimed)
        return list(claimed.values())

    async def release(self, partitions: Iterable[int]) -> None:
        """Finish what was folded and give partitions up.

        States belong to the epoch: the next owner may fold on before we see them again.
        """
        try:
            await self.settle()
        except psycopg.OperationalError as error:
            # Void, like all that is given up: whoever claims goes on from what is written.
            log.warning("database failed while partitions were given up", reason=_reason(error))
        for partition in partitions:
            self.positions.pop(partition, None)
        self._subjects.forget()

    async def save_directory(self, records: Sequence[RawRecord], directory: Directory) -> None:
        """Write directory records down for readers that reach no Kafka."""
        await _opened(self._loading).save_directory(records, directory)

    async def project(self, batch: Batch, directories: Directories) -> None:
        """Fold a batch, wait for the write of the one before, begin this one's.

        Raises:
            FencedOut: another worker owns one of the partitions now.
            psycopg.OperationalError: the database went away, or cannot write now.
        """
        changes = await self._fold(batch, directories)
        await self.settle()
        self._subjects.evict(changes.subjects)
        saved = _opened(self._saving).commit(batch.moves, changes, batch.quarantined)
        self._write = Write(changes, asyncio.create_task(saved))
        for _, after in batch.moves:
            self.positions[after.partition] = after

    async def settle(self) -> None:
        """Wait until what was folded is written. Raises as `project`."""
        if self._write is not None:
            write, self._write = self._write, None
            await write.task
            if self._failures:
                log.info("database writes again", failures=self._failures)
                self._failures = 0

    async def start_over(self, error: Exception) -> list[Position]:
        """The database failed: what was folded is void; claim again, go on from there."""
        await self._reopen(error)
        return await self.claim(self.positions)

    async def _fold(self, batch: Batch, directories: Directories) -> Changes:
        corrected = corrected_subjects(batch.recorded)
        if not corrected:
            return await self._fold_on(batch.recorded, directories)
        apart = [one for one in batch.recorded if one.event.subject in corrected]
        rest = [one for one in batch.recorded if one.event.subject not in corrected]
        changes = await self._fold_on(rest, directories)
        if self._write is not None and corrected & self._write.changes.rewritten:
            await self.settle()  # verdicts of what was written before are changed there
        histories = await _opened(self._loading).load(apart, self._subjects, directories)
        if self._write is not None:
            add_unwritten(histories, self._write.changes)
        return fold_batch(apart, self._subjects, histories, directories, changes)

    async def _fold_on(self, records: Sequence[Recorded], directories: Directories) -> Changes:
        """Fold records without corrections, while the batch before is written."""
        await _opened(self._loading).load(records, self._subjects, directories)
        changes = Changes()
        for at in range(0, len(records), STEP):
            fold_batch(records[at : at + STEP], self._subjects, {}, directories, changes)
            await asyncio.sleep(0)  # the write goes on, and the next batch is read
        return changes

    async def _connect(self) -> postgres.Connection:
        connection = await postgres.connect(self._settings, name=PROJECTOR, autocommit=True)
        self._connections.append(connection)
        return connection

    async def _reopen(self, error: Exception) -> None:
        """Wait for PostgreSQL, with growing pauses, for as long as it takes."""
        reason = _reason(error)
        while True:
            pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
            self._failures += 1
            log.warning("database fails, trying again", reason=reason, pause_s=pause_s)
            await self.close()
            await asyncio.sleep(pause_s)
            try:
                await self.open()
            except (Unreachable, psycopg.OperationalError) as again:
                reason = _reason(again)
            else:
                return


def _reason(error: Exception) -> str:
    return str(error).strip()


def _opened(store: Store | None) -> Store:
    if store is None:
        raise RuntimeError("the writer was not opened")
    return store
