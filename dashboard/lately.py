"""Figures that go through the whole history, made once for all who ask for them within seconds.

Only for what is the same for all readers and stands in no part of a page that is live: it may be
older than the rest of the page, by `USABLE_S` at most. Owns when they are made again: what nobody
waits for one after the other, so that the pages asked for meanwhile have the other cores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any, Final, TypeVar, cast

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")

FRESH_S: Final = 5.0
"""So long nothing is made again."""
USABLE_S: Final = 20.0
"""What is older than fresh is given, and made again for those who come next."""
KEPT: Final = 64
"""Answers, those made last."""


class Lately:
    """What was asked lately, with its answers."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, _Answer] = {}
        self._turn = asyncio.Lock()

    async def get(self, question: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question, which stands for all that decides what `make` gives.

        What `make` raises is raised to who has to wait for it.
        """
        answer = self._answers.pop(question, None) or _Answer()
        self._answers[question] = answer
        while len(self._answers) > KEPT:
            del self._answers[next(iter(self._answers))]
        age_s = answer.age_s
        if age_s > USABLE_S:
            await asyncio.shield(answer.making(make))
        elif age_s > FRESH_S:
            answer.making(partial(self._in_turn, make))
        return cast(T, answer.found)

    async def _in_turn(self, make: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            return await make()


class _Answer:
    """To one question."""

    def __init__(self) -> None:
        self.found: Any = None
        self._made_at: float | None = None
        self._making: asyncio.Task[None] | None = None

    @property
    def age_s(self) -> float:
        """How long ago it was asked for, before it was made."""
        now = asyncio.get_running_loop().time()
        return float("inf") if self._made_at is None else now - self._made_at

    def making(self, make: Callable[[], Awaitable[Any]]) -> asyncio.Task[None]:
        """Its making, which is one for all."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make(make))
            self._making.add_done_callback(_say_failure)
        return self._making

    async def _make(self, make: Callable[[], Awaitable[Any]]) -> None:
        asked_at = asyncio.get_running_loop().time()
        self.found = await make()
        self._made_at = asked_at


def _say_failure(task: asyncio.Task[None]) -> None:
    """Also of what nobody waits for."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("figures could not be made", reason=str(error))
