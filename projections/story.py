"""A subject with everything that is told of it: state, all its rows, and a part of its history.

Now, from the tables; or as of a past moment by recorded or occurred time, folded again by the same
pure folds (events.md §3). Within a snapshot of the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from projections.batch import HistoryEntry
from projections.folds.rows import (
    TABLES,
    Absorption,
    Assistance,
    Commitment,
    Contact,
    CustodyInterval,
    Decision,
    Letter,
    Row,
    Transfer,
)
from projections.folds.subject import Directories, FoldedSubject, state_as_of
from projections.portraits import SHOWN, Document, plain
from projections.queries import queries
from projections.reading import By, load_entries, load_some_entries, standings_of
from projections.render import Standing
from runut.adapters.postgres import Connection
from runut.errors import NotFound
from runut.event import subject_kind

TOLD: Final[Mapping[str, tuple[type[Row], ...]]] = {
    **SHOWN,
    "case": (
        *(CustodyInterval, Transfer, Absorption, Commitment),
        *(Letter, Contact, Assistance, Decision),
    ),
}
"""Of each kind the rows of which its page tells."""

_SQL: Final = queries("story")
_LOAD: Final = queries("reading")["load_subject"]


class Story(msgspec.Struct, frozen=True):
    """A subject at a moment, and some of what happened to it."""

    standing: Standing
    entries: Sequence[HistoryEntry]
    """A part of the history, in the order of the log."""

    def rows(self, table: type[Row]) -> list[Document]:
        """Its rows of a table, as JSON has them."""
        assert table in TABLES  # noqa: S101 - a table of ours
        return [
            {name: plain(value) for name, value in msgspec.structs.asdict(row).items()}
            for row in self.standing.past.of(table)
        ]


async def story_now(
    connection: Connection, subject: str, directories: Directories, *, upto: int | None, limit: int
) -> Story:
    """As the tables have it, with the latest entries, or with those up to a number.

    Raises:
        NotFound: no event of it was ever recorded.
    """
    cursor = await connection.execute(_LOAD, {"subject": subject})
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(subject, "expected events of it in the ledger, found none")
    (standing,) = await standings_of(connection, [found], TOLD[subject_kind(subject)])
    last = standing.counts.events if upto is None else min(upto, standing.counts.events)
    first = max(0, last - limit)
    entries = await load_some_entries(
        connection, subject, directories, after_seq=first, limit=last - first
    )
    return Story(standing, entries)


async def story_then(
    connection: Connection,
    subject: str,
    directories: Directories,
    moment: datetime,
    by: By,
    *,
    upto: int | None,
    limit: int,
) -> Story:
    """As it was at a moment, with the verdicts that count then. Raises as `story_now`."""
    known = await load_entries(connection, subject, directories)
    folded = state_as_of([one.recorded for one in known], directories, moment, by)
    entries = _entries(folded, {_place(one): one.seq for one in known})
    before = [one for one in entries if upto is None or one.seq <= upto]
    return Story(Standing.of(subject, folded), before[-limit:])


async def moments(connection: Connection, subject: str) -> list[tuple[datetime, datetime]]:
    """When each event of a subject was recorded and when it occurred, in the order of the log."""
    cursor = await connection.execute(_SQL["moments"], {"subject": subject})
    return [(recorded_at, occurred_at) for recorded_at, occurred_at in await cursor.fetchall()]


def _entries(folded: FoldedSubject, numbers: Mapping[Any, int]) -> list[HistoryEntry]:
    """What was folded, each with its number in the whole history."""
    return [
        HistoryEntry(
            numbers[one.recorded.partition, one.recorded.offset],
            one.recorded,
            one.folded.verdict,
            one.folded.codes,
            one.folded.differs,
        )
        for one in folded.entries
    ]


def _place(entry: HistoryEntry) -> tuple[int, int]:
    return entry.recorded.partition, entry.recorded.offset
