"""A consumer of aiokafka's whose records are the ledger's, read by `runut.adapters.record_batches`.

Owns how the fetcher is made to hand its answers over, by private parts of it: it lets nobody see
their bytes otherwise. What is fetched when, and from where on, is its matter as before.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from runut.adapters.record_batches import FetchedRecords


class LogConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer whose records are `RawRecord`."""

    async def start(self) -> None:
        """Start as any consumer does. Raises as that does."""
        await super().start()
        answers = _Answers(self._fetcher._client)
        self._fetcher._client = answers
        self._fetcher._records = _Results(answers)
        # Stopped before its last task has begun, it would say that whoever stops it was cancelled.
        await asyncio.sleep(0)


class _Answers:
    """The fetcher's client, which keeps an answer's bytes until they are asked for."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._bytes: dict[TopicPartition, bytes] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node: int, request: Any, **options: Any) -> Any:
        """Send as the client does. Raises as that does."""
        response = await self._client.send(node, request, **options)
        if isinstance(request, FetchRequest):
            for topic, partitions in response.topics:
                for partition, *_, data in partitions:
                    self._bytes[TopicPartition(topic, partition)] = data
        return response

    def take(self, place: TopicPartition) -> bytes:
        """What came last of a partition."""
        return self._bytes.pop(place)


class _Results(OrderedDict[TopicPartition, Any]):
    """What was fetched and not yet consumed."""

    def __init__(self, answers: _Answers) -> None:
        super().__init__()
        self._answers = answers

    def __setitem__(self, place: TopicPartition, result: Any) -> None:
        if isinstance(result, FetchResult):
            unread = result._partition_records
            offset, data = unread.next_fetch_offset, self._answers.take(place)
            # Left as it is, it would hold itself, and megabytes, until cycles are looked for.
            unread._records_iterator = None
            result._partition_records = FetchedRecords(place.topic, place.partition, data, offset)
        super().__setitem__(place, result)
