"""Rebuild one subject in its place: from the log, under the fence of its partition.

The log is read before anybody has to wait; only what came meanwhile is read while they do.
"""

from __future__ import annotations

import msgspec

from consumers.rebuilding.share import REBUILDER
from consumers.recognizing import recognize
from projections.batch import fold_batch
from projections.comparing_models import positions_in
from projections.install import installed_version, model_version
from projections.loaded import Subjects
from projections.one_subject import hold_position, replace_subject
from runut.adapters import kafka, postgres
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.errors import LedgerMismatch, NotFound
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.partitioner import partition_of
from runut.settings import Settings


class SubjectRebuilt(msgspec.Struct, frozen=True):
    """What a rebuild of one subject did."""

    subject: str
    events: int
    changed_tables: list[str]
    """Tables whose rows were not what the log gives."""


async def rebuild_subject(settings: Settings, subject: str) -> SubjectRebuilt:
    """Make one subject's rows again from the log.

    Raises:
        NotFound: the log holds no event of it, as far as it is projected.
        LedgerMismatch: the read models are another release's, or Kafka's log is shorter than them.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    async with (
        DirectoryFollower(settings) as follower,
        postgres.connected(settings, name=REBUILDER, autocommit=True) as connection,
    ):
        await _demand_version(connection, settings)
        partitions = founded(follower.log.latest.ledger).partitions
        partition = partition_of(subject.encode(), partitions)
        history = _History(settings, follower, partition, subject)
        await history.read(
            (await positions_in(connection, settings.model_schema)).get(partition, 0)
        )
        async with connection.transaction():
            position = await hold_position(connection, partition)
            await history.read(position.next_offset if position is not None else 0)
            if not history.events:
                raise NotFound(subject, "expected events of it in the log, found none")
            events, histories = history.events, {subject: ()}
            changes = fold_batch(events, Subjects(), histories, follower.log.at)
            changed = await replace_subject(connection, partition, subject, changes)
    return SubjectRebuilt(subject, len(events), changed)


async def _demand_version(connection: postgres.Connection, settings: Settings) -> None:
    found = await installed_version(connection, settings.model_schema)
    if found != model_version():
        raise LedgerMismatch(
            f"read models in schema {settings.model_schema}: expected version {model_version()}, "
            f"found {found}; rebuild all of them: runut rebuild"
        )


class _History:
    """A subject's events, as far as its partition was read."""

    def __init__(
        self, settings: Settings, follower: DirectoryFollower, partition: int, subject: str
    ) -> None:
        self.events: list[Recorded] = []
        self._settings = settings
        self._follower = follower
        self._key = subject.encode()
        self._reader = PartitionReader(partition, follower.log)
        self._read_to = 0

    async def read(self, end: int) -> None:
        """Read on, up to before an offset."""
        if end <= self._read_to:
            return
        await self._follower.catch_up()  # at least as far as is announced until there
        topic, partition = self._settings.events_topic, self._reader.partition
        async for records in kafka.records_of(self._settings, topic, partition, end, self._read_to):
            for record in records:
                if record.key != self._key and self._reader.announces(record) is None:
                    self._reader.pass_by(record)
                    continue
                found = recognize(self._reader, record, self._follower.log)
                if isinstance(found, Recorded):
                    self.events.append(found)
        self._read_to = end
