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
from msgspec.structs import replace

from consumers.log_check import check_log
from consumers.rebuilding.share import REBUILDER
from consumers.recognizing import recognize
from projections.batch import fold_batch
from projections.loaded import Subjects
from projections.store import Position, Quarantined, Store
from runut.adapters import kafka, postgres
from runut.directory_follower import DirectoryFollower
from runut.event import Recorded
from runut.log_reader import PartitionReader
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

    async def claim(self, partitions: Sequence[int]) -> None:
        """Begin where the load ended.

        Raises:
            LedgerMismatch: an interrupted rebuild had loaded another log.
        """
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

    async def _project(self, position: Position, records: Sequence[RawRecord]) -> None:
        events, quarantined, after = await self._read(position, records)
        directories = self._follower.log.at
        histories = await self._store.load(events, self._subjects, directories)
        changes = fold_batch(events, self._subjects, histories, directories)
        await self._store.commit([(position, after)], changes, quarantined)
        self._subjects.evict(changes.subjects)
        self.positions[after.partition] = after

    async def _read(
        self, position: Position, records: Sequence[RawRecord]
    ) -> tuple[list[Recorded], list[Quarantined], Position]:
        reader = PartitionReader(
            position.partition,
            self._follower.log,
            directory_offset=position.directory_offset,
            recorded_at=position.recorded_at,
            verified=self._verified,
        )
        events: list[Recorded] = []
        quarantined: list[Quarantined] = []
        for record in records:
            announced = reader.announces(record)
            if announced is not None and announced >= self._follower.log.size:
                await self.save_directory([])
            match recognize(reader, record, self._follower.log):
                case Recorded() as recorded:
                    events.append(recorded)
                case Quarantined() as found:
                    quarantined.append(found)
                case None:
                    continue
        after = replace(
            position,
            next_offset=records[-1].offset + 1,
            leaf_hash=records[-1].leaf(),
            recorded_at=reader.recorded_at,
            directory_offset=reader.directory_offset,
        )
        return events, quarantined, after
