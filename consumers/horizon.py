"""The horizon: up to which moment the past is known for certain.

What an agency did before a limit may still be on its way into the log, or in the log and not yet
projected. The past is known up to a moment if everything is projected that the log held at a later
one, later by the time of grace. That holds for what the ledger itself wrote, too: whoever
becomes leader waits for what its predecessor left.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from projections.due import log_time
from projections.waiting import wait_until_projected
from runut.adapters import kafka
from runut.adapters.postgres import Connection
from runut.directory import Ledger
from runut.settings import Settings

STANDSTILL_S: Final = 60.0
"""How long nothing may be projected before the waiting is given up."""


class Known(NamedTuple):
    """How far the past is known."""

    until: datetime
    now: datetime | None
    """The time to give to records; None where the broker does."""


class Horizon:
    """Finds the horizon of one ledger."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        connection: Connection,
        consumer: AIOKafkaConsumer,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._consumer = consumer
        self._is_test = ledger.clock == "TEST"
        self._places = [
            TopicPartition(settings.events_topic, partition)
            for partition in range(ledger.partitions)
        ]

    async def reach(self) -> Known | None:
        """Wait until everything is projected that the log holds now.

        None if nothing was projected for too long, or nothing was ever recorded.

        Raises:
            Unreachable: Kafka does not answer.
            psycopg.OperationalError: PostgreSQL went away.
        """
        now = await self._now()
        if now is None:
            return None
        ends = await kafka.end_offsets(self._settings, self._consumer, self._places)
        last = {place.partition: end - 1 for place, end in ends.items()}
        if not await wait_until_projected(self._connection, last, deadline_s=STANDSTILL_S):
            return None
        if self._is_test:
            return Known(now, now)
        return Known(now - timedelta(seconds=self._settings.deadline_grace_s), None)

    async def _now(self) -> datetime | None:
        # Where tests set the records' times it is as late as the log says: nothing is on its way.
        return await log_time(self._connection) if self._is_test else datetime.now(UTC)
