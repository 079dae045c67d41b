"""Avro object container files, as far as bytes go: header and blocks, none larger than allowed.

Owns the container (Avro 1.12, "Object Container Files"). Nothing of it is decoded here: what a
stranger wrote as its schema is text until somebody knows it. Refuses codecs that are not built in.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from producers.files.entries import Binary
from runut.errors import BadInput

MAGIC: Final = b"Obj\x01"
SYNC_SIZE: Final = 16
MAX_HEADER: Final = 1024 * 1024
"""Bytes of a header at most: the largest schema of the catalogue has a hundredth of that."""
MAX_BLOCK: Final = 64 * 1024 * 1024
"""Bytes of a block at most, also when it is decompressed."""
_SCHEMA: Final = "avro.schema"
_CODEC: Final = "avro.codec"


class Block(msgspec.Struct, frozen=True):
    """Records that were written together."""

    count: int
    body: bytes
    """The records, one after the other."""


class Container:
    """One file, read from its beginning."""

    def __init__(self, file: Binary) -> None:
        self._file = file
        self.size = 0
        self._codec = b"null"
        self._sync = b""

    def schema(self) -> bytes:
        """Read the header; gives the text of the schema.

        Raises:
            BadInput: it is no such file, or its codec is unknown here.
        """
        if self._exactly(len(MAGIC)) != MAGIC:
            raise BadInput("file", "an Avro object container file", "another beginning")
        header = self._metadata()
        self._sync = self._exactly(SYNC_SIZE)
        self._codec = header.get(_CODEC, b"null")
        if self._codec not in {b"null", b"deflate"}:
            raise BadInput("codec", "null or deflate", self._codec)
        return header.get(_SCHEMA, b"")

    def blocks(self) -> Iterator[Block]:
        """The blocks after the header.

        Raises:
            BadInput: one is cut off, too large, or does not end where it says.
        """
        while first := self._file.read1(1):
            count, size = self._long(first), self._long()
            if count < 0 or not 0 <= size <= MAX_BLOCK:
                found = f"{count} records in {size} bytes"
                raise BadInput("block", f"records in {MAX_BLOCK} bytes at most", found)
            stored = self._exactly(size)
            if self._exactly(SYNC_SIZE) != self._sync:
                raise BadInput("block", "the file's sync marker at its end", "something else")
            yield Block(count, _inflated(stored) if self._codec == b"deflate" else stored)

    def _metadata(self) -> dict[str, bytes]:
        """A map of bytes, in Avro's encoding: blocks of pairs, the last of none."""
        found: dict[str, bytes] = {}
        while count := self._long():
            if count < 0:
                self._long()  # the block's size in bytes: it is read all the same
            for _ in range(abs(count)):
                name = self._sized()
                found[name.decode(errors="replace")] = self._sized()
        return found

    def _sized(self) -> bytes:
        size = self._long()
        if not 0 <= size <= MAX_HEADER - self.size:
            raise BadInput("header", f"{MAX_HEADER} bytes at most", f"{size} more")
        return self._exactly(size)

    def _long(self, first: bytes = b"") -> int:
        """A number in Avro's encoding: seven bits a byte, the lowest first, zigzag."""
        self.size += len(first)
        value = 0
        for shift in range(0, 64, 7):
            byte = (first if first and not shift else self._exactly(1))[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value >> 1 ^ -(value & 1)
        raise BadInput("number", "10 bytes at most", "more")

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size and (part := self._file.read1(size)):
            parts.append(part)
            size -= len(part)
            self.size += len(part)
        if size:
            raise BadInput("file", f"{size} bytes more", "its end")
        return b"".join(parts)


def _inflated(stored: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        found = inflate.decompress(stored, MAX_BLOCK)
    except zlib.error as error:
        raise BadInput("block", "deflated records", error) from None
    if not inflate.eof:
        raise BadInput("block", f"{MAX_BLOCK} bytes at most when inflated", "more, or less")
    return found
