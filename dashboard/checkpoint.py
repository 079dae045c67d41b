"""The latest checkpoint, as answers name it in a header: size and root of the log of seals.

Asked for once a second at most: it changes when the sealer seals.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final

from projections.seals.log import latest_checkpoint
from runut.adapters.postgres import Lend

FRESH_S: Final = 1.0


class KnownCheckpoint:
    """What is known of the log of seals."""

    def __init__(self, lend: Lend) -> None:
        self._lend = lend
        self._asked_at = -math.inf
        self._found: str | None = None

    async def __call__(self) -> str | None:
        """`SIZE ROOT`, the root in base64; None where nothing is sealed yet."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at >= FRESH_S:
            self._asked_at = now  # others need not ask meanwhile
            self._found = await self._latest()
        return self._found

    async def _latest(self) -> str | None:
        async with self._lend() as connection:
            return await latest_checkpoint(connection)
