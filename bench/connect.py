"""Kafka Connect with the Debezium JDBC sink: two tasks that write rows into a table, and no state.

Standalone, with fetches and batches as large as ours. The table is made before, since two tasks
that make it at once fail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from psycopg import sql

from bench.connect_programs import Programs
from bench.connect_settings import Shape, connector_properties, worker_properties
from bench.copying import other_models
from bench.ground import PARTITIONS, Ground, elsewhere
from bench.measured import Measured, Meter, NotMeasured
from bench.processes import started
from embedded.java import java, plain_environment
from embedded.kafka import LOG_SETTINGS
from runut.adapters.postgres import Connection
from runut.settings import Settings

HEAP_MB: Final = 900
START_S: Final = 300.0
STANDSTILL_S: Final = 90.0
POLL_S: Final = 0.05

_CREATE: Final = """
CREATE TABLE {table} (
    "__connect_topic" text, "__connect_partition" integer, "__connect_offset" bigint, {columns},
    PRIMARY KEY ("__connect_topic", "__connect_partition", "__connect_offset")
)
"""
# By the table's key: as many records of each partition as its last offset says.
_WRITTEN: Final = """
SELECT coalesce(sum((
           SELECT max("__connect_offset") + 1 FROM {table}
            WHERE "__connect_topic" = %(topic)s AND "__connect_partition" = partition
       )), 0)::bigint
  FROM generate_series(0, %(partitions)s - 1) AS partition
"""


async def sunk(ground: Ground, programs: Programs, shape: Shape, records: int) -> Measured:
    """How fast it writes so many records, from the first one that is seen in the table on.

    Raises:
        NotMeasured: it does not start, or stands still.
    """
    name = f"connect_{shape.name}"
    settings, home = elsewhere(ground.settings, name), ground.settings.data / name
    async with other_models(ground.settings, name) as connection:
        await connection.set_autocommit(True)
        await connection.execute(_create(shape))
        # A plan made while the table is empty would read all of it each time, at its cost.
        await connection.execute("SET enable_seqscan = off")
        await connection.execute("SET enable_bitmapscan = off")
        async with _running(settings, programs, shape, home) as (pid, log):
            progress = _Progress(connection, settings, shape, log)
            first = await progress.reaches(1, START_S)
            meter = Meter([pid], ground.postgres)
            last = await progress.reaches(records, STANDSTILL_S)
            if last == first:
                raise NotMeasured(f"it wrote all {last:,} records at once: give it more")
            return meter.stop(last - first)


def _create(shape: Shape) -> sql.Composed:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in shape.columns.items()
    ]
    table = sql.Identifier(shape.table)
    return sql.SQL(_CREATE).format(table=table, columns=sql.SQL(", ").join(columns))


class _Progress:
    """How many records are in the table."""

    def __init__(self, connection: Connection, settings: Settings, shape: Shape, log: Path) -> None:
        self._connection = connection
        self._asked = sql.SQL(_WRITTEN).format(table=sql.Identifier(shape.table))
        self._given = {"topic": settings.events_topic, "partitions": PARTITIONS}
        self._log = log

    async def reaches(self, records: int, patience_s: float) -> int:
        """Wait until there are so many; how many there are then."""
        found, moved = 0, time.monotonic()
        while found < records:
            await asyncio.sleep(POLL_S)
            [(now,)] = await (await self._connection.execute(self._asked, self._given)).fetchall()
            if now > found:
                found, moved = now, time.monotonic()
            elif time.monotonic() - moved > patience_s:
                raise NotMeasured(
                    f"expected {records:,} records to be written, found {found:,} and then none "
                    f"for {patience_s:.0f} s; {last_error(self._log)}"
                )
        return found


def last_error(log: Path) -> str:
    """The last line of a log that names an error, or the last one."""
    text = log.read_text(errors="replace")
    lines = [line for line in text.splitlines() if line.strip()] or ["it said nothing"]
    named = [line for line in lines if "Exception" in line or "Error" in line]
    return (named or lines)[-1].strip()[:200]


@asynccontextmanager
async def _running(
    settings: Settings, programs: Programs, shape: Shape, home: Path
) -> AsyncIterator[tuple[int, Path]]:
    """Its process, and its log."""
    _link_plugins(home / "plugins", programs)
    (home / "tmp").mkdir()
    files = (home / "worker.properties", home / "connector.properties")
    written = (worker_properties(settings, home), connector_properties(settings, shape))
    for file, properties in zip(files, written, strict=True):
        file.touch(mode=0o600)  # it holds a password
        file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    program, log = "org.apache.kafka.connect.cli.ConnectStandalone", home / "connect.log"
    environment = plain_environment(CLASSPATH=":".join(map(str, programs.jars)))
    async with started(log, environment, *_java(home / "tmp"), program, *files) as process:
        yield process.pid, log


def _java(scratch: Path) -> list[str | Path]:
    """For throughput, not for a quick start: Java's own collector and both compilers."""
    ours = {"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
    return [
        *(one for one in java(HEAP_MB, scratch) if one not in ours),
        f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
    ]


def _link_plugins(into: Path, programs: Programs) -> None:
    converter = into / "converter"
    converter.mkdir(parents=True)
    for jar in programs.converter:
        (converter / jar.name).symlink_to(jar)
    (into / "sink").symlink_to(programs.plugin, target_is_directory=True)
