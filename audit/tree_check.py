"""Hold one partition, as it is in Kafka, to every seal of it (integrity.md §2, §3, §6).

Reads each record once: its leaf into the tree, its signature, its time. Nothing that PostgreSQL
says is believed but the heads of seals, which hang on a checkpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import msgspec

from audit.documents import moment_of
from audit.witnessed_time import TOLERANCE, SeenSeal
from runut.adapters.kafka import record_at, records_of
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import BadInput, NotAnEvent, RunutError, Unreachable
from runut.log_reader import PartitionReader
from runut.merkle import Frontier
from runut.merkle_map import NO_RECORDS, Chain, MerkleMap
from runut.records import RawRecord, filler_leaf
from runut.rfc3339 import format_time
from runut.seals import TreeHead
from runut.settings import Settings


class Bound(msgspec.Struct, frozen=True):
    """A cosigned seal: what it lacks came after `made_at`, what it has before `seen_at`."""

    size: int
    made_at: datetime
    seen_at: datetime

    @classmethod
    def of(cls, one: SeenSeal, place: tuple[str, int]) -> Bound:
        """The bound that a seal is to a tree's records, as in bundles (decision 0191)."""
        return cls(one.seal.head(*place).size, one.made_at, one.seen_at)


class Last(msgspec.Struct, frozen=True):
    """The last record of a tree when it was verified, found again to see that it is still there."""

    offset: int
    leaf: bytes


class Reached(msgspec.Struct, frozen=True):
    """How far a tree was verified, to go on from there."""

    frontier: bytes = Frontier().to_bytes()
    recorded_at: datetime | None = None
    directory_offset: int = -1
    last: Last | None = None
    """None where there was no record yet."""

    @property
    def size(self) -> int:
        """How many leaves the tree had."""
        return Frontier.from_bytes(self.frontier).size


class TreeTask(msgspec.Struct, frozen=True):
    """A tree to verify: from where, and the heads that seals have of it, smallest first."""

    topic: str
    partition: int
    heads: tuple[TreeHead, ...]
    since: Reached = Reached()
    bounds: tuple[Bound, ...] = ()
    before: Reached = Reached()
    """How far it was verified before, though it be read from its start now."""
    clock: int | None = None
    """The timestamp type of directory records whose time counts; None where none does."""

    @property
    def name(self) -> str:
        """How it is called."""
        return f"{self.topic}/{self.partition}"

    @property
    def is_whole(self) -> bool:
        """Whether it is read from its start: only then is its map known."""
        return self.since == Reached()


class TreeFound(msgspec.Struct):
    """What was found of a tree; `failure` is thing, expected and found of what does not hold."""

    reached: Reached
    """As far as no later cosignature can say more of it: to the newest cosigned seal, if any."""
    records: int = 0
    fillers: int = 0
    signatures: dict[str, int] = msgspec.field(default_factory=dict)
    rejected: int = 0
    timed: int = 0
    """Records whose time was held between cosigned seals."""
    witnessed: int = 0
    """Those of them whose time lies before a cosigned seal."""
    failure: tuple[str, str, str] | None = None


async def check_tree(
    settings: Settings, task: TreeTask, passed: Callable[[int], None] = lambda _count: None
) -> TreeFound:
    """Verify a tree up to its last head.

    Raises:
        Unreachable: Kafka does not answer, which says nothing of the tree.
    """
    try:
        return await _Check(settings, task, passed).run()
    except BadInput as error:
        failure = (error.thing, error.expected, str(error.found))
    except Unreachable:
        raise
    except RunutError as error:
        failure = (task.name, "to be read as it was sealed", str(error))
    return TreeFound(task.since, failure=failure)


class _Check:
    """One tree under verification."""

    def __init__(self, settings: Settings, task: TreeTask, passed: Callable[[int], None]) -> None:
        self._settings = settings
        self._task = task
        self._passed = passed
        self._tree = Frontier.from_bytes(task.since.frontier)
        self._size_before = task.before.size
        self._heads = [one for one in task.heads if one.size >= self._tree.size]
        self._chains: dict[bytes, Chain] = {}
        self._map = MerkleMap()
        self._changed: set[bytes] = set()
        """Keys that have more records than the map says."""
        self._last = task.since.last
        self._signatures: Counter[str] = Counter()
        self._found = TreeFound(task.since)
        self._directory_at = task.since.recorded_at
        self._settled = task.bounds[-1].size if task.bounds else task.heads[-1].size

    async def run(self) -> TreeFound:
        task, end = self._task, self._task.heads[-1].size
        await self._demand_still_there()
        reader = await self._reader()
        self._demand_heads()
        records = records_of(self._settings, task.topic, task.partition, end, self._tree.size)
        async for some in records if self._tree.size < end else _nothing():
            for record in some:
                self._take(record, reader)
            self._passed(len(some))
        self._fill(end, reader)
        self._found.signatures = dict(self._signatures)
        return self._found

    async def _reader(self) -> PartitionReader | None:
        """What reads events; the directory's own records count by rules of their own."""
        if self._task.topic == self._settings.directory_topic:
            return None
        since = self._task.since
        return PartitionReader(
            self._task.partition,
            await _directory(self._settings),
            directory_offset=since.directory_offset,
            recorded_at=since.recorded_at,
        )

    def _take(self, record: RawRecord, reader: PartitionReader | None) -> None:
        self._fill(record.offset, reader)
        key, _, leaf = record.hashes()
        if self._task.is_whole:
            self._chains[key] = self._chains.get(key, NO_RECORDS).then(leaf)
            self._changed.add(key)
        self._last = Last(record.offset, leaf)
        self._append(leaf)
        self._found.records += 1
        if reader is not None:
            self._judge(record, reader)
        elif record.timestamp_type == self._task.clock:
            own = moment_of(record.timestamp_ms)
            self._directory_at = max(self._directory_at or own, own)
            self._demand_time(record.offset, self._directory_at)
        self._reach(reader)

    def _reach(self, reader: PartitionReader | None) -> None:
        if self._tree.size == self._settled:
            self._found.reached = Reached(
                self._tree.to_bytes(),
                reader.recorded_at if reader else self._directory_at,
                reader.directory_offset if reader else -1,
                self._last,
            )

    def _fill(self, end: int, reader: PartitionReader | None) -> None:
        task = self._task
        for offset in range(self._tree.size, end):
            self._append(filler_leaf(task.topic, task.partition, offset))
            self._found.fillers += 1
            self._reach(reader)

    def _append(self, leaf: bytes) -> None:
        self._tree.append(leaf)
        before = self._task.before
        if self._tree.size == self._size_before and self._tree.to_bytes() != before.frontier:
            thing = f"{self._task.name}, its first {before.size} records"
            raise BadInput(thing, "those that were verified before", "others")
        if self._heads and self._heads[0].size <= self._tree.size:
            self._demand_heads()

    def _demand_heads(self) -> None:
        """That the tree, at a size that seals have, is the one that they have."""
        while self._heads and self._heads[0].size == self._tree.size:
            head = self._heads.pop(0)
            root = self._tree.root()
            if root != head.root:
                before = self._task.since
                began = Frontier.from_bytes(before.frontier).size
                thing = f"{self._task.name}, records {began} to {head.size - 1}"
                raise BadInput(thing, f"those of the sealed root {head.root.hex()}", root.hex())
            if self._task.is_whole:
                self._demand_map(head)

    def _demand_map(self, head: TreeHead) -> None:
        self._map, _ = self._map.updated({key: self._chains[key] for key in self._changed})
        self._changed.clear()
        if self._map.root != head.map_root:
            thing = f"map of {self._task.name} at {head.size} records"
            raise BadInput(thing, head.map_root.hex(), self._map.root.hex())

    async def _demand_still_there(self) -> None:
        """That the log begins where it began, and has the last record that was verified.

        A log that was emptied, or shortened, has nothing new to be read.
        """
        last, task = self._task.since.last, self._task
        if last is None:
            return
        await record_at(self._settings, task.topic, task.partition, 0)
        found = await record_at(self._settings, task.topic, task.partition, last.offset)
        if found is None or found.leaf() != last.leaf:
            thing = f"{task.name}, record {last.offset}"
            raise BadInput(thing, "the one that was verified before", "another")

    def _judge(self, record: RawRecord, reader: PartitionReader) -> None:
        try:
            recorded = reader.read(record)
        except NotAnEvent:
            self._found.rejected += 1
        else:
            if recorded is not None:
                self._signatures[recorded.signature] += 1
        if reader.recorded_at is not None:
            self._demand_time(record.offset, reader.recorded_at)

    def _demand_time(self, offset: int, at: datetime) -> None:
        """That a record's time lies between the cosigned seals around it."""
        after, before = _around(self._task.bounds, offset)
        if after is not None and at < after.made_at - TOLERANCE:
            expected = f"not before the seal without it, {format_time(after.made_at)}"
            raise BadInput(f"time of {self._task.name}:{offset}", expected, format_time(at))
        if before is not None and at > before.seen_at + TOLERANCE:
            expected = f"not after the seal with it, {format_time(before.seen_at)}"
            raise BadInput(f"time of {self._task.name}:{offset}", expected, format_time(at))
        self._found.timed += 1
        self._found.witnessed += before is not None


def _around(bounds: Sequence[Bound], offset: int) -> tuple[Bound | None, Bound | None]:
    low, high = 0, len(bounds)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bounds[middle].size > offset else (middle + 1, high)
    return bounds[low - 1] if low else None, bounds[low] if low < len(bounds) else None


async def _directory(settings: Settings) -> DirectoryLog:
    async with DirectoryFollower(settings) as follower:
        return follower.log


async def _nothing() -> AsyncIterator[list[RawRecord]]:
    empty: tuple[list[RawRecord], ...] = ()
    for records in empty:
        yield records
