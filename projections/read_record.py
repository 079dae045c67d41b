"""Write down who read what is guarded, before it is shown.

Owns the table `read_record` of the operations, which is only ever added to. The dashboard cannot
write: whoever assembles the web process passes `record` in, with a connection that may.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import asdict

from projections.queries import queries
from runut.adapters.postgres import Connection

_SQL: Final = queries("read_record")


class GuardedRead(msgspec.Struct, frozen=True):
    """One event of a security class above ORDINARY whose words somebody was shown."""

    read_at: datetime
    reader: str
    """`Principal.name`."""
    agency: str | None
    subject: str
    event_id: str
    security: str
    route: str
    """Method and path that were asked."""


async def record(connection: Connection, reads: Sequence[GuardedRead]) -> None:
    """Write reads down, all or none."""
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_SQL["record"], [asdict(one) for one in reads])
