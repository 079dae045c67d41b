"""Fold subjects again as they were known at a past moment, by recorded time.

Memory holds one chunk of them at a time. Owns what is loaded; within a snapshot of the caller's.
"""

from __future__ import annotations

import asyncio
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
"""They are read together, and folded one by one: between them others have their turn."""

_SQL: Final = queries("reading")


async def changed_since(
    connection: Connection, directories: Directories, moment: datetime
) -> AsyncIterator[tuple[str, FoldedSubject]]:
    """Subjects that were known at a moment and got events since, after those recorded until then.

    In their order. All others are as the tables have them.
    """
    last = ""
    while True:
        asked: dict[str, Any] = {
            "after": last,
            "kinds": list(KINDS),
            "changed_after": moment,
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
            await asyncio.sleep(0)
        last = subjects[-1]
