"""A bound on how long a block waits, for what every request passes through.

As asyncio.timeout, whose bookkeeping costs as much as reading an event from JSON does; within one
task, and without a way to move the end.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final


class Patience:
    """`with Patience(15): …` raises TimeoutError in place of what waits longer than 15 seconds.

    A task that is cancelled by others meanwhile stays cancelled.
    """

    __slots__ = ("_cancelling", "_is_over", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds: Final = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever waits is a task
        self._task = task
        self._cancelling = task.cancelling()
        self._is_over = False
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._end)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self._is_over:
            return
        is_ours_alone = self._task.uncancel() <= self._cancelling
        if is_ours_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()
