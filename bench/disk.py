"""What the ledger takes on disk: Kafka's log, and the read models with their indexes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bench.ground import Ground
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.settings import Settings

_TABLES = """
SELECT relname, pg_total_relation_size(pg_class.oid), pg_table_size(pg_class.oid)
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname = %(schema)s AND relkind = 'r'
"""


class Disk(msgspec.Struct, frozen=True):
    """Bytes."""

    events: int
    log: int
    """Kafka's segments and their indexes, of one replica; signatures and markers included."""
    history: int
    """Rows of history."""
    history_indexes: int
    others: int
    """All other tables of the read models, with their indexes."""

    @property
    def models(self) -> int:
        """All of the read models."""
        return self.history + self.history_indexes + self.others


async def disk(ground: Ground, settings: Settings, events: int) -> Disk:
    """What the events of the topic take, and the read models of these settings."""
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        tables = await _tables(connection, settings.model_schema)
    total, rows = tables.pop("history")
    others = sum(size for size, _ in tables.values())
    log = log_bytes(ground.settings.data / "kafka", settings.events_topic)
    return Disk(events, log, rows, total - rows, others)


def log_bytes(kafka: Path, topic: str) -> int:
    """What the partitions of a topic take under a broker's directory.

    Indexes are made large and cut when a segment ends: blocks count, not lengths.
    """
    folders = [one for one in kafka.rglob(f"{topic}-*") if one.name[len(topic) + 1 :].isdecimal()]
    return sum(file.stat().st_blocks * 512 for one in folders for file in one.iterdir())


async def _tables(connection: Connection, schema: str) -> dict[str, tuple[int, int]]:
    cursor = await connection.execute(_TABLES, {"schema": schema})
    return {name: (total, rows) for name, total, rows in await cursor.fetchall()}
