"""What reading needs: connections, the directory, the clock, and what crosses rooms.

Owns one reading: a snapshot of the tables for somebody, from which an answer and its headers are
made. Cannot write: that a guarded event was read, `record_reads` writes down, which is passed in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any, Final, NamedTuple

from dashboard.lately import Lately
from dashboard.pasts import Pasts
from dashboard.room import Room
from projections.batch import HistoryEntry
from projections.known import Known
from projections.listing import Moment
from projections.present import Present, Seen
from projections.read_record import GuardedRead
from projections.reading import expecting_tables, positions_and_directory, snapshot
from projections.rights import Sight
from projections.telling import guarded
from projections.versions import Origin
from runut.access import Principal
from runut.adapters.postgres import Connection, Lend
from runut.directory_log import DirectoryLog
from runut.errors import Forbidden
from runut.event import Recorded

PresentState = Callable[[Seen], Awaitable[Present | None]]
RecordReads = Callable[[Sequence[GuardedRead]], Awaitable[None]]
LatestCheckpoint = Callable[[], Awaitable[str | None]]
Demand = Callable[[Sequence[Recorded]], Awaitable[None]]
"""Refuses, by raising, what holds these events."""
Export = Callable[[str, Demand], Awaitable[bytes]]
"""From a subject to its bundle, if what it is to hold is not refused."""

PAST_AT_ONCE: Final = 2
"""Questions about the past, which may have to be made of many subjects' histories."""
DOWNLOADS_AT_ONCE: Final = 4
"""Each keeps a connection as long as it takes."""


class Asker(NamedTuple):
    """Who asks, how far they see, and what was asked."""

    who: Principal
    sight: Sight
    route: str

    @property
    def known_as(self) -> tuple[str, Sight]:
        """Whose an answer is: who reads what is guarded is written down for each of them."""
        return self.who.name, self.sight


async def nobody_seals() -> str | None:
    """Of ledgers without checkpoints."""
    return None


class Reads:
    """Where all answers come from."""

    def __init__(
        self,
        lend: Lend,
        lend_past: Lend,
        views_schema: str,
        *,
        now: Callable[[], datetime],
        present: PresentState,
        record_reads: RecordReads,
        export: Export,
        latest_checkpoint: LatestCheckpoint = nobody_seals,
    ) -> None:
        """Take what crosses rooms.

        Args:
            lend: lends connections of the read models with autocommit, best ones that only read.
            lend_past: makes such ones to be filled with tables of a past moment, and closed.
            views_schema: where the stable views are.
            now: the clock.
            present: what a subject is now; None where it may not be seen, or is not there.
            record_reads: writes down who read what is guarded; returns when it is written.
            export: makes bundles.
            latest_checkpoint: the latest checkpoint, as answers name it.
        """
        self.views_schema = views_schema
        self.now = now
        self.present = present
        self.record_reads = record_reads
        self.export = export
        self.downloads = Room("downloads", DOWNLOADS_AT_ONCE)
        self.past = Room("questions about the past", PAST_AT_ONCE)
        self.pasts = Pasts(lend_past)
        self.lately = Lately()
        self._lend = lend
        self.latest_checkpoint = latest_checkpoint
        self._log = DirectoryLog()

    @asynccontextmanager
    async def open_at(self, asker: Asker, as_of: datetime | None) -> AsyncIterator[Reading]:
        """The same as of a past moment, with the tables of then; of now with none but the present.

        Raises:
            Busy: too many ask about the past.
        """
        if as_of is None:
            async with self.open(asker) as reading:
                yield reading
            return
        async with self.past.taken(), self.open(asker, as_of) as reading:
            at = self.pasts.at(reading.connection, as_of, reading.moment.log)
            async with at as then:
                yield reading._replace(then=then)

    @asynccontextmanager
    async def open(
        self, asker: Asker, as_of: datetime | None = None, *, alone: bool = True
    ) -> AsyncIterator[Reading]:
        """A reading, from one snapshot; without `alone` the connection is in no transaction.

        Raises:
            PlatformError: the read models were never made.
        """
        checkpoint = await self.latest_checkpoint()
        async with self._lend() as connection:
            with expecting_tables():
                async with snapshot(connection) if alone else nullcontext():
                    yield await self._reading(connection, asker, as_of, checkpoint)

    async def _reading(
        self,
        connection: Connection,
        asker: Asker,
        as_of: datetime | None,
        checkpoint: str | None,
    ) -> Reading:
        positions, log = await positions_and_directory(connection, self._log)
        moment = Moment(self.now(), as_of, asker.sight, log)
        return Reading(self, connection, asker, moment, Origin(positions, checkpoint))


class Reading(NamedTuple):
    """The tables at one moment, for somebody."""

    reads: Reads
    connection: Connection
    asker: Asker
    moment: Moment
    origin: Origin
    then: Known | None = None
    """The tables as they were, where a past moment was asked for with them."""

    @property
    def tables_then(self) -> Connection | None:
        """Those; rights are always those of the present `connection`."""
        return self.then.connection if self.then else None

    @property
    def tables(self) -> Connection:
        """Of the moment that is asked for."""
        return self.tables_then or self.connection

    async def told(self, document: Any, subjects: Collection[str]) -> Any:
        """A document about some subjects without what may not be told to who asks.

        What is guarded and told is written down first.
        """
        sight, moment = self.asker.sight, self.moment
        is_past = moment.as_of is not None
        found = await guarded(self.connection, subjects, sight, moment.log, is_past=is_past)
        if not found:
            return document
        read: list[HistoryEntry] = []
        shown = found.words.withheld_from(document, read)
        await self.record([one.recorded for one in read])
        return shown

    async def record(self, read: Sequence[Recorded]) -> None:
        """Write down that these guarded events are about to be shown."""
        events = {(one.partition, one.offset): one.event for one in read}
        if not events:
            return
        who = self.asker.who
        await self.reads.record_reads(
            [
                GuardedRead(
                    read_at=self.moment.now,
                    reader=who.name,
                    agency=who.agency,
                    subject=event.subject,
                    event_id=event.event_id,
                    security=event.meta["security"],
                    route=self.asker.route,
                )
                for event in events.values()
            ]
        )


def sight_of(who: Principal) -> Sight:
    """How far somebody sees by their roles.

    Raises:
        Forbidden: a reader of no agency, who would see nothing.
    """
    sees_all = not who.roles.isdisjoint({"AUDITOR", "OPERATOR"})
    if not sees_all and who.agency is None:
        raise Forbidden(f"what {who.name} asks for", "an agency whose reader it is")
    return Sight(who.agency, sees_all=sees_all, is_auditor="AUDITOR" in who.roles)
