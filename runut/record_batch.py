"""A batch of records on its way to Kafka: aiokafka's, filled by compiled code where there is some.

Owns how a record of ours gets into a batch, and when a batch is compressed. What a batch looks like
is Kafka's matter, and both ways give the same bytes; when it is sent, and whether again, is
`runut.delivery`'s.
"""

from __future__ import annotations

from typing import Final

from aiokafka.codec import zstd_encode
from aiokafka.producer.message_accumulator import BatchBuilder

from runut.adapters.record_batches import (
    BEFORE_CRC_COVERS,
    BEFORE_LENGTH,
    HEAD,
    ZSTANDARD,
    crc,
)
from runut.native import IS_USED
from runut.outgoing import Outgoing

if IS_USED:
    from runut.native import record_batch

COMPRESSED_FROM: Final = 16 * 1024
"""Bytes of a batch. A smaller one is sent sooner as it is."""
LEVEL: Final = 1
"""Zstandard's: what is alike in events, signatures above all, stands in whole words."""


class RecordBatch(BatchBuilder):  # type: ignore[misc]
    """Records that are sent together, in order."""

    _buffer: bytes | None
    """As it is sent, once it is."""

    def __init__(self, most_bytes: int) -> None:
        """Take how large it may become; a single record may be larger."""
        super().__init__(most_bytes, 0)
        if IS_USED:
            self._builder = record_batch.Builder(most_bytes)

    def put(self, record: Outgoing, timestamp_ms: int) -> bool:
        """Add a record; False where there is no room left for it."""
        taken = self._builder.put(record, timestamp_ms) if IS_USED else None
        if taken:
            self._relative_offset += 1
        elif taken is None:  # its headers have to be made first
            taken = self._appended(record, timestamp_ms)
        return taken

    def _appended(self, record: Outgoing, timestamp_ms: int) -> bool:
        added = self.append(
            timestamp=timestamp_ms, key=record.key, value=record.value, headers=record.headers
        )
        return added is not None

    def _build(self) -> bytes:
        if self._buffer is None:
            self._buffer = compressed(bytes(super()._build()))
        return self._buffer

    def _set_producer_state(
        self, producer_id: int, producer_epoch: int, base_sequence: int
    ) -> None:
        self._builder.set_producer_state(producer_id, producer_epoch, base_sequence)


def compressed(batch: bytes) -> bytes:
    """A batch whose records Zstandard has made smaller; the same one where that is not worth it."""
    if len(batch) < COMPRESSED_FROM:
        return batch
    records: bytes = zstd_encode(memoryview(batch)[HEAD.size :], level=LEVEL)
    size = HEAD.size + len(records)
    if size >= len(batch):
        return batch
    first, _, leader, version, _, attributes, *rest = HEAD.unpack_from(batch)
    fields = [first, size - BEFORE_LENGTH, leader, version, 0, attributes | ZSTANDARD, *rest]
    fields[4] = crc(HEAD.pack(*fields) + records, BEFORE_CRC_COVERS, size)
    return HEAD.pack(*fields) + records
