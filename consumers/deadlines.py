"""Say what follows when a limit has passed: breaches, lapses, escalations; remind before it.

Owns the leader's round: find the horizon, ask what is due before it, emit, begin anew. Nothing is
remembered between rounds but what the log refused: what is to be done follows from the log alone,
so a worker may be killed at any moment and another goes on (docs/reference/deadlines.md). Knows no
rule of the protocol: those are the folds'.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import psycopg
import structlog

from consumers.deadline_events import AFTER, DeadlineEvents
from consumers.horizon import Horizon
from consumers.leadership import leading
from consumers.reminders import remind
from projections.due import already_recorded, announced, due_at
from projections.reading import snapshot
from runut.adapters import kafka
from runut.adapters.postgres import Connection
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.directory_writer import SYSTEM
from runut.errors import MissingKey, NotRecorded, Unreachable
from runut.event import Event
from runut.keystore import KeyStore
from runut.outgoing import usable_key
from runut.producer import Producer
from runut.settings import Settings

log = structlog.get_logger(__name__)

AT_ONCE: Final = 500
"""Events of one round at most: the next one begins when these are projected."""
DELIVERY_TIMEOUT_S: Final = 30.0
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses before another try, growing until a round came to its end."""
KEY_PAUSE_S: Final = 60.0
"""A key comes by hand; until then another worker may have one."""


class Deadlines:
    """The service: leads when nobody else does, and works in rounds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failures = 0

    async def run(self) -> None:
        """Work until cancelled; while Kafka, PostgreSQL or the ledger's key is away, wait for it.

        Raises:
            LedgerMismatch: no ledger is founded there, or the tables are another release's.
        """
        while True:
            try:
                await self._lead()
            except (psycopg.OperationalError, Unreachable, NotRecorded) as error:
                pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
                self._failures += 1
                await _pause(error, pause_s)
            except MissingKey as error:
                await _pause(error, KEY_PAUSE_S)

    async def _lead(self) -> None:
        async with (
            leading(self._settings, "deadlines") as connection,
            rounds(self._settings, connection) as term,
        ):
            log.info("leads the deadlines")
            while True:
                was_due = await term.round()
                self._failures = 0
                if not was_due:
                    await asyncio.sleep(self._settings.deadline_tick_s)


async def _pause(error: Exception, pause_s: float) -> None:
    log.warning("deadlines wait, trying again", reason=str(error).strip(), pause_s=pause_s)
    await asyncio.sleep(pause_s)


@asynccontextmanager
async def rounds(settings: Settings, connection: Connection) -> AsyncIterator[Rounds]:
    """Everything that the leader works with, connected.

    Raises:
        Unreachable: Kafka does not answer.
        LedgerMismatch: no ledger is founded there.
        MissingKey: the ledger's own key is not here, so somebody else is to lead.
    """
    follower, consumer = DirectoryFollower(settings), kafka.consumer(settings)
    async with (
        follower,
        kafka.connected(settings, consumer),
        Producer(settings, delivery_timeout_s=DELIVERY_TIMEOUT_S) as producer,
    ):
        directory, keys = follower.log.latest, KeyStore(settings.keys)
        if usable_key(keys, directory, SYSTEM) is None:
            raise MissingKey(SYSTEM, keys.path)
        horizon = Horizon(settings, founded(directory.ledger), connection, consumer)
        yield Rounds(connection, follower, producer, horizon)


class Rounds:
    """One leader's rounds, over the connection that makes it the leader."""

    def __init__(
        self,
        connection: Connection,
        follower: DirectoryFollower,
        producer: Producer,
        horizon: Horizon,
    ) -> None:
        self._connection = connection
        self._follower = follower
        self._producer = producer
        self._horizon = horizon
        self._sent: frozenset[str] = frozenset()
        """Ids of the last round: they are projected when the next one looks."""
        self._refused: set[str] = set()
        """Ids that the log holds without the effect that they should have had."""
        self._idle = 0
        """How much of what is due nothing can be done about: it must not hide the rest."""

    async def round(self) -> bool:
        """Do what is due, or the earliest of it; False if nothing was.

        Raises:
            psycopg.OperationalError: PostgreSQL went away, and with it the lead.
            Unreachable, NotRecorded: Kafka does not answer, or refuses.
        """
        known = await self._horizon.reach()
        if known is None:
            return False
        if await announced(self._connection) >= self._follower.log.size:
            await self._follower.catch_up()
        await remind(self._connection, self._follower.log.latest, known.until)
        events = await self._choose(known.until)
        fresh = [event for event in events if event.event_id not in self._refused]
        await self._emit(fresh, known.now)
        return bool(events)

    async def _choose(self, until: datetime) -> list[Event]:
        """The earliest events to emit; those among them that the log refused are noted."""
        limit = AT_ONCE + self._idle
        async with snapshot(self._connection):
            due = await due_at(self._connection, until - AFTER, limit)
            found = DeadlineEvents(self._follower.log.latest).of(due)
            events = [event for event in found if event.event_id not in self._refused]
            self._idle = due.size - len(events)
            chosen = {event.event_id: event for event in events[:AT_ONCE]}
            taken = await already_recorded(self._connection, SYSTEM, list(chosen))
        for event_id in chosen.keys() & (taken | self._sent):
            self._refuse(chosen[event_id])
        return list(chosen.values())

    def _refuse(self, event: Event) -> None:
        """It is in the log already, to no avail: once more would change nothing."""
        self._refused.add(event.event_id)
        about = {"type": event.type, "subject": event.subject, "event_id": event.event_id}
        log.warning("the log holds it without effect: it is not sent again", **about)

    async def _emit(self, events: Sequence[Event], now: datetime | None) -> None:
        """Emit in due order and wait for the receipts."""
        self._sent = frozenset(event.event_id for event in events)
        receipts = [await self._producer.send(event, recorded_at=now) for event in events]
        await asyncio.gather(*receipts)
        for event_type, count in Counter(event.type for event in events).items():
            log.info("a limit has passed", type=event_type, events=count)
