"""Read the events topic straight from Kafka, up to places that somebody names.

Owns nothing but the reading: each record is what `runut.log_reader` says it is, so that an auditor
reads as the projector does. Memory holds what is asked for of one partition at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from runut.adapters import kafka
from runut.directory_log import DirectoryLog
from runut.errors import LedgerMismatch, NotAnEvent
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.merkle import Frontier
from runut.records import RawRecord, filler_leaf
from runut.seals import TreeHead
from runut.settings import Settings


class Rejected(NamedTuple):
    """A record that is no event, and why."""

    record: RawRecord
    recorded_at: datetime
    reason: str


@dataclass
class PartitionLog:
    """What a partition holds, from its first record up to a place in it."""

    partition: int
    subjects: dict[str, list[Recorded]] = field(default_factory=dict)
    """Events by subject, each in log order."""
    rejected: list[Rejected] = field(default_factory=list)
    last: RawRecord | None = None
    recorded_at: datetime | None = None
    directory_offset: int = -1


async def read_partition(
    settings: Settings,
    directories: DirectoryLog,
    partition: int,
    end: int,
    *,
    only: str | None = None,
    sealed: TreeHead | None = None,
    passed: Callable[[int], None] = lambda _count: None,
) -> PartitionLog:
    """Read a partition up to before offset `end`; `only` keeps one subject's events alone.

    Where a seal's head is given, what was read has to be what was sealed.

    `directories` reaches at least as far as the partition announces until there. `passed` is told
    how many records were read since it was told last.

    Raises:
        LedgerMismatch: the log ends before `end`, or begins after 0; or it is not as sealed.
        Unreachable: no broker answers.
    """
    log, tree = PartitionLog(partition), Frontier()
    reader = PartitionReader(partition, directories)
    key = only.encode() if only is not None else None
    async for records in kafka.records_of(settings, settings.events_topic, partition, end):
        for record in records:
            if key is not None and record.key != key and reader.announces(record) is None:
                reader.pass_by(record)
            else:
                _take(log, reader, record)
            if sealed is not None and record.offset < sealed.size:
                _grow(tree, record)
        log.last = records[-1]
        passed(len(records))
    log.recorded_at, log.directory_offset = reader.recorded_at, reader.directory_offset
    if sealed is not None and (tree.size, tree.root()) != (sealed.size, sealed.root):
        raise LedgerMismatch(
            f"{sealed.topic}/{partition}: expected {sealed.size} records of the sealed root "
            f"{sealed.root.hex()}, found {tree.size} of {tree.root().hex()}"
        )
    return log


def _grow(tree: Frontier, record: RawRecord) -> None:
    while tree.size < record.offset:
        tree.append(filler_leaf(record.topic, record.partition, tree.size))
    tree.append(record.leaf())


def _take(log: PartitionLog, reader: PartitionReader, record: RawRecord) -> None:
    try:
        recorded = reader.read(record)
    except NotAnEvent as error:
        log.rejected.append(Rejected(record, reader.now, str(error)))
        return
    if recorded is not None:
        log.subjects.setdefault(recorded.event.subject, []).append(recorded)
