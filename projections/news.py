"""Follow the history and put into the outbox whom it concerns.

Owns a cursor for each partition, which moves in the transaction that writes the notices: each goes
in once, and the projector knows nothing of it. Offsets are the log's own, so a rebuild makes none
again; whatever verdicts become later, a notice that was written stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from projections.concerned import (
    CONCERNING,
    Commitments,
    News,
    Owed,
    commitments_of,
    notices_of,
)
from projections.notices import enqueue
from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.directory import Directory
from runut.directory_writer import SYSTEM

PROMPT: Final = timedelta(days=1)
"""What agencies say is news if recorded so soon after it happened: files of past events are not."""
NEWS_FOR: Final = timedelta(days=14)
"""What was recorded longer ago is not news any more, should cursors be lost or nobody work."""
AT_ONCE: Final = 5_000
"""Records looked through in one transaction."""

_SQL: Final = queries("notices")


async def follow(connection: Connection, directory: Directory, now: datetime) -> bool:
    """Write the notices of what was projected since the last call; False if that was nothing.

    `now` is by the ledger's clock. The connection must not be within a transaction yet.
    """
    cursor = await connection.execute(_SQL["grown"])
    grown = await cursor.fetchall()
    for partition, after, end in grown:
        async with connection.transaction():
            until = min(end, after + AT_ONCE)
            news = await _news(connection, partition, after, until, now - NEWS_FOR)
            commitments = await _commitments(connection, news)
            notices = [each for one in news for each in notices_of(one, commitments, directory)]
            await enqueue(connection, notices)
            moved = {"partition": partition, "next_offset": until}
            await connection.execute(_SQL["move_cursor"], moved)
    return bool(grown)


async def _news(
    connection: Connection, partition: int, after: int, until: int, since: datetime
) -> list[News]:
    asked = {
        "partition": partition,
        "after": after,
        "until": until,
        "since": since,
        "prompt": PROMPT,
        "ledger": SYSTEM,
        "types": list(CONCERNING),
    }
    cursor = await connection.execute(_SQL["news"], asked)
    return [News(*row) for row in await cursor.fetchall()]


async def _commitments(connection: Connection, news: Sequence[News]) -> Commitments:
    wanted = [(one.subject, ident) for one in news for ident in commitments_of(one)]
    if not wanted:
        return {}
    subjects, ids = zip(*wanted, strict=True)
    asked = {"subjects": list(subjects), "commitment_ids": list(ids)}
    cursor = await connection.execute(_SQL["owed"], asked)
    return {(subject, ident): Owed(*owed) for subject, ident, *owed in await cursor.fetchall()}
