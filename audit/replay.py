"""Replay the ledger: all partitions at once in processes of their own, or one subject.

Owns the sharing of work and of one snapshot; what is compared, and how, is
`audit.partition_replay`'s. A process holds one partition's events in memory at a time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Final

from audit import tables
from audit.facts import Difference, differences, directory_facts
from audit.partition_replay import Part, Replayed, Wanted, replay_partition
from projections.folds.subject import FoldedSubject
from projections.store import Position
from runut.adapters.postgres import Connection
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import NotFound
from runut.partitioner import partition_of
from runut.settings import Settings

POLL_S: Final = 0.1

Progress = Callable[[int, int], None]
"""Told how many records were read, of how many."""


async def replay_subject(settings: Settings, wanted: Wanted) -> tuple[Replayed, FoldedSubject]:
    """Replay one subject from Kafka and compare; gives it as folded, too.

    Raises:
        NotFound: the log holds nothing of it, or held nothing then.
        LedgerMismatch: Kafka holds less than the read models say they have seen.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    subject = wanted.subject or ""
    directories = await _directory(settings)
    partition = partition_of(subject.encode(), founded(directories.latest.ledger).partitions)
    async with tables.snapshot_of(settings) as connection:
        position = next(
            one for one in await tables.positions(connection) if one.partition == partition
        )
        part = await replay_partition(settings, connection, wanted, position)
    if part.folded is None:
        raise NotFound(subject, "no event of it was recorded in the log")
    return part.replayed, part.folded


async def replay(
    settings: Settings,
    wanted: Wanted,
    *,
    processes: int | None = None,
    progress: Progress = lambda _read, _total: None,
) -> Replayed:
    """Replay everything from Kafka, in so many processes (one a core), and compare.

    Raises: as `replay_subject`, but NotFound.
    """
    async with tables.snapshot_of(settings) as connection:
        positions = await tables.positions(connection)
        shared = await tables.share(connection)
        found, names = Replayed({}), set[str]()
        for part in await _parts(settings, shared, wanted, positions, processes, progress):
            names.update(part.names)
            found.add(part.replayed)
        if wanted.as_of is None:
            unknown = sorted(await tables.known_subjects(connection) - names)
            found.differ([Difference(one, "subject", "", None, "there") for one in unknown])
            found.differ(await _directory_differs(settings, connection))
    return found


async def _directory_differs(settings: Settings, connection: Connection) -> list[Difference]:
    """Where the directory that readers go by is not Kafka's, as far as they have it."""
    found = await tables.directory_records(connection)
    follower = DirectoryFollower(settings)
    try:
        records = await follower.start()
    finally:
        await follower.stop()
    log = directory_facts(records[: len(found)])
    return list(differences(log, directory_facts(found)))


async def _directory(settings: Settings) -> DirectoryLog:
    async with DirectoryFollower(settings) as follower:
        return follower.log


async def _parts(
    settings: Settings,
    shared: str,
    wanted: Wanted,
    positions: Sequence[Position],
    processes: int | None,
    progress: Progress,
) -> list[Part]:
    """Every partition's part, as many at once as there are processes."""
    context = get_context("spawn")  # a fork would share this process's connections
    read = context.Value("Q", 0)
    total = sum(one.next_offset for one in positions)
    count = max(1, min(processes or os.cpu_count() or 1, len(positions)))
    with _pool(count, context, read) as pool:
        waiting = [
            asyncio.wrap_future(pool.submit(_in_process, settings, shared, wanted, one))
            for one in positions
        ]
        while waiting:
            _, left = await asyncio.wait(
                waiting, timeout=POLL_S, return_when=asyncio.FIRST_EXCEPTION
            )
            progress(read.value, total)
            if not left or any(one.done() and one.exception() for one in waiting):
                break
        return await asyncio.gather(*waiting)


@contextmanager
def _pool(count: int, context: Any, read: Any) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(count, context, _share_counter, (read,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


_read: Any = None
"""Of a process in the pool: the counter of records that all of them read."""


def _share_counter(read: Any) -> None:
    global _read  # noqa: PLW0603 how a pool hands something to each of its processes
    _read = read


def _count(records: int) -> None:
    with _read.get_lock():
        _read.value += records


def _in_process(settings: Settings, shared: str, wanted: Wanted, position: Position) -> Part:
    async def work() -> Part:
        async with tables.snapshot_of(settings, shared) as connection:
            return await replay_partition(settings, connection, wanted, position, _count)

    return asyncio.run(work())
