"""What the intake asks of the read models, answered: rooms that write do not reach them themselves.

Verdicts in advance are asked for together, whatever requests wait for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from producers.intake.gathering import Gathered
from producers.intake.read_models import Foreseen, Place
from projections import recorded as projected
from projections.foresight import verdicts_in_advance
from runut.adapters.postgres import Lend
from runut.directory_log import DirectoryLog
from runut.event import Event, Recorded

AT_ONCE: Final = 256
"""Verdicts asked for together at most."""
PATIENCE_S: Final = 5.0
POLL_S: Final = 0.02

Asked = tuple[Recorded, DirectoryLog]


class PostgresReadModels:
    """The read models, by connections that are lent."""

    def __init__(self, lend: Lend, *, patience_s: float = PATIENCE_S) -> None:
        """Take how long to wait for the projector."""
        self._lend = lend
        self._patience_s = patience_s
        self._verdicts = Gathered(self._foresee, AT_ONCE)

    async def foresee(self, recorded: Recorded, directories: DirectoryLog) -> Foreseen:
        """The verdict on an event as if it stood in the log behind all that is projected."""
        return await self._verdicts((recorded, directories))

    async def find(self, event: Event) -> Place | None:
        """Where the agency's first authentic event with this one's id stands."""
        async with self._lend() as connection:
            found = await projected.find_event(
                connection, event.agency, event.event_id, event.subject
            )
        return Place(found.partition, found.offset, found.content) if found else None

    async def is_projected(self, partition: int, offset: int) -> bool:
        """Whether a place of the log is projected, waiting for it for some seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_s
        while True:
            async with self._lend() as connection:
                if await projected.is_projected(connection, partition, offset):
                    return True
            if loop.time() > until:
                return False
            await asyncio.sleep(POLL_S)

    async def _foresee(self, asked: Sequence[Asked]) -> list[Foreseen]:
        records = [recorded for recorded, _ in asked]
        directories = asked[-1][1].at  # it only grows: the last one knows all that the others do
        async with self._lend() as connection:
            entries = await verdicts_in_advance(connection, directories, records)
        return [Foreseen(entry.verdict, entry.codes) for entry in entries]
