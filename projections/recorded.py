"""What is recorded and projected already: for those who are about to write."""

from __future__ import annotations

import msgspec

from projections.queries import queries
from projections.reading import expecting_tables
from runut.adapters.postgres import Connection
from runut.event import AgencyCode, EventId, Subject

_SQL = queries("recorded")


class Found(msgspec.Struct, frozen=True):
    """Where an event stands in the log, and the first 16 bytes of its body's SHA-256."""

    subject: Subject
    partition: int
    offset: int
    content: bytes


async def find_event(
    connection: Connection, agency: AgencyCode, event_id: EventId, subject: Subject
) -> Found | None:
    """The agency's first authentic event with this id, preferably on this subject.

    Raises:
        PlatformError: the read models were never made.
    """
    asked = {"agency": agency, "event_id": event_id, "subject": subject}
    with expecting_tables():
        cursor = await connection.execute(_SQL["find_event"], asked)
        row = await cursor.fetchone()
    return None if row is None else Found(*row)


async def is_projected(connection: Connection, partition: int, offset: int) -> bool:
    """Whether the projector is past a place of the log.

    Raises:
        PlatformError: the read models were never made.
    """
    with expecting_tables():
        cursor = await connection.execute(_SQL["next_offset"], {"partition": partition})
        row = await cursor.fetchone()
    return row is not None and row[0] > offset
