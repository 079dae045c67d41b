"""Read the log into trees: every partition of the events, and the directory.

Owns the sealer's consumer. Where reading goes on is where the stored trees end; a batch's leaves
are stored before the next one is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final

from aiokafka.structs import TopicPartition

from consumers.leaves import PartitionTree, grow
from consumers.signature_checks import SignatureChecker
from projections.seals.store import SealStore
from runut.adapters import kafka
from runut.adapters.kafka_records import LogConsumer
from runut.directory_follower import DirectoryFollower
from runut.errors import SealMismatch
from runut.log_reader import MARKER_PREFIX
from runut.records import RawRecord
from runut.seals import Seal
from runut.settings import Settings

MAX_RECORDS: Final = 20_000
"""In one transaction at most."""
POLL_MS: Final = 500
FRESH_S: Final = 10.0
"""So old may be what is known of the log's ends: far less than clocks may be apart."""

Trees = Mapping[tuple[str, int], PartitionTree]


class TreeReading:
    """Grows the trees of a ledger from its log."""

    def __init__(
        self,
        settings: Settings,
        consumer: LogConsumer,
        follower: DirectoryFollower,
        store: SealStore,
        trees: Trees,
        checker: SignatureChecker,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._follower = follower
        self._store = store
        self._trees = {TopicPartition(*place): tree for place, tree in trees.items()}
        self._checker = checker
        self._directory = self._trees[TopicPartition(settings.directory_topic, 0)]
        # What is stored may hold markers whose directory records are not stored yet.
        self._announced = follower.log.size
        self._ends: Mapping[TopicPartition, int] = {}
        self._looked_at = -FRESH_S
        consumer.assign(list(self._trees))
        self._go_to_ends()

    @property
    def is_whole(self) -> bool:
        """Whether the directory was read as far as what was read of the partitions announces it.

        A seal of less would have events judged by another directory than the one before them.
        """
        return self._directory.size >= self._announced

    async def is_up_to_date(self) -> bool:
        """Whether all was read that the log held moments ago.

        A seal of less would say of old records that they came after it, which witnesses then swear.
        """
        if await self._is_behind():
            return False
        if monotonic() - self._looked_at > FRESH_S:
            self._looked_at = monotonic()
            self._ends = await kafka.end_offsets(self._settings, self._consumer, self._trees)
        return not await self._is_behind()

    async def _is_behind(self) -> bool:
        # By where reading is: the last offsets may hold no record, and no leaf yet.
        for place, end in self._ends.items():
            if await self._consumer.position(place) < end:
                return True
        return False

    async def read(self) -> None:
        """Read what came since, waiting a moment for the first of it.

        Raises:
            Unreachable: Kafka does not answer.
            FencedOut: somebody else is the sealer.
        """
        await self._take(await self._fetch(self._trees), {})

    async def read_up_to(self, seal: Seal) -> None:
        """Read as many records as a seal covers, and no more.

        Raises:
            SealMismatch: the log does not have so many.
        """
        sizes = {TopicPartition(*head.place): head.size for head in seal.heads}
        await self._demand(seal.index, sizes)
        while left := [place for place, size in sizes.items() if self._trees[place].size < size]:
            await self._take(await self._fetch(left), sizes)
        self._go_to_ends()

    async def _demand(self, index: int, sizes: Mapping[TopicPartition, int]) -> None:
        for place in sizes.keys() - self._trees.keys():
            raise SealMismatch(index, "trees", "those of this ledger", f"{place.topic}/{place[1]}")
        ends = await kafka.end_offsets(self._settings, self._consumer, sizes)
        for place, size in sizes.items():
            if ends[place] < size:
                where = f"records of {place.topic}/{place.partition}"
                raise SealMismatch(index, where, f"at least {size}", ends[place])

    async def _fetch(
        self, places: Sequence[TopicPartition] | Mapping[TopicPartition, object]
    ) -> Mapping[TopicPartition, list[RawRecord]]:
        with kafka.translated(self._settings):
            return await self._consumer.getmany(  # type: ignore[no-any-return]
                *places, timeout_ms=POLL_MS, max_records=MAX_RECORDS
            )

    async def _take(
        self,
        fetched: Mapping[TopicPartition, list[RawRecord]],
        sizes: Mapping[TopicPartition, int],
    ) -> None:
        """Store the leaves of what was fetched; of a partition with a size, up to that."""
        if any(_changes_directory(one) for some in fetched.values() for one in some):
            await self._follower.catch_up()
            self._announced = self._follower.log.size
        growths = []
        for place, some in fetched.items():
            tree, size = self._trees[place], sizes.get(place)
            fitting = [one for one in some if size is None or one.offset < size]
            came_to_end = size is not None and len(fitting) < len(some)
            growths.append(grow(tree, fitting, self._checker, size or 0 if came_to_end else 0))
        if growths:
            await self._store.grow(growths, self._checker.take_new())

    def _go_to_ends(self) -> None:
        for place, tree in self._trees.items():
            self._consumer.seek(place, tree.size)


def _changes_directory(record: RawRecord) -> bool:
    """Whether it announces directory records, or is one."""
    return record.key is not None and record.key.startswith(MARKER_PREFIX)
