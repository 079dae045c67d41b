"""The consumers that others would write for the same topic: rows of history and a last state.

Both are plain aiokafka, fastavro and psycopg, know no rule, check no signature and believe what
they read. They write every column of `history` for every event, into the same table definition.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping

from aiokafka.structs import ConsumerRecord, TopicPartition

from bench.copying import other_models
from bench.ground import Ground
from bench.limits import POLL_MS, reading_all
from bench.measured import Measured, Meter
from bench.rows import (
    AT_ONCE,
    INSERT,
    UPSERT,
    Decode,
    Seen,
    Types,
    by_fastavro,
    is_marker,
    seen,
    written,
)
from runut.adapters.postgres import Connection


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
            one = _seen(record, types, decode)
            values = (one.subject, 1, one.recorded_at, one.data)
            found = await (await connection.execute(UPSERT, values)).fetchone()
            seq = found[0] if found else None
            await connection.execute(INSERT, (one.subject, seq, *one.row))
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
            batch = _seen_all(fetched, types, decode)
            if batch:
                await _write(connection, batch, counts)
                await consumer.commit()
            done += len(batch)
        return await _stop(meter, done, connection)


async def _write(connection: Connection, batch: list[Seen], counts: Counter[str]) -> None:
    rows = written(batch, counts)
    async with connection.cursor() as cursor:
        await cursor.executemany(INSERT, rows.history)
        await cursor.executemany(UPSERT, rows.states)
    await connection.commit()


def _seen_all(
    fetched: Mapping[TopicPartition, Iterable[ConsumerRecord]], types: Types, decode: Decode
) -> list[Seen]:
    records = (one for some in fetched.values() for one in some if not is_marker(one.key))
    return [_seen(one, types, decode) for one in records]


def _seen(record: ConsumerRecord, types: Types, decode: Decode) -> Seen:
    return seen(decode, types, record.value, record.timestamp, record.partition, record.offset)


async def _stop(meter: Meter | None, events: int, connection: Connection) -> Measured:
    if meter is None:
        raise ValueError("nothing to measure: no events were asked for")
    measured = meter.stop(events)
    cursor = await connection.execute("SELECT count(*) FROM history")
    found = await cursor.fetchone()
    return measured.with_rows(found[0] if found else 0)
