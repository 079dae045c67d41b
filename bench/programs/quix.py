"""Quix Streams with its PostgreSQL sink: history alone, in statements of many rows."""

from __future__ import annotations

import tempfile
from collections import Counter
from typing import Any, Final

from psycopg.conninfo import conninfo_to_dict
from quixstreams import Application, message_context
from quixstreams.sinks.base import SinkBatch
from quixstreams.sinks.community.postgresql import PostgreSQLSink

from bench.programs.task import Task, given, say_begun, say_done
from bench.rows import ASSUMED, AT_ONCE, COLUMNS, by_fastavro, is_marker, seen

CHECKPOINT_S: Final = 1.0


class Sink(PostgreSQLSink):
    """The library's own sink, which says when all is written."""

    def __init__(self, task: Task) -> None:
        place = conninfo_to_dict(task.postgres_url)
        super().__init__(
            host=str(place["host"]),
            port=int(place["port"] or 5432),
            dbname=str(place["dbname"]),
            user=str(place["user"]),
            password=str(place["password"]),
            table_name="history",
            schema_name=task.schema,
            schema_auto_update=False,  # the table is there, and two statements a column saved
            include_metadata=False,
        )
        self._left = task.events
        self._wanted = task.events

    def write(self, batch: SinkBatch) -> None:
        """As ever, and counted."""
        super().write(batch)
        self._left -= batch.size
        if self._left <= 0:
            say_done(self._wanted - self._left)


def main(task: Task) -> None:
    """Write until it is ended."""
    types, counts = task.types, Counter[str]()
    decode, begun = by_fastavro(types), False
    app = Application(
        broker_address=task.kafka,
        consumer_group=task.schema,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_interval=CHECKPOINT_S,
        commit_every=AT_ONCE,
        loglevel="ERROR",
        state_dir=tempfile.gettempdir(),
    )

    def row(value: bytes, _key: Any, timestamp_ms: int, _headers: Any) -> dict[str, Any]:
        nonlocal begun
        if not begun:
            begun = True
            say_begun()
        place = message_context()
        one = seen(decode, types, value, timestamp_ms, place.partition, place.offset)
        counts[one.subject] += 1
        found = (one.subject, counts[one.subject], *one.row)
        columns = dict(zip(COLUMNS, found, strict=True)) | ASSUMED
        return columns | {"event_id": str(columns["event_id"])}  # psycopg2 knows no UUID

    topic = app.topic(task.topic, key_deserializer="bytes", value_deserializer="bytes")
    stream = app.dataframe(topic)
    stream = stream.filter(lambda _value, key, _ms, _headers: not is_marker(key), metadata=True)
    stream.apply(row, metadata=True).sink(Sink(task))
    app.run()


if __name__ == "__main__":
    main(given())
