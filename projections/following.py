"""What was added to the history since: for whoever follows the read models as they grow.

Owns the channel on which the projector tells that they moved, one word for each commit. What was
added is read from the history, so nothing is lost if nobody listened. Positions are those of the
projector: of each partition the offset of the next record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from projections.queries import queries
from runut.adapters.postgres import Connection

CHANNEL: Final = "runut_projected"
"""Its payload is the schema of the read models that moved."""

Positions = dict[int, int]

_SQL: Final = queries("following")
_POSITIONS: Final = queries("reading_positions")["positions"]


class Added(NamedTuple):
    """A line of the history, without what its event says."""

    subject: str
    seq: int
    event_id: str
    type: str
    agency: str
    verdict: str
    codes: list[str]
    occurred_at: datetime
    recorded_at: datetime
    partition: int
    offset: int


async def listen(connection: Connection) -> str:
    """Have a connection, with autocommit, told of commits; gives the payload to look for."""
    await connection.execute(_SQL["listen"])
    cursor = await connection.execute(_SQL["schema"])
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - the question has one answer
    return str(row[0])


async def positions(connection: Connection) -> Positions:
    """How far each partition is projected."""
    cursor = await connection.execute(_POSITIONS)
    return dict(await cursor.fetchall())


def records_between(before: Mapping[int, int], after: Mapping[int, int]) -> int:
    """How many records lie between; what was no event is counted as well."""
    return sum(max(0, at - before.get(partition, 0)) for partition, at in after.items())


async def added(
    connection: Connection, before: Mapping[int, int], after: Mapping[int, int]
) -> list[Added]:
    """Lines between positions, in the order in which they were recorded."""
    moved = [one for one, at in after.items() if at > before.get(one, 0)]
    asked = {
        "partitions": moved,
        "from_offsets": [before.get(one, 0) for one in moved],
        "to_offsets": [after[one] for one in moved],
    }
    cursor = await connection.execute(_SQL["added"], asked)
    return [Added(*row) for row in await cursor.fetchall()]
