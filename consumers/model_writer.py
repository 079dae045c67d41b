"""Fold what polls bring and write it, the next being folded while what was gathered is written.

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

from consumers.gathering import Batch, Gathered
from consumers.recognizing import STEP
from projections.folds.subject import Directories
from projections.history import add_unwritten
from projections.install import install
from projections.loaded import Subjects
from projections.store import Position, Store
from projections.waiting import PROJECTOR
from runut.adapters import postgres
from runut.directory import Directory
from runut.errors import Unreachable
from runut.event import Recorded
from runut.records import RawRecord
from runut.settings import Settings

log = structlog.get_logger(__name__)

RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
WRITTEN_WITHIN_S: Final = 600
"""A transaction; what takes longer was paused."""
HAS_TRANSACTION_TIMEOUT: Final = 170_000
DATABASE_FAILED: Final = (psycopg.OperationalError, psycopg.errors.TransactionTimeout)
"""Pauses before PostgreSQL is tried again, growing until something could be written."""


class Write(NamedTuple):
    """What is being written, and who does it."""

    gathered: Gathered
    task: asyncio.Task[None]


class ModelWriter:
    """The read models' writer. Not to be shared between tasks."""

    def __init__(self, settings: Settings, directories: Directories) -> None:
        self.positions: dict[int, Position] = {}
        """Of the partitions claimed, where the next poll begins; written a moment later."""
        self._settings = settings
        self._directories = directories
        self._subjects = Subjects()
        self._connections: list[postgres.Connection] = []
        self._loading: Store | None = None
        self._saving: Store | None = None
        self._gathered: Gathered | None = None
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
        if saving.info.server_version >= HAS_TRANSACTION_TIMEOUT:
            # A worker that is paused within a write keeps nobody else from its partitions for ever.
            await saving.execute(f"SET transaction_timeout = '{WRITTEN_WITHIN_S}s'")
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
            except DATABASE_FAILED as error:
                await self._reopen(error)
        self._gathered = None
        self._subjects.forget(whole={p for p, one in claimed.items() if one.next_offset == 0})
        self.positions.update(claimed)
        return list(claimed.values())

    async def release(self, partitions: Iterable[int]) -> None:
        """Finish what was folded and give partitions up.

        States belong to the epoch: the next owner may fold on before we see them again.
        """
        try:
            await self.write()
            await self._settle()
        except DATABASE_FAILED as error:
            # Void, like all that is given up: whoever claims goes on from what is written.
            log.warning("database failed while partitions were given up", reason=_reason(error))
        for partition in partitions:
            self.positions.pop(partition, None)
        self._subjects.forget()

    async def save_directory(self, records: Sequence[RawRecord], directory: Directory) -> None:
        """Write directory records down for readers that reach no Kafka."""
        await _opened(self._loading).save_directory(records, directory)

    @property
    def gathered(self) -> int:
        """How many records were gathered and are not being written yet."""
        return len(self._gathered or ())

    async def gather(self, batch: Batch) -> None:
        """Fold what a poll brought, as far as it need not wait."""
        if self._gathered is None:
            self._gathered = Gathered(self._subjects, await _opened(self._saving).lines())
        await self._fold(self._gathered, self._gathered.take(batch))
        for _, after in batch.moves:
            self.positions[after.partition] = after

    async def write(self) -> None:
        """Fold the rest, wait for the write of what was gathered before, begin this one's.

        Raises:
            FencedOut: another worker owns one of the partitions now.
            psycopg.OperationalError: the database went away, or cannot write now.
        """
        gathered, self._gathered = self._gathered, None
        if gathered is None:
            await self._settle()
            return
        await self._fold_waiting(gathered)
        await self._settle()
        self._subjects.evict(gathered.changes.subjects)
        saved = _opened(self._saving).commit(
            gathered.moves, gathered.changes, gathered.quarantined, gathered.lines
        )
        self._write = Write(gathered, asyncio.create_task(saved))

    async def _settle(self) -> None:
        """Wait until what was gathered before is written. Raises as `write`."""
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

    async def _fold_waiting(self, gathered: Gathered) -> None:
        store, subjects, directories = _opened(self._loading), self._subjects, self._directories
        corrected = gathered.corrected
        rest = [one for one in gathered.waiting if one.event.subject not in corrected]
        await store.load(rest, subjects, directories)
        await self._fold(gathered, rest)
        if not corrected:
            return
        if self._write is not None and corrected & self._write.gathered.changes.rewritten:
            await self._settle()  # verdicts of what was written before are changed there
        histories = await store.load_histories(corrected, directories)
        if self._write is not None:
            add_unwritten(histories, self._write.gathered.lines, directories)
        add_unwritten(histories, gathered.lines, directories)
        gathered.fold_whole(histories, directories)

    async def _fold(self, gathered: Gathered, events: Sequence[Recorded]) -> None:
        for at in range(0, len(events), STEP):
            gathered.fold(events[at : at + STEP], self._directories)
            await asyncio.sleep(0)  # the write goes on, and more is fetched

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
            except (Unreachable, *DATABASE_FAILED) as again:
                reason = _reason(again)
            else:
                return


def _reason(error: Exception) -> str:
    return str(error).strip()


def _opened(store: Store | None) -> Store:
    if store is None:
        raise RuntimeError("the writer was not opened")
    return store
