"""Questions that come one by one, asked together.

While an answer is under way, what is asked meanwhile waits and goes as one: the busier, the fewer
journeys each costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Gathered(Generic[Question, Answer]):
    """Asks for many at once what is asked of it for one."""

    def __init__(
        self, ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], at_most: int
    ) -> None:
        """Take what answers up to `at_most` questions, in their order."""
        self._ask = ask
        self._at_most = at_most
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, question: Question) -> Answer:
        """The answer to one question. Raises what asking raised."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                # One turn of the loop: what is ready to ask goes along.
                await asyncio.sleep(0)
                some = self._waiting[: self._at_most]
                del self._waiting[: self._at_most]
                await self._answer(some)
        finally:
            self._asking = None

    async def _answer(self, some: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._ask([question for question, _ in some])
        except Exception as error:
            for _, waiting in some:
                if not waiting.done():  # whoever asked may have gone
                    waiting.set_exception(error)
            return
        for (_, waiting), answer in zip(some, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)
