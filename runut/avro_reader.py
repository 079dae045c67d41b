"""Compile an Avro schema of the catalogue into a strict reader of untrusted bytes.

Owns reading: every record of the log passes here first. fastavro's reader takes what a ledger
must refuse (a negative index counts from the end, an int may have 64 bits, U+0000), and
costs twice as much: here a schema becomes the source of one Python function, once. fastavro
writes, and is this module's judge in the tests.

Reads what the contracts use: records, strings, ints, longs, booleans, bytes, enums, arrays,
and unions of null and one type. Refuses everything else when it compiles. Nothing allocates
more than the bytes at hand, since every item of an array takes at least one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Final

from runut.errors import BadFile, NotAnEvent

MAX_ARRAY: Final = 10_000
"""Items in one array at most."""
FIRST_YEAR: Final = 1900
UNSPECIFIED: Final = "UNSPECIFIED"
"""Default of enums without OTHER: what readers of older schemas see, never written."""

_YEARS: Final = f"a year from {FIRST_YEAR} to 9999"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
# Wide enough for 18 digits, and apart from the process's context, which others may change.
_EXACT: Final = Context(prec=28)
_TOO_LARGE: Final = 10**18

_Record = dict[str, Any]


class Reader:
    """Reads bodies of one schema, and can say where a malformed one went wrong."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Compile a self-contained record schema.

        Raises:
            BadFile: the schema uses what no contract may use.
        """
        source = _Source(schema)
        names = source.names
        # The text is made from the release's own schema files, never from input.
        exec(compile(source.text(), f"<reader of {schema['name']}>", "exec"), names)  # noqa: S102
        self._read: Callable[[bytes], _Record] = names["read_body"]
        self._places = source.places

    def read(self, body: bytes) -> _Record:
        """The record in `body`, its values as `runut.event.Event` has them.

        Raises:
            NotAnEvent: naming the field, what was expected and what was found.
        """
        try:
            return self._read(body)
        except (IndexError, KeyError, ValueError) as error:
            raise NotAnEvent(self._place(error), *_explain(error)) from None

    def _place(self, error: Exception) -> str:
        """The field that was being read: each line of the compiled function belongs to one."""
        here = error.__traceback__
        line = here.tb_next.tb_lineno if here and here.tb_next else 1
        return self._places[line - 1]


class _Source:
    """The lines of a reader and the names they use, in the making.

    In the text: `b` is the body, `p` the position in it, `q` one ahead, `n` a number just read.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.places: list[str] = []
        self.names: dict[str, Any] = dict(_HELPERS)
        self._defined: dict[str, dict[str, Any]] = {}
        self._place = schema["name"]
        self._depth = 0
        self._count = 0
        self.line("def read_body(b):")
        with self.deeper():
            self.line("p = 0")
            self.read(schema, "record")
            self.line("if p != len(b): raise leftover(b, p)")
            self.line("return record")

    def text(self) -> str:
        return "\n".join(self.lines)

    def line(self, text: str) -> None:
        self.lines.append("    " * self._depth + text)
        self.places.append(self._place)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Lines indented by one level."""
        self._depth += 1
        yield
        self._depth -= 1

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Lines that read `place` of where we are, such as `.meta`."""
        before = self._place
        self._place += place
        yield
        self._place = before

    def variable(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def read(self, schema: Any, into: str) -> None:
        """Write the lines that read a value of `schema` into a variable."""
        if isinstance(schema, list):
            return self.union(schema, into)
        if isinstance(schema, str):
            schema = self._defined.get(schema, {"type": schema})
        if "name" in schema:
            self._defined[schema["name"]] = schema
        kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
        emit = _EMITTERS.get(kind)
        if emit is None:
            raise BadFile(self._place, f"one of {', '.join(sorted(_EMITTERS))}", kind)
        return emit(self, schema, into)

    def number(self, wide: str) -> None:
        """`n`: an unsigned varint; `wide` reads one of several bytes."""
        self.line("n = b[p]; p += 1")
        self.line(f"if n > 127: n, p = {wide}(b, p)")

    def record(self, schema: dict[str, Any], into: str) -> None:
        variables = {field["name"]: self.variable() for field in schema["fields"]}
        for field in schema["fields"]:
            with self.at(f".{field['name']}"):
                self.read(field["type"], variables[field["name"]])
        pairs = ", ".join(f"{name!r}: {variable}" for name, variable in variables.items())
        self.line(f"{into} = {{{pairs}}}")

    def union(self, schema: list[Any], into: str) -> None:
        if len(schema) != 2 or schema[0] != "null":
            raise BadFile(self._place, "a union of null and one type", schema)
        self.line("n = b[p]; p += 1")
        self.line(f"if n == 0: {into} = None")
        self.line("elif n == 2:")
        with self.deeper():
            self.read(schema[1], into)
        self.line("else: raise KeyError(n)")

    def enum(self, schema: dict[str, Any], into: str) -> None:
        table = f"symbols_of_{schema['name']}"
        # On the wire an index is a zigzag varint: the index doubled. All fit in one byte.
        symbols = {2 * index: symbol for index, symbol in enumerate(schema["symbols"])}
        if len(symbols) > 64:
            raise BadFile(self._place, "an enum of at most 64 symbols", len(symbols))
        self.names[table] = {at: one for at, one in symbols.items() if one != UNSPECIFIED}
        self.line(f"{into} = {table}[b[p]]; p += 1")

    def array(self, schema: dict[str, Any], into: str) -> None:
        item, count, end = self.variable(), self.variable(), self.variable()
        self.line(f"{into} = []")
        self.line(f"{count}, {end}, p = block(b, p, 0, None) if b[p] else (0, None, p + 1)")
        self.line(f"while {count}:")
        with self.deeper():
            self.line(f"for _ in range({count}):")
            with self.deeper(), self.at("[]"):
                self.read(schema["items"], item)
                self.line(f"{into}.append({item})")
            # Most arrays are one block, which does not say where it ends.
            self.line(f"if {end} is None and not b[p]: p += 1; break")
            self.line(f"{count}, {end}, p = block(b, p, len({into}), {end})")

    def raw(self, schema: dict[str, Any], into: str, after: str = "") -> None:  # noqa: ARG002
        self.line("q = p + SPANS[b[p]]")
        self.line("if q == p: p, q = long_span(b, p)")
        # A length beyond the end moves p there: the next byte, or the last check, is amiss.
        self.line(f"{into} = b[p + 1:q]{after}; p = q")

    def string(self, schema: dict[str, Any], into: str) -> None:
        self.raw(schema, into, ".decode()")
        # PostgreSQL cannot store it, in text or in jsonb.
        self.line(f"if '\\0' in {into}: raise ValueError('text without U+0000', {into})")

    def uuid(self, schema: dict[str, Any], into: str) -> None:
        self.raw(schema, into)
        self.line(f"if {into}.translate(HEX) != A_UUID: raise no_uuid({into})")
        self.line(f"{into} = {into}.decode()")

    def boolean(self, schema: dict[str, Any], into: str) -> None:  # noqa: ARG002
        self.line(f"{into} = booleans[b[p]]; p += 1")

    def integer(self, schema: dict[str, Any], into: str) -> None:
        self.number("varint32" if schema["type"] == "int" else "varint64")
        self.line(f"{into} = (n >> 1) ^ -(n & 1)")

    def timestamp(self, schema: dict[str, Any], into: str) -> None:  # noqa: ARG002
        self.line(f"{into}, p = moment(b, p)")

    def date(self, schema: dict[str, Any], into: str) -> None:
        self.integer(schema, into)
        self.line(f"{into} = day({into})")

    def decimal(self, schema: dict[str, Any], into: str) -> None:
        self.raw(schema, into)
        self.line(f"{into} = amount({into}, {-schema['scale']})")


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
    n = int.from_bytes(b[p : p + 8], "little")
    if n & _EIGHTH_BITS == _SEVEN_GO_ON and n >> 56:
        # Eight bytes, as from 1979 to 3111 all have: their 7 bits are moved together in pairs.
        n = n & 0x007F007F007F007F | (n & 0x7F007F007F007F00) >> 1
        n = n & 0x00003FFF00003FFF | (n & 0x3FFF00003FFF0000) >> 2
        n = n & 0x000000000FFFFFFF | (n & 0x0FFFFFFF00000000) >> 4
        p += 8
    else:
        n, p = (b[p], p + 1) if b[p] < 128 else _varint(b, p + 1, 64)
    micros = (n >> 1) ^ -(n & 1)
    if not _FIRST <= micros <= _LAST:
        raise ValueError(_YEARS, micros)
    return _EPOCH + micros * _MICROSECOND, p


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
def _day(days: int) -> date:
    if not _FIRST_DAY <= days <= _LAST_DAY:
        raise ValueError(_YEARS, days)
    return date.fromordinal(days + _EPOCH_DAY)


def _amount(raw: bytes, exponent: int) -> Decimal:
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


def _explain(error: Exception) -> tuple[str, object]:
    """What was expected and what was found, for an error of a compiled function."""
    if isinstance(error, UnicodeDecodeError):
        return "UTF-8", error.object[error.start : error.start + 8]
    if isinstance(error, KeyError):
        return "one of the schema's choices", f"byte {error.args[0]}"
    if isinstance(error, IndexError):
        return "more bytes", "the end"
    expected, found = error.args
    return expected, found


_FIRST_DAY: Final = date(FIRST_YEAR, 1, 1).toordinal() - _EPOCH_DAY
_LAST_DAY: Final = date.max.toordinal() - _EPOCH_DAY
_FIRST: Final = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_EIGHTH_BITS: Final = 0x8080808080808080
_SEVEN_GO_ON: Final = 0x0080808080808080
_SPANS: Final = tuple(0 if n & 129 else 1 + (n >> 1) for n in range(256))
"""By its first byte, how many bytes a short text takes with its length; 0 where the length has
several bytes, or is negative (odd)."""
_HELPERS: Final[dict[str, Any]] = {
    "SPANS": _SPANS,
    "booleans": {0: False, 1: True},
    "HEX": bytes.maketrans(b"123456789abcdef", b"0" * 15),
    "A_UUID": b"00000000-0000-0000-0000-000000000000",
    "no_uuid": _no_uuid,
    "varint32": _varint32,
    "varint64": _varint64,
    "long_span": _long_span,
    "moment": _moment,
    "block": _block,
    "day": _day,
    "amount": _amount,
    "leftover": _leftover,
}
_EMITTERS: Final[dict[str, Callable[[_Source, dict[str, Any], str], None]]] = {
    "record": _Source.record,
    "enum": _Source.enum,
    "array": _Source.array,
    "string": _Source.string,
    "string.uuid": _Source.uuid,
    "bytes": _Source.raw,
    "bytes.decimal": _Source.decimal,
    "boolean": _Source.boolean,
    "int": _Source.integer,
    "int.date": _Source.date,
    "long": _Source.integer,
    "long.timestamp-micros": _Source.timestamp,
}
