"""What compiled readers of Avro bodies call: lengths, numbers, times, amounts.

Pure. `runut.avro_reader` writes the functions that use these. Each takes the body and a position
and refuses, as IndexError or ValueError(expected, found), what is not the one way to write a value.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Final

MAX_ARRAY: Final = 10_000
"""Items in one array at most."""
FIRST_YEAR: Final = 1900
UNSPECIFIED: Final = "UNSPECIFIED"
"""Default of enums without OTHER: what readers of older schemas see, never written."""

_YEARS: Final = f"a year from {FIRST_YEAR} to 9999"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
# Wide enough for 18 digits, and apart from the process's context, which others may change.
_EXACT: Final = Context(prec=28)
_TOO_LARGE: Final = 10**18
_FIRST_DAY: Final = date(FIRST_YEAR, 1, 1).toordinal() - _EPOCH_DAY
_LAST_DAY: Final = date.max.toordinal() - _EPOCH_DAY
FIRST_MOMENT: Final = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
LAST_MOMENT: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
_EIGHTH_BITS: Final = 0x8080808080808080
_SEVEN_GO_ON: Final = 0x0080808080808080
TO_ZEROS: Final = bytes.maketrans(b"123456789abcdef", b"0" * 15)
A_UUID: Final = b"00000000-0000-0000-0000-000000000000"
"""What any UUID in lower case becomes by `TO_ZEROS`."""
_SEVEN_BITS_EACH: Final = 0x7F7F7F7F7F7F7F7F
_LAST_BYTE_0: Final = 0x00FFFFFFFFFFFFFF
_EIGHT_BYTES: Final = struct.Struct("<Q").unpack_from
_SPANS: Final = tuple(0 if n & 129 else 1 + (n >> 1) for n in range(256))
"""By its first byte, how many bytes a short text takes with its length; 0 where the length has
several bytes, or is negative (odd)."""


def _varint(b: bytes, p: int, bits: int) -> tuple[int, int]:
    """An unsigned varint whose first byte, with the high bit, is before `p`."""
    n, shift = b[p - 1] & 127, 7
    while True:
        byte = b[p]
        p += 1
        n |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise ValueError("a varint of 10 bytes at most", b[p - shift // 7 : p])
    if not byte or n >> bits:
        raise ValueError(f"the shortest varint of a number of {bits} bits", n)
    return n, p


def _varint32(b: bytes, p: int) -> tuple[int, int]:
    return _varint(b, p, 32)


def _varint64(b: bytes, p: int) -> tuple[int, int]:
    return _varint(b, p, 64)


def _length(b: bytes, p: int) -> tuple[int, int]:
    """A length, doubled, whose first byte is before `p`."""
    n, p = (b[p - 1], p) if b[p - 1] < 128 else _varint(b, p, 64)
    if n & 1:
        raise ValueError("a length of 0 or more", -(n + 1) >> 1)
    return n, p


def _long_span(b: bytes, p: int) -> tuple[int, int]:
    """Of what has a length of several bytes at `p`: the byte before its first, and its end."""
    n = b[p]
    # Two bytes are the usual case: the length doubled is 128 to 16,383.
    if n > 127 and 0 < (second := b[p + 1]) < 128:
        n, p = n + (second << 7) - 128, p + 1
        if n & 1 == 0:
            return p, p + 1 + (n >> 1)
        raise ValueError("a length of 0 or more", -(n + 1) >> 1)
    n, p = _length(b, p + 1)
    return p - 1, p + (n >> 1)


def _moment(b: bytes, p: int) -> tuple[datetime, int]:
    """A timestamp in microseconds, UTC, and where it ends."""
    try:
        (n,) = _EIGHT_BYTES(b, p)
    except struct.error:  # the body ends before
        n = 0
    if n & _EIGHTH_BITS == _SEVEN_GO_ON and n > _LAST_BYTE_0:
        # Eight bytes, as from 1979 to 3111 all have: their 7 bits are moved together in pairs.
        n &= _SEVEN_BITS_EACH
        n -= (n & 0x7F007F007F007F00) >> 1
        n = n & 0x00003FFF00003FFF | (n & 0x3FFF00003FFF0000) >> 2
        n = n & 0x000000000FFFFFFF | (n & 0x0FFFFFFF00000000) >> 4
        p += 8
    else:
        n, p = (b[p], p + 1) if b[p] < 128 else _varint(b, p + 1, 64)
    micros = ~(n >> 1) if n & 1 else n >> 1
    if not FIRST_MOMENT <= micros <= LAST_MOMENT:
        raise ValueError(_YEARS, micros)
    return EPOCH + micros * _MICROSECOND, p


def _block(b: bytes, p: int, so_far: int, end: int | None) -> tuple[int, int | None, int]:
    """Head of an array's next block: its items, its end if it says so, where they start.

    `so_far` items stand before it, and `end` is where the block before said that it ends.
    """
    if end is not None and p != end:
        raise ValueError(f"a block that ends at byte {end}", p)
    n = b[p]
    p += 1
    if n > 127:
        n, p = _varint(b, p, 64)
    end = None
    if n & 1:
        # A negative count is followed by the size of the block in bytes.
        size = b[p]
        size, p = _length(b, p + 1) if size & 129 else (size, p + 1)
        end = p + (size >> 1)
    count = (n + 1) >> 1
    if so_far + count > MAX_ARRAY:
        raise ValueError(f"{MAX_ARRAY} items at most", so_far + count)
    return count, end, p


# Dates are few.
@lru_cache(maxsize=4096)
def day(days: int) -> date:
    """A date by its days since 1970."""
    if not _FIRST_DAY <= days <= _LAST_DAY:
        raise ValueError(_YEARS, days)
    return date.fromordinal(days + _EPOCH_DAY)


def amount(raw: bytes, exponent: int) -> Decimal:
    """A decimal by its unscaled number, big-endian."""
    unscaled = int.from_bytes(raw, signed=True)
    if not 0 < len(raw) <= 8 or abs(unscaled) >= _TOO_LARGE:
        raise ValueError("18 digits at most, in 1 to 8 bytes", raw)
    return Decimal(unscaled).scaleb(exponent, _EXACT)


def _no_uuid(raw: bytes) -> Exception:
    return ValueError("a lower-case UUID", raw.decode())


def _leftover(b: bytes, p: int) -> Exception:
    if p > len(b):
        return IndexError(p)
    return ValueError("the end of the record", f"{len(b) - p} more bytes")


HELPERS: Final[dict[str, Any]] = {
    "SPANS": _SPANS,
    "booleans": {0: False, 1: True},
    "HEX": TO_ZEROS,
    "A_UUID": A_UUID,
    "no_uuid": _no_uuid,
    "varint32": _varint32,
    "varint64": _varint64,
    "long_span": _long_span,
    "moment": _moment,
    "block": _block,
    "day": day,
    "amount": amount,
    "leftover": _leftover,
}
