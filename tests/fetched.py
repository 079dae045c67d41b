"""A record as it comes out of a batch that a broker answers with."""

from __future__ import annotations

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from msgspec.structs import replace

from runut.adapters.record_batches import batches, records_of
from runut.records import RawRecord


def as_fetched(record: RawRecord) -> RawRecord:
    """The same, its headers still as bytes where they are left so until somebody asks for them."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**20)
    headers = list(record.headers)
    builder.append(0, timestamp=0, key=record.key, value=record.value, headers=headers)
    [batch] = batches(bytes(builder.build()))
    [found] = records_of(record.topic, record.partition, batch)
    about = {"offset": record.offset, "timestamp_ms": record.timestamp_ms}
    return replace(found, **about, timestamp_type=record.timestamp_type)
