"""How far the read models are: what an answer is made from, and whether another would differ.

Owns what besides the log can change an answer: what fell due since, and midnight somewhere. Within
a snapshot of the caller's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from projections.following import Positions, positions
from projections.install import model_version
from projections.queries import queries
from runut.adapters.postgres import Connection

QUARTER: Final = timedelta(minutes=15)
"""Midnight of every time zone falls on one: what depends on the day changes then."""
MODEL_VERSION: Final = model_version()

_SQL: Final = queries("versions")


class Origin(msgspec.Struct, frozen=True):
    """From what an answer was made."""

    positions: Positions
    """Of each partition the offset of the next record."""
    checkpoint: str | None
    """The latest one that was known; null where nobody seals."""
    model_version: str = MODEL_VERSION
    """Of the read models' tables."""


async def ledger_version(connection: Connection, now: datetime) -> list[Any]:
    """Something that is another whenever an answer about the whole ledger may be."""
    cursor = await connection.execute(_SQL["limit_passed"], {"now": now, "subject": None})
    return [sorted((await positions(connection)).items()), await cursor.fetchone(), *_hour(now)]


async def subject_version(connection: Connection, subject: str, now: datetime) -> list[Any]:
    """Something that is another whenever an answer about one subject may be."""
    events = await connection.execute(_SQL["events_of"], {"subject": subject})
    passed = await connection.execute(_SQL["limit_passed"], {"now": now, "subject": subject})
    (count,) = await events.fetchone() or (None,)
    (last,) = await passed.fetchone() or (None,)
    return version_of_subject(subject, count, last, now)


def version_of_subject(
    subject: str, events: int | None, limit_passed: datetime | None, now: datetime
) -> list[Any]:
    """The same for whoever knows how many events it has, and its last limit that passed."""
    return [subject, events, limit_passed, *_hour(now)]


def _hour(now: datetime) -> list[Any]:
    return [MODEL_VERSION, int(now.timestamp() // QUARTER.total_seconds())]
