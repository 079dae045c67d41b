"""Write what was made ready while the next is made ready: one write at a time, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Self


class WriteBehind:
    """Writes that nobody waits for until the next one, or the block's end."""

    def __init__(self) -> None:
        self._write: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Wait for the last write: the connection is free again, also where the block failed."""
        if error is None:
            await self._settle()
        elif self._write is not None:
            await asyncio.gather(self._write, return_exceptions=True)

    async def begin(self, write: Coroutine[None, None, None]) -> None:
        """Begin a write when the one before is done. Raises as that one did."""
        try:
            await self._settle()
        except BaseException:
            write.close()
            raise
        self._write = asyncio.create_task(write)

    async def _settle(self) -> None:
        if self._write is not None:
            write, self._write = self._write, None
            await write
