"""Write to the directory: sign records with a root key, append them, announce them.

Owns the order of these steps (events.md §2): the records are in the directory before markers in
every partition of the events name them, and a writer announces what it has read, so that two
writers at once, or one that was killed in between, leave nothing that a later marker does not
put right. What the records say is `runut.founding`'s and `runut.directory_changes`'s.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import structlog
from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.adapters.topics import Clock
from runut.directory import Directory, Ledger, founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadInput, LedgerMismatch, MissingKey
from runut.event import SYSTEM as SYSTEM
from runut.event import Event
from runut.keystore import ROOT, KeyStore, SigningKey
from runut.log_reader import MARKER_PREFIX, PartitionReader
from runut.outgoing import Envelope, Outgoing, compose, known_schema_ids, usable_key
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import LEDGER_ID_SIZE, MAX_BATCH

SEND_TIMEOUT_S: Final = 60.0
LOOK_BACK: Final = 200
"""Records at a partition's end among which its last marker is looked for."""

log = structlog.get_logger(__name__)


class DirectoryWriter:
    """The directory, open for writing by who holds the ledger's keys."""

    def __init__(
        self, settings: Settings, keys: KeyStore, schema_ids: Mapping[str, int] | None = None
    ) -> None:
        """Take schema ids where the directory cannot have announced them yet."""
        self._settings = settings
        self._keys = keys
        self._schema_ids = schema_ids
        self._follower = DirectoryFollower(settings)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._follower)
            self._producer = kafka.producer(self._settings)
            await stack.enter_async_context(kafka.connected(self._settings, self._producer))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def keys(self) -> KeyStore:
        """Where the private keys are."""
        return self._keys

    @property
    def directory(self) -> Directory:
        """The directory as read last."""
        return self._follower.log.latest

    @property
    def ledger(self) -> Ledger:
        """The founding.

        Raises:
            LedgerMismatch: there is none.
        """
        return founded(self.directory.ledger)

    @property
    def written_at(self) -> datetime:
        """When Kafka stored the directory's last record: surely not ahead of Kafka's clock."""
        return self._follower.written_at

    async def found(self, name: str, clock: Clock) -> None:
        """Append LedgerCreated to an empty directory, with a root key and a random id.

        Raises:
            LedgerMismatch: another ledger was founded there in the meantime.
        """
        root = self._keys.root_key() or self._keys.new_root()
        ledger_id = os.urandom(LEDGER_ID_SIZE)
        founding = {
            "ledger_id": ledger_id,
            "partitions": self._settings.partitions,
            "root_keys": [root.public_key],
            "require_signatures": True,
            "clock": clock,
        }
        event = self.compose("LedgerCreated", f"ledger/{name}", founding)
        envelope = Envelope(ledger_id, self._schema_ids or {})
        await self._append(envelope.seal([envelope.draft(event)], root.signer()), clock)
        if self.ledger.ledger_id != ledger_id:
            raise LedgerMismatch(
                f"{self._settings.directory_topic}: another ledger was founded there at the same "
                f"moment, {self.ledger.name}"
            )

    def compose(self, event_type: str, subject: str, data: Mapping[str, Any]) -> Event:
        """An event of the ledger itself, as of now. Raises FieldError."""
        return compose(event_type, subject, SYSTEM, datetime.now(UTC), data)

    async def publish(self, events: Sequence[Event]) -> None:
        """Append records to the directory and announce them; returns when all is written.

        Raises as `append` and `announce`.
        """
        if events:
            await self.append(events)
            await self.announce(range(self.ledger.partitions))

    async def append(self, events: Sequence[Event]) -> None:
        """Append records to the directory; they count where they are announced.

        Raises:
            LedgerMismatch: no root key of this ledger is here, or a record does not count.
            Unreachable: no broker answers.
        """
        envelope, signer = self._envelope(), self.root_key().signer()
        for start in range(0, len(events), MAX_BATCH):
            drafts = [envelope.draft(event) for event in events[start : start + MAX_BATCH]]
            await self._append(envelope.seal(drafts, signer), self.ledger.clock)

    async def announce(self, partitions: Iterable[int]) -> None:
        """Append a marker of the directory as read last to each of these partitions.

        Raises:
            MissingKey: the key of the ledger's own agency is not here.
            Unreachable: no broker answers.
        """
        key = usable_key(self._keys, self.directory, SYSTEM)
        if key is None:
            raise MissingKey(SYSTEM, self._keys.path)
        offset = self.directory.offset
        marker = {"offset": offset, "root": self._follower.log.root(offset)}
        for_each = [
            self.compose("DirectoryAdvanced", f"directory/{partition}", marker)
            for partition in partitions
        ]
        envelope = self._envelope()
        records = envelope.seal([envelope.draft(event) for event in for_each], key.signer())
        topic = self._settings.events_topic
        await self._send([(topic, int(r.key[len(MARKER_PREFIX) :]), r) for r in records])

    async def repair_markers(self) -> list[int]:
        """Announce the directory where no marker among the last records does; gives where.

        A marker too many is harmless, so partitions are not searched to their start.
        """
        announced = await self._announced()
        lagging = [p for p, offset in announced.items() if offset < self.directory.offset]
        if lagging:
            await self.announce(lagging)
        return lagging

    async def _announced(self) -> dict[int, int]:
        """The directory offset that each partition's last records announce; -1 if none does."""
        partitions = range(self.ledger.partitions)
        readers = {p: PartitionReader(p, self._follower.log) for p in partitions}
        places = [TopicPartition(self._settings.events_topic, p) for p in partitions]
        consumer = kafka.consumer(self._settings)
        async with kafka.connected(self._settings, consumer):
            ends = await kafka.end_offsets(self._settings, consumer, places)
            tails = {place: max(0, end - LOOK_BACK) for place, end in ends.items()}
            async for records in kafka.read_to_end(self._settings, consumer, tails):
                for record in records:
                    if (record.key or b"").startswith(MARKER_PREFIX):
                        self._take(readers[record.partition], record)
        return {partition: reader.directory_offset for partition, reader in readers.items()}

    @staticmethod
    def _take(reader: PartitionReader, record: RawRecord) -> None:
        try:
            reader.read(record)
        except BadInput as error:  # a false marker announces nothing
            log.warning("false marker", offset=record.offset, reason=str(error))

    async def _append(self, records: Sequence[Outgoing], clock: str) -> None:
        topic = self._settings.directory_topic
        offsets = await self._send([(topic, 0, record) for record in records], clock)
        await self._follower.catch_up()
        for offset, record in zip(offsets, records, strict=True):
            if reason := self._follower.log.rejected.get(offset):
                raise LedgerMismatch(
                    f"{record.event.type} of {record.event.subject} does not count: {reason}"
                )

    async def _send(
        self, records: Sequence[tuple[str, int, Outgoing]], clock: str | None = None
    ) -> list[int]:
        # In a test ledger the records' own times are recorded_at: these must not be ahead.
        timestamp = 0 if (clock or self.ledger.clock) == "TEST" else None
        with kafka.translated(self._settings):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                sent = [
                    await self._producer.send(
                        topic,
                        partition=partition,
                        key=record.key,
                        value=record.value,
                        headers=record.headers,
                        timestamp_ms=timestamp,
                    )
                    for topic, partition, record in records
                ]
                return [found.offset for found in await asyncio.gather(*sent)]

    def _envelope(self) -> Envelope:
        known = known_schema_ids(self.directory)
        return Envelope(self.ledger.ledger_id, {**known, **(self._schema_ids or {})})

    def root_key(self) -> SigningKey:
        """A local root key of this ledger.

        Raises:
            LedgerMismatch: none is here.
        """
        for key in reversed(self._keys.keys(ROOT)):
            if key.public_key in self.ledger.root_keys:
                return key
        raise LedgerMismatch(
            f"{self._keys.path}: expected a root key of the ledger {self.ledger.name}, found none; "
            "its directory is written where it was founded"
        )
