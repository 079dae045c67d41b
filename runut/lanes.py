"""One lane for each partition, on which signed records travel to their receipts in order.

A lane sends one batch at a time: nothing overtakes a batch that has to be sent again, and what
waits behind one that failed for good fails with it. Owns the limit on what is under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from runut.delivery import Delivery, Stored
from runut.event import EventId, Subject
from runut.outgoing import Outgoing

MAX_EVENTS: Final = 16_384
MAX_BYTES: Final = 32 * 1024 * 1024
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Receipt(msgspec.Struct, frozen=True):
    """Where an event stands in the log (integrity.md §7)."""

    event_id: EventId
    subject: Subject
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    """The record's timestamp (UTC, milliseconds)."""
    event_digest: bytes | None
    """What its signature covers; None where it went unsigned."""


class Sent(msgspec.Struct, frozen=True):
    """A signed record on its way."""

    record: Outgoing
    timestamp_ms: int | None
    size: int
    """Bytes for which it holds room."""
    receipt: asyncio.Future[Receipt]


class Room:
    """How much may be under way at once; one event of any size always may."""

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events = 0
        self._bytes = 0
        self._left = asyncio.Event()

    @property
    def events(self) -> int:
        """How many are under way."""
        return self._events

    def entered(self, size: int) -> bool:
        """Take room for an event of `size` bytes, if there is."""
        if self._events and (
            self._events >= self._max_events or self._bytes + size > self._max_bytes
        ):
            return False
        self._events += 1
        self._bytes += size
        return True

    async def enter(self, size: int) -> None:
        """The same, waiting until there is."""
        while not self.entered(size):
            self._left.clear()
            await self._left.wait()

    def leave(self, events: int, size: int) -> None:
        """Give the room of so many events back, which have `size` bytes together."""
        self._events -= events
        self._bytes -= size
        self._left.set()


class Lane:
    """The records of one partition, in order."""

    def __init__(self, delivery: Delivery, topic: str, partition: int, room: Room) -> None:
        self._delivery = delivery
        self._topic = topic
        self._partition = partition
        self._room = room
        self._queue: deque[Sent] = deque()
        self.task: asyncio.Task[None] | None = None
        """What carries the records, while there are any."""

    def put(self, sent: Sent) -> None:
        """Put a record at the end."""
        self._queue.append(sent)
        if self.task is None:
            self.task = asyncio.create_task(self._carry())

    async def stop(self) -> None:
        """Drop what is under way; its receipts are cancelled."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        for sent in self._leave(len(self._queue)):
            sent.receipt.cancel()

    async def _carry(self) -> None:
        try:
            while self._queue:
                self._arrived(await self._delivery.deliver(self._partition, self._queue))
        except Exception as error:
            self._fail(error)
        finally:
            self.task = None

    def _arrived(self, stored: Stored) -> None:
        for offset, sent in enumerate(self._leave(stored.records), stored.offset):
            if not sent.receipt.done():  # its receiver may have gone
                sent.receipt.set_result(self._receipt(sent, offset, stored.recorded_at))

    def _receipt(self, sent: Sent, offset: int, recorded_at: datetime | None) -> Receipt:
        event = sent.record.event
        return Receipt(
            event.event_id,
            event.subject,
            self._topic,
            self._partition,
            offset,
            recorded_at or _EPOCH + timedelta(milliseconds=sent.timestamp_ms or 0),
            sent.record.digest,
        )

    def _fail(self, error: Exception) -> None:
        for sent in self._leave(len(self._queue)):
            if not sent.receipt.done():
                sent.receipt.set_exception(error)

    def _leave(self, count: int) -> list[Sent]:
        """Take the first from the queue, with the room that they had."""
        gone = [self._queue.popleft() for _ in range(count)]
        self._room.leave(count, sum(sent.size for sent in gone))
        return gone
