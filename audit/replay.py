"""Replay the ledger: all partitions at once in processes of their own, or one subject.

Owns the sharing of one snapshot; what is compared, and how, is `audit.partition_replay`'s. A
process holds one partition's events in memory at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from audit import tables
from audit.facts import Difference, differences, directory_facts
from audit.partition_replay import Part, Replayed, Wanted, replay_partition
from projections.folds.subject import FoldedSubject
from projections.processes import count, in_processes
from projections.store import Position
from runut.adapters.postgres import Connection
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import NotFound
from runut.partitioner import partition_of
from runut.settings import Settings

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
        calls = [(settings, shared, wanted, one) for one in positions]
        total = sum(one.next_offset for one in positions)
        parts = in_processes(_in_process, calls, processes, lambda read: progress(read, total))
        for part in await parts:
            names.update(part.names)
            found.add(part.replayed)
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


def _in_process(settings: Settings, shared: str, wanted: Wanted, position: Position) -> Part:
    async def work() -> Part:
        async with tables.snapshot_of(settings, shared) as connection:
            return await replay_partition(settings, connection, wanted, position, count)

    return asyncio.run(work())
