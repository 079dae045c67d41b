"""The `eventsourcing` library's projection over its own store of the same events.

The library reads no Kafka: the events are stored in its notification log first, which is not
counted. Then its runner projects them, an event and its position a transaction.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from bench.programs.task import Task, given, say_begun, say_done
from bench.rows import INSERT, UPSERT, Decode, Types, by_fastavro, is_marker, seen, written

DEADLINE_S: Final = 120.0
STORED_AT_ONCE: Final = 500
"""Of some thousand events in one call psycopg's pipeline and PostgreSQL wait for each other."""


@dataclass(frozen=True)
class Noted(DomainEvent):
    """An event of the ledger as the library keeps it: JSON, the Avro body as hexadecimal digits."""

    value: str
    recorded_ms: int
    partition: int
    offset: int


class Ledger(Application):
    """Where the events are stored."""


class Tables(PostgresTrackingRecorder):
    """History and last states, and how far they are."""

    def add(self, insert: tuple[Any, ...], upsert: tuple[Any, ...], tracking: Tracking) -> None:
        """Write an event and its position in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(INSERT, insert, prepare=True)
            cursor.execute(UPSERT, upsert, prepare=True)
            self._insert_tracking(cursor, tracking)


class History(Projection[Tables]):
    """Projects every event."""

    types: Types
    decode: Decode
    counts: Counter[str]

    def process_event(self, domain_event: Noted, tracking: Tracking) -> None:
        """Write it."""
        noted, value = domain_event, bytes.fromhex(domain_event.value)
        place = (noted.recorded_ms, noted.partition, noted.offset)
        one = seen(self.decode, self.types, value, *place)
        rows = written([one], self.counts)
        self.view.add(rows.history[0], rows.states[0], tracking)


async def _records(task: Task) -> AsyncIterator[list[ConsumerRecord]]:
    left = task.events
    options = {"bootstrap_servers": task.kafka, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(task.topic, **options) as consumer:
        while left > 0:
            fetched = await consumer.getmany(timeout_ms=500, max_records=STORED_AT_ONCE)
            some = [r for records in fetched.values() for r in records if not is_marker(r.key)]
            yield some[:left]
            left -= len(some)


async def _store(ledger: Ledger, task: Task) -> None:
    """Fill the library's own log."""
    versions = Counter[bytes]()
    async for records in _records(task):
        stored = []
        for record in records:
            versions[record.key] += 1
            noted = Noted(
                originator_id=uuid5(NAMESPACE_URL, record.key.decode()),
                originator_version=versions[record.key],
                timestamp=Noted.create_timestamp(),
                value=record.value.hex(),
                recorded_ms=record.timestamp,
                partition=record.partition,
                offset=record.offset,
            )
            stored.append(ledger.mapper.to_stored_event(noted))
        ledger.recorder.insert_events(stored)


def _environment(task: Task) -> dict[str, str]:
    place = conninfo_to_dict(task.postgres_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(place["dbname"]),
        "POSTGRES_HOST": str(place["host"]),
        "POSTGRES_PORT": str(place["port"]),
        "POSTGRES_USER": str(place["user"]),
        "POSTGRES_PASSWORD": str(place["password"]),
        "POSTGRES_SCHEMA": task.schema,
    }


def main(task: Task) -> None:
    """Store, then project."""
    environment = _environment(task)
    ledger = Ledger(environment)
    asyncio.run(_store(ledger, task))
    History.types, History.counts = task.types, Counter[str]()
    History.decode = staticmethod(by_fastavro(task.types))
    last = ledger.recorder.max_notification_id()
    say_begun()
    with ProjectionRunner(
        application_class=Ledger,
        projection_class=History,
        view_class=Tables,
        env=environment,
    ) as runner:
        runner.wait(last, timeout=DEADLINE_S)
        say_done(task.events)


if __name__ == "__main__":
    main(given())
