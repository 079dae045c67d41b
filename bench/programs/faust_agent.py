"""A plain Faust agent: takes batches, writes each with executemany in one transaction."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import faust
import mode
import psycopg

from bench.programs.task import Task, given, say_begun, say_done
from bench.rows import AT_ONCE, INSERT, UPSERT, by_fastavro, is_marker, seen, written

WITHIN_S = 1.0


def app_of(task: Task) -> faust.App:
    """The app with its one agent."""
    app = faust.App(
        task.schema,
        broker=f"kafka://{task.kafka}",
        agent_supervisor=mode.CrashingSupervisor,
        broker_max_poll_records=AT_ONCE,
        consumer_auto_offset_reset="earliest",
        datadir=tempfile.gettempdir(),
        store="memory://",
        stream_buffer_maxsize=AT_ONCE,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    topic = app.topic(task.topic, key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(topic)
    async def project(stream: Any) -> None:
        await _project(stream.take_events(AT_ONCE, within=WITHIN_S), task)

    return app


async def _project(batches: AsyncIterator[list[Any]], task: Task) -> None:
    types, counts, done = task.types, Counter[str](), 0
    decode = by_fastavro(types)
    async with await psycopg.AsyncConnection.connect(task.postgres_url) as into:
        async for events in batches:
            if not done:
                say_begun()
            records = [one.message for one in events if not is_marker(one.message.key)]
            rows = written(
                (
                    seen(decode, types, r.value, int(r.timestamp * 1000), r.partition, r.offset)
                    for r in records
                ),
                counts,
            )
            async with into.cursor() as cursor:
                await cursor.executemany(INSERT, rows.history)
                await cursor.executemany(UPSERT, rows.states)
            await into.commit()
            done += len(records)
            if done >= task.events:
                say_done(done)
                return


if __name__ == "__main__":
    worker = faust.Worker(app_of(given()), loglevel="ERROR", override_logging=False)
    worker.execute_from_commandline()
