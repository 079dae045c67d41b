"""Present states for whoever asks over HTTP: asked for together, whatever requests wait for one.

Owns connections of their own, since what is asked there is always the same: PostgreSQL plans it
once, and not each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Self

from producers.intake.gathering import Gathered
from projections.portraits import SHOWN
from projections.present import Present, Seen, present
from runut.adapters.postgres import Pool
from runut.event import subject_kind
from runut.settings import Settings

CONNECTIONS: Final = 2
AT_ONCE: Final = 64
"""States asked for together at most."""
SESSION: Final = {
    "default_transaction_read_only": "on",
    "statement_timeout": "20s",
    "plan_cache_mode": "force_generic_plan",
}


class PresentStates:
    """From subjects and who sees them to what they are now, as long as it is entered."""

    def __init__(self, settings: Settings) -> None:
        """Take where the read models are."""
        self._pool = Pool(settings, name="runut web states", size=CONNECTIONS, session=SESSION)
        self._gathered = {kind: Gathered(partial(self._of_kind, kind), AT_ONCE) for kind in SHOWN}

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._pool.__aexit__(*error)

    async def __call__(self, seen: Seen) -> Present | None:
        """A subject of a kind that has a state; None where it may not be seen, or is not there."""
        return await self._gathered[subject_kind(seen.subject)](seen)

    async def _of_kind(self, kind: str, asked: Sequence[Seen]) -> list[Present | None]:
        async with self._pool.lent() as connection:
            found = await present(connection, kind, asked)
        return [found.get(one) for one in asked]
