"""Do the same for many parts of the ledger in several processes, and count along.

Owns the pool and its one counter of records; what is done is the caller's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any, Final, TypeVar

T = TypeVar("T")

POLL_S: Final = 0.1
ORPHAN_POLL_S: Final = 0.5

_counter: Any = None
"""Of a process in the pool: what all of them have counted."""


class Pool:
    """Processes of one's own, which count along."""

    def __init__(self, executor: ProcessPoolExecutor, size: int, counter: Any) -> None:
        """Take what `pool_of` made."""
        self._executor = executor
        self._size = size
        self._counter = counter

    def start(self, work: Callable[[], None]) -> None:
        """Start all processes now, and have them import what some small work needs."""
        for _ in range(self._size):
            self._executor.submit(work)

    async def run(
        self,
        work: Callable[..., T],
        calls: Sequence[tuple[Any, ...]],
        progress: Callable[[int], None] = lambda _counted: None,
    ) -> list[T]:
        """What `work` gives for each call, as many at once as there are processes.

        `progress` is told what they have counted by `count` since. The first error ends all of it.
        """
        before = self._counter.value
        waiting = [asyncio.wrap_future(self._executor.submit(work, *call)) for call in calls]
        for one in waiting:
            one.add_done_callback(_look_at)
        left: set[asyncio.Future[T]] = set(waiting)
        while left and not any(one.done() and one.exception() for one in waiting):
            _, left = await asyncio.wait(left, timeout=POLL_S, return_when=asyncio.FIRST_EXCEPTION)
            progress(self._counter.value - before)
        return await asyncio.gather(*waiting)


async def in_processes(
    work: Callable[..., T],
    calls: Sequence[tuple[Any, ...]],
    processes: int | None = None,
    progress: Callable[[int], None] = lambda _counted: None,
) -> list[T]:
    """What `Pool.run` gives, of so many processes (one a core) that live no longer than that."""
    with pool_of(min(processes or os.cpu_count() or 1, len(calls))) as pool:
        return await pool.run(work, calls, progress)


def count(records: int) -> None:
    """Count records, in a process of the pool."""
    with _counter.get_lock():
        _counter.value += records


@contextmanager
def pool_of(processes: int) -> Iterator[Pool]:
    """So many processes, gone after the block."""
    context = get_context("spawn")  # a fork would share this process's connections
    counter = context.Value("Q", 0)
    size = max(1, processes)
    executor = ProcessPoolExecutor(size, context, _share, (counter, os.getpid()))
    try:
        yield Pool(executor, size, counter)
    except BaseException:
        # They would go on to the end of what they do, which may be minutes away.
        for process in active_children():
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Whoever is interrupted awaits it no more: asyncio would report that nobody asked."""
    if not future.cancelled():
        future.exception()


def _share(counter: Any, parent: int) -> None:
    global _counter  # noqa: PLW0603 how a pool hands something to each of its processes
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_end_as_orphan, args=(parent,), daemon=True).start()


def _end_as_orphan(parent: int) -> None:
    """A pool's process would wait for ever for work where whoever made the pool was killed."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_POLL_S)
    os._exit(1)
