"""Remind debtors before a limit: notices, no events.

Owns how far each span of the protocol's reminders was gone through: a cursor that moves over the
index of due dates in the transaction that writes the notices, so that each goes out once. Who makes
a commitment that is due so soon is not reminded of it at once; who has reported it done, not
any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from projections.due import Owed, move_cursor, owed_between, reminded_until
from projections.notices import Notice, enqueue
from runut.adapters.postgres import Connection
from runut.directory import Directory
from runut.event_ids import DerivedIds, ids_of
from runut.rfc3339 import format_time


async def remind(connection: Connection, directory: Directory, known_until: datetime) -> None:
    """Write the reminders that are to go out at a moment up to which the past is known."""
    protocol = directory.protocol_at(known_until)
    if protocol is None:
        return
    for span in protocol.reminders:
        until = span.after(known_until, directory.calendar, protocol.timezone)
        await _remind(connection, directory, str(span), known_until, until)


async def _remind(
    connection: Connection, directory: Directory, span: str, now: datetime, until: datetime
) -> None:
    reminded = await reminded_until(connection, span)
    if reminded is not None and until <= reminded:
        return
    after = now if reminded is None else max(reminded, now)
    ids = ids_of(directory)
    async with connection.transaction():
        async for owed in owed_between(connection, after, until, known_at=now):
            debtors = _to_be_told(owed, directory)
            await enqueue(connection, [_reminder(ids, span, one, now) for one in debtors])
        await move_cursor(connection, span, until)


def _to_be_told(owed: Iterable[Owed], directory: Directory) -> Iterator[Owed]:
    """The ledger's own agency needs no reminder."""
    for one in owed:
        debtor = directory.agency(one.debtor)
        if debtor is not None and debtor.kind != "SYSTEM":
            yield one


def _reminder(ids: DerivedIds, span: str, owed: Owed, now: datetime) -> Notice:
    due_at = format_time(owed.due_at)
    return Notice(
        notice_id=ids.of("REMINDER", span, owed.subject, owed.commitment_id, due_at),
        agency=owed.debtor,
        kind="REMINDER",
        subject=owed.subject,
        about=owed.commitment_id,
        due_at=owed.due_at,
        made_at=now,
    )
