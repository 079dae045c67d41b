"""What aiokafka's fetcher puts into its buffer becomes ours, and nothing of its own stays."""

from __future__ import annotations

import gc
import weakref

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from runut.adapters.kafka_records import _Answers, _Results
from runut.adapters.record_batches import FetchedRecords

PLACE = TopicPartition("t", 3)


def test_megabytes_are_not_held_until_cycles_are_looked_for() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**20)
    builder.append(0, timestamp=5, key=b"case/X", value=b"value", headers=[])
    data = bytes(builder.build())
    answers = _Answers(client=None)
    answers._bytes[PLACE] = data
    results = _Results(answers)
    unread = PartitionRecords(PLACE, MemoryRecords(data), None, 0, None, None, True, 0)
    held = weakref.ref(unread)
    result = FetchResult(PLACE, assignment=None, partition_records=unread, backoff=0)
    gc.disable()
    try:
        results[PLACE] = result
        del unread
        assert held() is None
    finally:
        gc.enable()
    found = results[PLACE]._partition_records
    assert isinstance(found, FetchedRecords)
    assert [one.value for one in found] == [b"value"]
