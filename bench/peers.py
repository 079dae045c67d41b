"""The consumers that others would write for the same topic: rows of history and a last state.

Both are plain aiokafka, fastavro and psycopg, know no rule, check no signature and believe what
they read. They write every column of `history` for every event, into the same table definition.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
from aiokafka.structs import ConsumerRecord, TopicPartition

from bench.copying import other_models
from bench.ground import Ground
from bench.limits import AT_ONCE, POLL_MS, Decode, Types, by_fastavro, is_marker, reading_all
from bench.measured import Measured, Meter
from runut import codec
from runut.adapters.postgres import Connection

INSERT: Final = """
INSERT INTO history
       (subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
        directory_offset, verdict, codes, differs, signature, security, schema_id, body, data)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, -1, 'EFFECTIVE', '{}', false, 'UNSIGNED', 'ORDINARY',
        %s, %s, %s)
"""
UPSERT: Final = """
INSERT INTO subject
       (subject, kind, events, irregular, duplicate, corrected, last_recorded_at, state)
VALUES (%s, 'case', %s, 0, 0, 0, %s, %s)
ON CONFLICT (subject) DO UPDATE
   SET events = subject.events + EXCLUDED.events,
       last_recorded_at = EXCLUDED.last_recorded_at,
       state = EXCLUDED.state
RETURNING events
"""


class Seen(NamedTuple):
    """An event as these consumers see it."""

    subject: str
    recorded_at: datetime
    data: str
    row: tuple[Any, ...]
    """What INSERT takes after subject and seq."""


async def one_by_one(ground: Ground, types: Types, events: int) -> Measured:
    """What most people would write: of each event one UPSERT, one INSERT and a commit.

    Kafka's offsets are committed by aiokafka itself every few seconds, its default: to commit
    them after each event as well would be slower.
    """
    decode = by_fastavro(types)
    async with (
        other_models(ground.settings, "one_by_one") as connection,
        reading_all(ground.settings, "bench-one-by-one") as consumer,
    ):
        done, meter = 0, None
        while done < events:
            record = await consumer.getone()
            meter = meter or Meter([os.getpid()], ground.postgres)
            if is_marker(record.key):
                continue
            seen = _seen(record, types, decode)
            values = (seen.subject, 1, seen.recorded_at, seen.data)
            found = await (await connection.execute(UPSERT, values)).fetchone()
            seq = found[0] if found else None
            await connection.execute(INSERT, (seen.subject, seq, *seen.row))
            await connection.commit()
            done += 1
        return await _stop(meter, done, connection)


async def batching(ground: Ground, types: Types, events: int) -> Measured:
    """What a careful hand would write: `getmany`, and executemany in one transaction a batch.

    An event's number within its case is counted in memory, a case is written once a batch, and
    Kafka's offsets are committed after each batch.
    """
    decode = by_fastavro(types)
    counts: Counter[str] = Counter()
    async with (
        other_models(ground.settings, "batching") as connection,
        reading_all(ground.settings, "bench-batching") as consumer,
    ):
        done, meter = 0, None
        while done < events:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)
            meter = meter or Meter([os.getpid()], ground.postgres)
            batch = [_seen(record, types, decode) for record in _events(fetched)]
            if batch:
                await _write(connection, batch, counts)
                await consumer.commit()
            done += len(batch)
        return await _stop(meter, done, connection)


async def _write(connection: Connection, batch: list[Seen], counts: Counter[str]) -> None:
    history, new = [], Counter(seen.subject for seen in batch)
    for seen in batch:
        counts[seen.subject] += 1
        history.append((seen.subject, counts[seen.subject], *seen.row))
    last = {seen.subject: seen for seen in batch}
    states = [(name, new[name], seen.recorded_at, seen.data) for name, seen in last.items()]
    async with connection.cursor() as cursor:
        await cursor.executemany(INSERT, history)
        await cursor.executemany(UPSERT, states)
    await connection.commit()


def _events(
    fetched: Mapping[TopicPartition, Iterable[ConsumerRecord]],
) -> Iterable[ConsumerRecord]:
    return (one for records in fetched.values() for one in records if not is_marker(one.key))


def _seen(record: ConsumerRecord, types: Types, decode: Decode) -> Seen:
    schema_id, body = codec.unframe(record.value)
    data = decode(schema_id, body)
    meta = data.pop("meta")
    recorded_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    shown = orjson.dumps(data, default=str).decode()
    who = (meta["event_id"], types[schema_id].name, meta["agency"], meta["occurred_at"])
    place = (recorded_at, record.partition, record.offset)
    return Seen(meta["subject"], recorded_at, shown, (*who, *place, schema_id, body, shown))


async def _stop(meter: Meter | None, events: int, connection: Connection) -> Measured:
    if meter is None:
        raise ValueError("nothing to measure: no events were asked for")
    measured = meter.stop(events)
    cursor = await connection.execute("SELECT count(*) FROM history")
    found = await cursor.fetchone()
    return measured.with_rows(found[0] if found else 0)
