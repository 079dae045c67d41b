"""Project the log into read models beside the live ones, up to exactly the offsets asked for.

The projector follows the log to wherever it ends; here somebody else says where, so that two read
models can stand at the same place. Owns the positions of those that are made, in an epoch of its
own: what an earlier rebuild left running is fenced out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from aiokafka.structs import TopicPartition

from consumers.log_check import check_log
from consumers.rebuilding.share import REBUILDER
from consumers.recognizing import read_stretch
from projections.batch import fold_batch
from projections.loaded import Subjects
from projections.store import Position, Store
from runut.adapters import kafka, postgres
from runut.directory_follower import DirectoryFollower
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import VerifiedBatches


class CatchingUp:
    """The read models that are made, once they are loaded."""

    def __init__(self, made: Settings, follower: DirectoryFollower) -> None:
        """Take settings of the read models, and a directory that was started."""
        self.positions: dict[int, Position] = {}
        self._made = made
        self._follower = follower
        self._verified = VerifiedBatches()
        self._subjects = Subjects()

    async def __aenter__(self) -> Self:
        self._connection = await postgres.connect(self._made, name=REBUILDER, autocommit=True)
        self._store = Store(self._connection)
        self._consumer = kafka.consumer(self._made)
        await kafka.start(self._made, self._consumer)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()
        await self._connection.close()

    async def begin(self, directory: Sequence[RawRecord], partitions: Sequence[int]) -> None:
        """Write the directory down until here, and begin where the load ended.

        Raises:
            LedgerMismatch: an interrupted rebuild had loaded another log.
        """
        await self.save_directory(directory)
        self.positions = await self._store.claim(partitions)
        await check_log(self._made, list(self.positions.values()))

    async def ends(self) -> dict[int, int]:
        """Where the log ends now."""
        places = [TopicPartition(self._made.events_topic, one) for one in self.positions]
        ends = await kafka.end_offsets(self._made, self._consumer, places)
        return {place.partition: end for place, end in ends.items()}

    async def to(self, ends: Mapping[int, int]) -> int:
        """Project up to before these offsets; gives how many records that took.

        Raises:
            FencedOut: another rebuild is at it.
            LedgerMismatch, Unreachable: as reading the log raises.
        """
        behind = {
            TopicPartition(self._made.events_topic, one): position.next_offset
            for one, position in self.positions.items()
            if position.next_offset < ends.get(one, 0)
        }
        passed, left = 0, len(behind)
        if not behind:
            return 0
        async for found in kafka.read_to_end(self._made, self._consumer, behind):
            end = ends[found[0].partition]
            records = [one for one in found if one.offset < end]
            if records:
                passed += len(records)
                await self._project(self.positions[records[0].partition], records)
                left -= records[-1].offset + 1 == end
            if not left:
                break
        return passed

    async def save_directory(self, records: Sequence[RawRecord]) -> None:
        """Write down directory records, those that came meanwhile included."""
        new = [*records, *await self._follower.catch_up()]
        if new:
            await self._store.save_directory(new, self._follower.log.latest)

    async def _project(self, position: Position, records: list[RawRecord]) -> None:
        directory = self._follower
        stretch = await read_stretch(position, records, directory, self._read_on, self._verified)
        events, at = stretch.recorded, directory.log.at
        histories = await self._store.load(events, self._subjects, at)
        changes = fold_batch(events, self._subjects, histories, at)
        await self._store.commit([(position, stretch.after)], changes, stretch.quarantined)
        self._subjects.evict(changes.subjects)
        self.positions[position.partition] = stretch.after

    async def _read_on(self) -> None:
        await self.save_directory([])
