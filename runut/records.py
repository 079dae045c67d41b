"""The leaf of a Kafka record in its partition's tree (integrity.md §2).

Pure: what a record looks like as bytes, and the hash that stands for it. Owns no tree
(`runut.merkle`) and does not ask whether the record is an event (`runut.codec`).

A record's encoding, integers big-endian, `bytes` being u32 length and content, or the length
0xffffffff alone where Kafka has null:

    bytes  topic (UTF-8)
    u32    partition
    u64    offset
    i64    timestamp, milliseconds since 1970 UTC
    u8     timestamp type: 0 CreateTime, 1 LogAppendTime
    bytes  key
    bytes  value
    u32    number of headers, then of each, in the record's order:
    bytes  name (UTF-8; Kafka lets any bytes stand there, and they are kept)
    bytes  value

A leaf's entry is "runut/leaf/v1\\n" ‖ SHA-256(key) ‖ SHA-256(record). A null key is hashed
there like an empty one, so both share a place in the map of keys; neither is a subject, and
the record's own hash tells them apart. An offset that holds no record (a control record) has
the entry "runut/filler/v1\\n" ‖ topic as bytes ‖ u32 partition ‖ u64 offset.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from runut.errors import BadInput
from runut.merkle import HASH_SIZE, leaf_hash
from runut.native import IS_USED

if IS_USED:
    from runut.native import leaves

Hashes = tuple[bytes, bytes, bytes]
"""SHA-256 of a record's key and of its encoding, and the leaf hash."""

CREATE_TIME: Final = 0
LOG_APPEND_TIME: Final = 1

_LEAF_CONTEXT: Final = b"runut/leaf/v1\n"
_FILLER_CONTEXT: Final = b"runut/filler/v1\n"
_NULL: Final = b"\xff\xff\xff\xff"
_SHORT: Final = 64
_U32: Final = struct.Struct(">I")
_PLACE: Final = struct.Struct(">IQ")
_PLACE_AND_TIME: Final = struct.Struct(">IQqB")


def encode_record(
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    timestamp_type: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> bytes:
    """The record as bytes, in the encoding that stands above; two records never share one.

    Raises:
        BadInput: a number does not fit its field.
    """
    try:
        place_and_time = _PLACE_AND_TIME.pack(partition, offset, timestamp_ms, timestamp_type)
    except struct.error:
        found = (partition, offset, timestamp_ms, timestamp_type)
        wanted = "partition u32, offset u64, timestamp i64, type u8"
        raise BadInput(f"place and time of a record of {topic}", wanted, found) from None
    parts = [_name(topic), place_and_time, _sized(key), _sized(value), _U32.pack(len(headers))]
    for name, content in headers:
        size = None if content is None else len(content)
        parts.append(_short_head(name, size) if len(name) <= _SHORT else _head(name, size))
        parts.append(content or b"")
    return b"".join(parts)


def leaf_entry(key: bytes | None, record: bytes) -> bytes:
    """The tree's entry for an encoded record: 78 bytes that reveal nothing of its content."""
    return hashed_entry(key_hash(key), sha256(record).digest())


def hashed_entry(of_key: bytes, of_record: bytes) -> bytes:
    """The entry that has these hashes, 32 bytes each, of a record's key and encoding."""
    return _LEAF_CONTEXT + of_key + of_record


def entry_key(entry: bytes) -> bytes | None:
    """The hash of the key in a leaf's entry; None where it is of an offset without a record.

    Raises:
        BadInput: it is neither entry.
    """
    if entry.startswith(_LEAF_CONTEXT) and len(entry) == len(_LEAF_CONTEXT) + 2 * HASH_SIZE:
        return entry[len(_LEAF_CONTEXT) : -HASH_SIZE]
    if entry.startswith(_FILLER_CONTEXT):
        return None
    raise BadInput("entry of a leaf", "that of a record, or of an offset without one", entry)


def key_hash(key: bytes | None) -> bytes:
    """SHA-256 of a record's key: what its partition's map knows it by."""
    return sha256(key or b"").digest()


def record_leaf(
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    timestamp_type: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> bytes:
    """The leaf hash of a record: SHA-256(0x00 ‖ entry). Raises as `encode_record` does."""
    record = encode_record(
        topic, partition, offset, timestamp_ms, timestamp_type, key, value, headers
    )
    return leaf_hash(leaf_entry(key, record))


def filler_entry(topic: str, partition: int, offset: int) -> bytes:
    """The tree's entry for an offset that holds no record.

    Raises:
        BadInput: a number does not fit its field.
    """
    try:
        place = _PLACE.pack(partition, offset)
    except struct.error:
        found = (partition, offset)
        raise BadInput(f"place in {topic}", "partition u32, offset u64", found) from None
    return _FILLER_CONTEXT + _sized(topic.encode()) + place


def filler_leaf(topic: str, partition: int, offset: int) -> bytes:
    """The leaf hash of an offset that holds no record. Raises as `filler_entry` does."""
    return leaf_hash(filler_entry(topic, partition, offset))


def _name(name: str) -> bytes:
    # What is long is not remembered: strangers must not fill the memory.
    return _short_name(name) if len(name) <= _SHORT else _sized(name.encode())


@lru_cache(maxsize=1024)
def _short_name(name: str) -> bytes:
    """Names of topics are few, and one stands in every record."""
    return _sized(name.encode())


@lru_cache(maxsize=4096)
def _short_head(name: str, size: int | None) -> bytes:
    """So are names of headers, and most have but a few sizes."""
    return _head(name, size)


def _head(name: str, size: int | None) -> bytes:
    """What stands before the value of a header."""
    return _sized(name.encode(errors="surrogateescape")) + (
        _NULL if size is None else _U32.pack(size)
    )


def _sized(content: bytes | None) -> bytes:
    return _NULL if content is None else _U32.pack(len(content)) + content


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A Kafka record as it lies in the log, before anybody asks what it says."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    """A tuple, or what is equal to it."""

    def hashes(self) -> Hashes:
        """Those of its key and of itself, and its leaf hash (integrity.md §2)."""
        return (leaves.hashes_of(self) if IS_USED else None) or self.hashes_of_its_encoding()

    def hashes_of_its_encoding(self) -> Hashes:
        """The same by way of `encoded`."""
        of_key, of_record = key_hash(self.key), sha256(self.encoded()).digest()
        return of_key, of_record, leaf_hash(hashed_entry(of_key, of_record))

    def leaf(self) -> bytes:
        """Its leaf hash (integrity.md §2)."""
        return self.hashes()[2]

    def encoded(self) -> bytes:
        """It as bytes, in the encoding that stands above."""
        return encode_record(
            self.topic,
            self.partition,
            self.offset,
            self.timestamp_ms,
            self.timestamp_type,
            self.key,
            self.value,
            self.headers,
        )


def decode_record(data: bytes) -> RawRecord:
    """The record that `encode_record` wrote.

    Raises:
        BadInput: it wrote no such bytes.
    """
    try:
        record = _decoded(data)
        is_the_same = record.encoded() == data
    except (struct.error, UnicodeDecodeError, ValueError):
        is_the_same = False
    if not is_the_same:
        raise BadInput("encoded record", "bytes in the encoding of integrity.md §2", data)
    return record


def _decoded(data: bytes) -> RawRecord:
    topic, at = _read_sized(data, 0)
    partition, offset, timestamp_ms, timestamp_type = _PLACE_AND_TIME.unpack_from(data, at)
    key, at = _read_sized(data, at + _PLACE_AND_TIME.size)
    value, at = _read_sized(data, at)
    (count,) = _U32.unpack_from(data, at)
    at += _U32.size
    headers: list[tuple[str, bytes | None]] = []
    while len(headers) < count:
        name, at = _read_sized(data, at)
        content, at = _read_sized(data, at)
        headers.append(((name or b"").decode(errors="surrogateescape"), content))
    return RawRecord(
        (topic or b"").decode(),
        partition,
        offset,
        timestamp_ms,
        timestamp_type,
        key,
        value,
        tuple(headers),
    )


def _read_sized(data: bytes, at: int) -> tuple[bytes | None, int]:
    """What `_sized` wrote there, and where the next begins."""
    (size,) = _U32.unpack_from(data, at)
    at += _U32.size
    if data[at - _U32.size : at] == _NULL:
        return None, at
    if at + size > len(data):
        raise ValueError("the content ends before its length")
    return data[at : at + size], at + size
