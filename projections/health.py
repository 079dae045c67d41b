"""What PostgreSQL knows for `runut status`: how far the projector is, and what waits.

How far the log itself is, and so the lag, only Kafka knows: `cli` puts both together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from projections.queries import queries
from projections.reading import snapshot
from runut.adapters.postgres import Connection

_SQL: Final = queries("reading")


class Projected(msgspec.Struct, frozen=True):
    """Up to where a partition is projected."""

    partition: int
    next_offset: int
    """Offset of the next record to be projected."""
    recorded_at: datetime | None
    """When the last projected record was recorded."""
    directory_offset: int
    """Last directory record announced in the partition so far; -1 where none was."""
    quarantined: int
    """Records of the partition that were no events."""
    unacknowledged: int
    """Those of them that nobody took note of."""


class Health(msgspec.Struct, frozen=True):
    """The read models in figures."""

    partitions: tuple[Projected, ...]
    subjects: int
    events: int
    irregular: int
    owed: int
    """Commitments that are OPEN or REPORTED."""
    overdue: int
    oldest_overdue_due_at: datetime | None
    last_recorded_at: datetime | None
    directory_records: int

    @property
    def quarantined(self) -> int:
        """Records that were no events, in all partitions."""
        return sum(one.quarantined for one in self.partitions)

    @property
    def unacknowledged(self) -> int:
        """Those of them that nobody took note of: `runut quarantine acknowledge`."""
        return sum(one.unacknowledged for one in self.partitions)


async def health(connection: Connection, now: datetime) -> Health:
    """The figures at one moment; overdue is asked for `now`."""
    async with snapshot(connection):
        cursor = await connection.execute(_SQL["positions"])
        partitions = tuple([Projected(*row) for row in await cursor.fetchall()])
        cursor = await connection.execute(_SQL["figures"], {"now": now})
        figures = await cursor.fetchone()
    assert figures is not None  # noqa: S101 - a query of aggregates has one row
    return Health(partitions, *figures)
