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
# A corrected one had it once: past states show it. Others must not hide words by repeating them.
_WITH_EFFECT: Final = frozenset({"EFFECTIVE", "CORRECTED"})


class Guarded:
    """The guarded events of some subjects, as somebody sees them."""

    def __init__(self, told: list[tuple[HistoryEntry, bool]]) -> None:
        self.entries = [entry for entry, _ in told]
        self._told = {_place(entry): may for entry, may in told}
        self.words = Words()
        """Of those whose words rows and states may hold."""
        for entry, may in told:
            if entry.verdict in _WITH_EFFECT:
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
    connection: Connection, subjects: Collection[str], sight: Sight, log: DirectoryLog
) -> Guarded:
    """What is guarded on some subjects."""
    asked = {"subjects": list(subjects)}
    cursor = await connection.execute(_SQL["guarded"], asked)
    entries = [entry_from(row, log.at) for row in await cursor.fetchall()]
    if not entries:
        return Guarded([])
    cursor = await connection.execute(_SQL["custodians"], asked)
    custodians = {subject: set(agencies) for subject, agencies in await cursor.fetchall()}
    told = [
        (entry, may_be_told(event, sight, custodians.get(event.subject, ())))
        for entry in entries
        for event in (entry.recorded.event,)
    ]
    return Guarded(told)


def _place(entry: HistoryEntry) -> tuple[int, int]:
    return entry.recorded.partition, entry.recorded.offset
