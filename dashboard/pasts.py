"""Past moments that were asked for of late, each in tables of its own on a connection of its own.

What was known at a moment stays as it is, so tables that were made for one answer serve the next.
Owns those connections: how many there are, and that they are closed. Asks nothing itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Final

from dashboard.room import Room
from projections.known import Known, kept_past, known_then
from runut.adapters.postgres import Connection, Lend
from runut.directory_log import DirectoryLog
from runut.errors import RunutError

KEPT: Final = 3
"""Moments, those asked for last."""


class Pasts:
    """Tables of past moments."""

    def __init__(self, lend: Lend) -> None:
        """Take who makes connections, and closes them."""
        self._lend = lend
        self._kept: dict[datetime, _Past] = {}

    @asynccontextmanager
    async def at(
        self, present: Connection, moment: datetime, directory: DirectoryLog
    ) -> AsyncIterator[Known]:
        """The tables of a moment, for one asker at a time.

        `present` says what is known of the moment by now: a projector may lag behind it.

        Raises:
            Busy: others ask about it, and take too long.
        """
        past = self._kept.pop(moment, None) or _Past(moment)
        self._kept[moment] = past  # the last one asked for
        async with past.room.taken():
            try:
                yield await past.known(await known_then(present, moment), self._lend, directory)
            except RunutError:
                raise
            except BaseException:  # perhaps in the middle of an answer
                await past.close()
                raise
            finally:
                await self._close_old()
                if self._kept.get(moment) is not past:
                    await past.close()

    async def _close_old(self) -> None:
        """Let go of those that nobody asked for of late."""
        for moment in list(self._kept)[:-KEPT]:
            if not self._kept[moment].room.is_full:
                await self._kept.pop(moment).close()

    async def close(self) -> None:
        """Let go of all."""
        while self._kept:
            await self._kept.popitem()[1].close()


class _Past:
    """One moment: nobody's until its tables are made."""

    def __init__(self, moment: datetime) -> None:
        self.room = Room("questions about that moment", 1)
        self._moment = moment
        self._known: Known | None = None
        self._held = AsyncExitStack()

    async def known(self, wanted: Known, lend: Lend, directory: DirectoryLog) -> Known:
        """Its tables, with all that is known of the moment by now."""
        if self._known is None or not _holds(self._known, wanted):
            await self.close()
            connection = await self._held.enter_async_context(lend())
            self._known = await kept_past(connection, self._moment, directory)
        return self._known

    async def close(self) -> None:
        """Let go of the connection, and with it of the tables."""
        self._known = None
        await self._held.aclose()


def _holds(known: Known, wanted: Known) -> bool:
    """Whether the same was known, with a connection that still stands."""
    return not known.connection.closed and (known.positions, known.directory_offset) == (
        wanted.positions,
        wanted.directory_offset,
    )
