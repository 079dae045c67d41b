"""Room for so many at a time: nobody waits for long, and nobody makes the others wait.

Owns the waiting; knows nothing of what for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from runut.errors import Busy

ROOM_WITHIN_S: Final = 5.0
TRY_AGAIN_S: Final = 10.0


class Room:
    """Room for so many at a time: whoever finds none in time is told to try again."""

    def __init__(self, what: str, size: int) -> None:
        self._what = what
        self._places = asyncio.Semaphore(size)

    @property
    def is_full(self) -> bool:
        """Whether whoever comes has to wait."""
        return self._places.locked()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """A place for as long as the block runs.

        Raises:
            Busy: none was free in time.
        """
        try:
            async with asyncio.timeout(ROOM_WITHIN_S):
                await self._places.acquire()
        except TimeoutError:
            raise Busy(self._what, TRY_AGAIN_S) from None
        try:
            yield
        finally:
            self._places.release()
