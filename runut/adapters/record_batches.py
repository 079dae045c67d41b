"""Kafka's record batches read into records, by compiled code where there is some.

Owns what a batch looks like (format 2, the only one that Kafka 4 writes) on the way in; on the way
out it is `runut.record_batch`. Bytes that a stranger wrote must stop no reader: the name of a
header that is no UTF-8 is kept as Python keeps such names of files (surrogateescape).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import cramjam
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import calc_crc32c

from runut.native import IS_USED
from runut.records import CREATE_TIME, LOG_APPEND_TIME, RawRecord

if IS_USED:
    from runut.native import batch_reading

FORMAT: Final = 2
HEAD: Final = struct.Struct(">qiibIhiqqqhii")
BEFORE_LENGTH: Final = 12
"""Bytes that a batch's length does not count."""
BEFORE_CRC_COVERS: Final = 21
ZSTANDARD: Final = 4
_CODEC: Final = 0b111
_BROKER_TIME: Final = 0b1000
_CONTROL: Final = 0b10_0000
_DECOMPRESS: Final[Mapping[int, Callable[[memoryview], Any]]] = {
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    ZSTANDARD: cramjam.zstd.decompress,
}
_MAX_NUMBER: Final = 0xFFFF_FFFF_FFFF_FFFF
_LEAST_NUMBER: Final = -(1 << 63)


class Batch(NamedTuple):
    """Records that were written together, still as bytes."""

    first_offset: int
    next_offset: int
    """Behind its last record, even where that is gone."""
    first_ms: int
    given_ms: int | None
    """The broker's time of all of them; None where each has its own."""
    is_control: bool
    size: int
    records: bytes | memoryview
    at: int
    """Where they begin in there."""
    end: int


class FetchedRecords:
    """Records of one partition from an offset on: what aiokafka's fetcher takes for its own.

    Raises:
        CorruptRecordException: the bytes are not those that were written.
    """

    def __init__(self, topic: str, partition: int, data: bytes, offset: int) -> None:
        self.next_fetch_offset = offset
        self._place = topic, partition
        # Megabytes hang on these, so neither holds this object: who drops it frees them at once.
        self._batches = batches(data)
        self._records: Iterator[RawRecord] = iter(())
        self._behind = offset

    def __next__(self) -> RawRecord:
        for record in self:
            return record
        raise StopIteration

    def __iter__(self) -> Iterator[RawRecord]:
        """Those that nobody had yet; whoever stops, and asks again later, misses none."""
        while True:
            for record in self._records:
                if record.offset >= self.next_fetch_offset:
                    self.next_fetch_offset = record.offset + 1
                    yield record
            self.next_fetch_offset = self._behind
            batch = next(self._batches, None)
            if batch is None:
                return
            self._behind = batch.next_offset
            self._records = iter(() if batch.is_control else records_of(*self._place, batch))


def batches(data: bytes) -> Iterator[Batch]:
    """The whole batches of an answer; the last one may be cut off. Raises as `FetchedRecords`."""
    at = 0
    while len(data) - at >= HEAD.size:
        head = HEAD.unpack_from(data, at)
        end = at + BEFORE_LENGTH + head[1]
        if end > len(data):
            return
        if head[3] != FORMAT or end < at + HEAD.size:
            raise CorruptRecordException(f"batch: expected format {FORMAT}, found {head[3]}")
        if crc(data, at + BEFORE_CRC_COVERS, end) != head[4]:
            raise CorruptRecordException(f"batch at offset {head[0]}: its CRC is another")
        yield _batch(head, data, at + HEAD.size, end)
        at = end


def _batch(head: tuple[int, ...], data: bytes, at: int, end: int) -> Batch:
    first_offset, _, _, _, _, attributes, last, first_ms, latest_ms, *_, count = head
    codec = attributes & _CODEC
    records: bytes | memoryview = data
    if codec:
        records, at = _decompressed(codec, memoryview(data)[at:end]), 0
        end = len(records)
    return Batch(
        first_offset,
        first_offset + last + 1,
        first_ms,
        latest_ms if attributes & _BROKER_TIME else None,
        bool(attributes & _CONTROL),
        count,
        records,
        at,
        end,
    )


def _decompressed(codec: int, data: memoryview) -> memoryview:
    try:
        return memoryview(_DECOMPRESS[codec](data))
    except Exception as error:  # each of the libraries has its own
        raise CorruptRecordException(f"batch compressed by codec {codec}: {error!r}") from None


def records_of(topic: str, partition: int, batch: Batch) -> list[RawRecord]:
    """The records of a batch. Raises as `FetchedRecords`."""
    read = batch_reading.records_of if IS_USED else plain_records_of
    found: list[RawRecord] | None = read(topic, partition, batch)
    if found is None:
        raise CorruptRecordException(f"batch at offset {batch.first_offset}: it is no batch")
    return found


def plain_records_of(topic: str, partition: int, batch: Batch) -> list[RawRecord] | None:
    """The records of a batch; None where its bytes are none."""
    reader = _Reader(bytes(batch.records[batch.at : batch.end]))
    try:
        found = [_record(topic, partition, batch, reader) for _ in range(batch.size)]
    except (IndexError, ValueError):
        return None
    return found if reader.at == len(reader.data) else None


def _record(topic: str, partition: int, batch: Batch, reader: _Reader) -> RawRecord:
    end = reader.number()
    end += reader.at
    reader.take(1)  # attributes, of which there are none
    timestamp_ms = _sum(batch.first_ms, reader.number())
    offset = _sum(batch.first_offset, reader.number())
    key, value = reader.sized(), reader.sized()
    headers = tuple(reader.header() for _ in range(reader.count()))
    if reader.at != end:
        raise ValueError("a record ends elsewhere")
    if batch.given_ms is None:
        stamp = (timestamp_ms, CREATE_TIME)
    else:
        stamp = (batch.given_ms, LOG_APPEND_TIME)
    return RawRecord(topic, partition, offset, *stamp, key, value, headers)


def _sum(one: int, other: int) -> int:
    found = one + other
    if not _LEAST_NUMBER <= found <= -_LEAST_NUMBER - 1:
        raise ValueError("a number is too large")
    return found


class _Reader:
    """Bytes from the first on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        """In as few bytes as it takes, seven bits each; its sign came last."""
        found = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            found |= (byte & 127) << shift
            if byte < 128:
                found &= _MAX_NUMBER
                return (found >> 1) ^ -(found & 1)
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")

    def count(self) -> int:
        found = self.number()
        if found < 0:
            raise ValueError("less than nothing")
        return found

    def take(self, size: int) -> bytes:
        if size < 0 or size > len(self.data) - self.at:
            raise ValueError("the bytes end before")
        self.at += size
        return self.data[self.at - size : self.at]

    def sized(self) -> bytes | None:
        """Bytes behind their number; None where it is less than nothing."""
        size = self.number()
        return None if size < 0 else self.take(size)

    def header(self) -> tuple[str, bytes | None]:
        name = self.take(self.number())
        return name.decode(errors="surrogateescape"), self.sized()


def crc(data: bytes, at: int, end: int) -> int:
    """CRC-32C of some of the bytes."""
    found = batch_reading.checksum(data, at, end) if IS_USED else None
    return calc_crc32c(memoryview(data)[at:end]) if found is None else found
