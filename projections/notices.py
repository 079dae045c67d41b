"""The outbox of notices: what agencies are to be told, written down before it is sent.

Owns how notices get into the outbox. A notice is no event: it changes nothing and is in no history.
Its id is derived from what it is about, so that it is written once however often it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec.structs import asdict

from projections.queries import queries
from runut.adapters.postgres import Connection

NoticeKind = Literal["REMINDER", "BREACH", "ESCALATION", "OFFER", "LETTER"]

_SQL: Final = queries("notices")


class Notice(msgspec.Struct, frozen=True):
    """Something that one agency is to be told."""

    notice_id: str
    """A UUID derived from what it is about."""
    agency: str
    """Who is told."""
    kind: NoticeKind
    subject: str
    about: str
    """Id of the commitment, transfer or letter."""
    due_at: datetime | None
    made_at: datetime


async def enqueue(connection: Connection, notices: Sequence[Notice]) -> None:
    """Put notices into the outbox; those that were put there before stay as they are."""
    async with connection.cursor() as cursor:
        await cursor.executemany(_SQL["enqueue"], [asdict(notice) for notice in notices])
