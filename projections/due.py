"""What is due: limits that have passed, steps of the ladder, offers to bring to the arbiter.

Asks the indexes of due dates alone, so that what is not due yet costs nothing. What was acted on
left them when it was projected: the log's own state says what is still to be done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from projections.queries import queries
from runut.adapters.postgres import Connection

ROWS_AT_ONCE: Final = 1000

_SQL: Final = queries("due")


class ToBreach(NamedTuple):
    """Owed, past its limit, and not recorded as breached for it."""

    subject: str
    commitment_id: str
    due_at: datetime
    rule: str | None
    source_event: str


class ToLapse(NamedTuple):
    """An offer whose answer was breached."""

    subject: str
    commitment_id: str
    transfer_id: str
    due_at: datetime
    source_event: str


class ToEscalate(NamedTuple):
    """A breached commitment whose next step of the ladder is due."""

    subject: str
    commitment_id: str
    debtor: str
    due_at: datetime
    escalate_at: datetime
    level: int
    """The step taken last; 0 for none."""
    source_event: str


class TransferToEscalate(NamedTuple):
    """The second offer in a row that failed."""

    subject: str
    transfer_id: str
    failed_at: datetime


class Due(NamedTuple):
    """All that is due at a moment, of each kind the earliest, in due order."""

    breaches: list[ToBreach]
    lapses: list[ToLapse]
    escalations: list[ToEscalate]
    transfers: list[TransferToEscalate]

    @property
    def size(self) -> int:
        """How much that is."""
        kinds = (self.breaches, self.lapses, self.escalations, self.transfers)
        return sum(len(kind) for kind in kinds)


class Owed(NamedTuple):
    """A commitment that is still open."""

    subject: str
    commitment_id: str
    debtor: str
    due_at: datetime


async def due_at(connection: Connection, moment: datetime, limit: int) -> Due:
    """What is due by a moment, at most `limit` of each kind."""
    asked = {"moment": moment, "limit": limit}
    return Due(
        [ToBreach(*row) for row in await _rows(connection, "to_breach", asked)],
        [ToLapse(*row) for row in await _rows(connection, "to_lapse", asked)],
        [ToEscalate(*row) for row in await _rows(connection, "to_escalate", asked)],
        [
            TransferToEscalate(*row)
            for row in await _rows(connection, "transfers_to_escalate", asked)
        ],
    )


async def already_recorded(
    connection: Connection, agency: str, event_ids: Sequence[str]
) -> frozenset[str]:
    """Which of these ids the log holds an authentic event of the agency with, whatever its verdict.

    Sent again it would be a DUPLICATE, for ever.
    """
    if not event_ids:
        return frozenset()
    asked = {"agency": agency, "event_ids": list(event_ids)}
    return frozenset(row[0] for row in await _rows(connection, "recorded", asked))


async def owed_between(
    connection: Connection, after: datetime, until: datetime, known_at: datetime
) -> AsyncIterator[list[Owed]]:
    """Open commitments that are due after one moment and by another, in lists, by due date.

    Leaves out those whose due date was recorded after `known_at`. The connection must be in a
    transaction.
    """
    asked = {"after": after, "until": until, "known": known_at}
    async with connection.cursor(name="owed") as cursor:
        await cursor.execute(_SQL["owed_between"], asked)
        while rows := await cursor.fetchmany(ROWS_AT_ONCE):
            yield [Owed(*row) for row in rows]


async def reminded_until(connection: Connection, span: str) -> datetime | None:
    """Up to which due date reminders of a span went out; None if the span is new."""
    rows = await _rows(connection, "reminded_until", {"span": span})
    return rows[0][0] if rows else None


async def move_cursor(connection: Connection, span: str, until: datetime) -> None:
    """Reminders of a span went out up to a due date."""
    await connection.execute(_SQL["move_cursor"], {"span": span, "until": until})


async def log_time(connection: Connection) -> datetime | None:
    """The latest recorded_at of what is projected; None where nothing is."""
    rows = await _rows(connection, "log_time", {})
    return rows[0][0] if rows else None


async def announced(connection: Connection) -> int:
    """Offset of the latest directory record that counts anywhere yet; -1 for none."""
    rows = await _rows(connection, "announced", {})
    return -1 if rows[0][0] is None else int(rows[0][0])


async def _rows(
    connection: Connection, name: str, asked: dict[str, Any]
) -> Sequence[tuple[Any, ...]]:
    cursor = await connection.execute(_SQL[name], asked)
    return await cursor.fetchall()
