"""Fold subjects again as they were known at a past moment, by recorded time.

Memory holds one chunk of them at a time. Owns what is loaded; within a snapshot of the caller's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from projections.folds.fold import KINDS
from projections.folds.subject import Directories, FoldedSubject, fold_subject
from projections.history import entry_from
from projections.queries import queries
from runut.adapters.postgres import Connection

SUBJECTS_AT_ONCE: Final = 50
"""A chunk is folded in one go, and nothing else happens meanwhile."""

_SQL: Final = queries("reading")


async def subjects_at(
    connection: Connection,
    directories: Directories,
    moment: datetime,
    *,
    only_changed: bool = False,
    after: str = "",
) -> AsyncIterator[tuple[str, FoldedSubject]]:
    """Every subject that was known at a moment, in order, after the events recorded until then.

    With `only_changed` those that got events since: the others are as the tables have them. Begins
    behind the subject `after`.
    """
    last = after
    while True:
        asked: dict[str, Any] = {
            "after": last,
            "kinds": list(KINDS),
            "changed_after": moment if only_changed else None,
            "limit": SUBJECTS_AT_ONCE,
        }
        cursor = await connection.execute(_SQL["next_subjects"], asked)
        subjects = [row[0] for row in await cursor.fetchall()]
        if not subjects:
            return
        asked = {"subjects": subjects, "moment": moment}
        cursor = await connection.execute(_SQL["load_histories_until"], asked)
        for subject, rows in groupby(await cursor.fetchall(), key=lambda row: str(row[0])):
            records = [entry_from(row, directories).recorded for row in rows]
            yield subject, fold_subject(records, directories)
        last = subjects[-1]
