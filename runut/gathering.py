"""When what waits for a signature is signed: not too soon, since a batch shares one.

A signature costs more than all else that happens to an event, for who signs and for everybody who
verifies. Owns the waiting alone; what is signed, and by whom, is `runut.producer`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import Final

LINGERS: Final = 8
"""How often what waits goes on waiting at most, while more keeps coming."""


class Gathering:
    """Calls for a signature when enough has come, or no more comes."""

    def __init__(self, waiting: Sized, linger_s: float, sign: Callable[[], None]) -> None:
        """Take what waits, which `sign` empties; it calls `done`."""
        self._waiting = waiting
        self._linger_s = linger_s
        self._sign = sign
        self.due: asyncio.Handle | None = None
        """What calls for it, once something waits."""

    def begin(self, *, is_alone: bool) -> None:
        """Something waits; while nothing else is under way, it only does so for this moment."""
        if is_alone:
            # Who else is about to send does so before.
            self.due = asyncio.get_running_loop().call_soon(self._sign)
        else:
            self._linger(LINGERS - 1)

    def done(self) -> None:
        """Nothing waits any more."""
        if self.due is not None:
            self.due.cancel()
            self.due = None

    def _linger(self, left: int) -> None:
        loop, count = asyncio.get_running_loop(), len(self._waiting)
        self.due = loop.call_later(self._linger_s, self._lingered, count, left)

    def _lingered(self, before: int, left: int) -> None:
        """Once more if more came, and it may be done so often."""
        if left and len(self._waiting) > before:
            self._linger(left - 1)
        else:
            self._sign()
