"""What of some subjects is guarded, and whether somebody may be told (`projections.guarded`).

Within a snapshot of the caller's. Most subjects have nothing that is guarded, and cost one look
into a small index.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from projections.batch import HistoryEntry
from projections.guarded import Words, may_be_told
from projections.history import entry_from
from projections.queries import queries
from projections.rights import Sight
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog

_SQL: Final = queries("rights")
# A corrected one had it once. Others must not hide words by repeating them.
_WITH_EFFECT: Final = frozenset({"EFFECTIVE", "CORRECTED"})
# A past state may hold what counts no more, or what counts in the order of occurring alone.
_MAY_HAVE_HAD: Final = _WITH_EFFECT | {"IRREGULAR"}


class Guarded:
    """The guarded events of some subjects, as somebody sees them now or as of the past."""

    def __init__(self, told: list[tuple[HistoryEntry, bool]], *, is_past: bool = False) -> None:
        self.entries = [entry for entry, _ in told]
        self._told = {_place(entry): may for entry, may in told}
        self.words = Words()
        """Of those whose words rows and states may hold."""
        counting = _MAY_HAVE_HAD if is_past else _WITH_EFFECT
        for entry, may in told:
            if entry.verdict in counting and entry.recorded.is_authentic:
                self.words.add(entry, may)

    def __bool__(self) -> bool:
        return bool(self._told)

    def is_guarded(self, entry: HistoryEntry) -> bool:
        """Whether an event is more than ORDINARY."""
        return _place(entry) in self._told

    def is_told(self, entry: HistoryEntry) -> bool:
        """Whether somebody may read what an event says."""
        return self._told.get(_place(entry), True)


async def guarded(
    connection: Connection,
    subjects: Collection[str],
    sight: Sight,
    log: DirectoryLog,
    *,
    is_past: bool = False,
) -> Guarded:
    """What is guarded on some subjects, for somebody who asks about the past with `is_past`."""
    asked = {"subjects": list(subjects)}
    cursor = await connection.execute(_SQL["guarded"], asked)
    entries = [entry_from(row, log.at) for row in await cursor.fetchall()]
    if not entries:
        return Guarded([])
    custodians = await custodians_of(connection, subjects)
    told = [
        (entry, may_be_told(event, sight, custodians.get(event.subject, ())))
        for entry in entries
        for event in (entry.recorded.event,)
    ]
    return Guarded(told, is_past=is_past)


async def custodians_of(connection: Connection, subjects: Collection[str]) -> dict[str, set[str]]:
    """Every agency that ever had a case, of those that anybody had."""
    cursor = await connection.execute(_SQL["custodians"], {"subjects": list(subjects)})
    return {subject: set(agencies) for subject, agencies in await cursor.fetchall()}


def _place(entry: HistoryEntry) -> tuple[int, int]:
    return entry.recorded.partition, entry.recorded.offset
