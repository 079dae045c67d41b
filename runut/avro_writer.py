"""Compile an Avro schema of the catalogue into a writer of the usual values.

Owns speed, and refuses to judge: values that are exactly as `runut.avro_reader` would give them
become bytes, for anything else there is `Unusual`, and whoever asked takes the long way round
(`runut.codec`). So what is written here need not be read back before it leaves.

Writes what the contracts use, like the reader: here too a schema becomes the source of one Python
function, once. fastavro is the judge in the tests: its bytes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from runut.avro_values import A_UUID, FIRST_YEAR, TO_ZEROS, UNSPECIFIED
from runut.errors import BadFile

Write = Callable[[dict[str, Any], dict[str, Any]], bytes]
"""The body of an event, from its meta and its data."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MOST_DIGITS: Final = 18
LONGEST: Final = 4095
"""Bytes of a text, or items of a list, that are not unusual."""


class Unusual(Exception):
    """A value is not of the kind that can be written without another look at it."""


def compiled(schema: dict[str, Any]) -> Write:
    """The writer of an event's self-contained schema, whose first field is its meta.

    It raises Unusual, or what Python raises for a value of a wrong type: KeyError, TypeError,
    AttributeError, ValueError, IndexError.

    Raises:
        BadFile: the schema uses what no contract may use.
    """
    source = _Source(schema)
    # The text is made from the release's own schema files, never from input.
    exec(compile(source.text(), f"<writer of {schema['name']}>", "exec"), source.names)  # noqa: S102
    write: Write = source.names["write_body"]
    return write


class _Source:
    """The lines of a writer and the names they use, in the making.

    In the text: `put` takes the next bytes, `numbers[n]` are those of n, such as a length.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(_HELPERS)
        self._defined: dict[str, dict[str, Any]] = {}
        self._place = schema["name"]
        self._depth = 0
        self._count = 0
        meta, *fields = schema["fields"]
        self.line("def write_body(meta, data):")
        with self.deeper():
            self.line("parts = []; put = parts.append")
            self.write(meta["type"], "meta")
            self.record({"fields": fields}, "data")
            self.line("return b''.join(parts)")

    def text(self) -> str:
        return "\n".join(self.lines)

    def line(self, text: str) -> None:
        self.lines.append("    " * self._depth + text)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Lines indented by one level."""
        self._depth += 1
        yield
        self._depth -= 1

    def variable(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def demand(self, condition: str) -> None:
        self.line(f"if not ({condition}): raise Unusual")

    def write(self, schema: Any, value: str) -> None:
        """Write the lines that write the value in a variable."""
        if isinstance(schema, list):
            return self.union(schema, value)
        if isinstance(schema, str):
            schema = self._defined.get(schema, {"type": schema})
        if "name" in schema:
            self._defined[schema["name"]] = schema
        kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
        emit = _EMITTERS.get(kind)
        if emit is None:
            raise BadFile(self._place, f"one of {', '.join(sorted(_EMITTERS))}", kind)
        return emit(self, schema, value)

    def record(self, schema: dict[str, Any], value: str) -> None:
        self.demand(f"len({value}) == {len(schema['fields'])}")
        for field in schema["fields"]:
            inner = self.variable()
            self.line(f"{inner} = {value}[{field['name']!r}]")
            self.write(field["type"], inner)

    def union(self, schema: list[Any], value: str) -> None:
        if len(schema) != 2 or schema[0] != "null":
            raise BadFile(self._place, "a union of null and one type", schema)
        self.line(f"if {value} is None: put(b'\\x00')")
        self.line("else:")
        with self.deeper():
            self.line("put(b'\\x02')")
            self.write(schema[1], value)

    def enum(self, schema: dict[str, Any], value: str) -> None:
        table = f"indexes_of_{schema['name']}"
        symbols = enumerate(schema["symbols"])
        # An index is a zigzag varint: the index doubled. All fit in one byte.
        self.names[table] = {one: bytes([2 * at]) for at, one in symbols if one != UNSPECIFIED}
        self.line(f"put({table}[{value}])")

    def array(self, schema: dict[str, Any], value: str) -> None:
        item = self.variable()
        self.demand(f"type({value}) is list")
        self.line(f"if {value}:")
        with self.deeper():
            self.line(f"put(numbers[len({value})])")
            self.line(f"for {item} in {value}:")
            with self.deeper():
                self.write(schema["items"], item)
        self.line("put(b'\\x00')")

    def raw(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is bytes")
        self.line(f"put(numbers[len({value})]); put({value})")

    def string(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is str and '\\0' not in {value}")
        self.line(f"raw = {value}.encode(); put(numbers[len(raw)]); put(raw)")

    def uuid(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is str")
        self.line(f"raw = {value}.encode()")
        self.demand("raw.translate(TO_ZEROS) == A_UUID")
        self.line("put(b'\\x48'); put(raw)")

    def boolean(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is bool")
        self.line(f"put(b'\\x01' if {value} else b'\\x00')")

    def integer(self, schema: dict[str, Any], value: str) -> None:
        limit = 1 << (31 if schema["type"] == "int" else 63)
        self.demand(f"type({value}) is int and {-limit} <= {value} < {limit}")
        self.line(f"put(numbers[{value}] if 0 <= {value} < {len(_NUMBERS)} else number({value}))")

    def timestamp(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is datetime and {value}.tzinfo is UTC")
        self.line(f"put(moment({value}))")

    def date(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is date and {value}.year >= {FIRST_YEAR}")
        self.line(f"put(number({value}.toordinal() - {_EPOCH_DAY}))")

    def decimal(self, schema: dict[str, Any], value: str) -> None:
        self.line(f"raw = amount_bytes({value}, {-schema['scale']})")
        self.line("put(numbers[len(raw)]); put(raw)")


def _number(number: int) -> bytes:
    """A number in as few bytes as it takes, seven bits each; its sign comes last."""
    found, left = bytearray(), 2 * number if number >= 0 else -2 * number - 1
    while left > 127:
        found.append(left & 127 | 128)
        left >>= 7
    found.append(left)
    return bytes(found)


def _moment(time: datetime) -> bytes:
    micros = (time - _EPOCH) // _MICROSECOND
    if not 1 << 48 <= micros < 1 << 55:
        if micros < _FIRST:
            raise Unusual
        return _number(micros)
    # Eight bytes, as from 1978 to 3111 all have: their 7 bits are moved apart in pairs.
    n = micros << 1
    n = n & 0x000000000FFFFFFF | (n & 0x00FFFFFFF0000000) << 4
    n = n & 0x00003FFF00003FFF | (n & 0x0FFFC0000FFFC000) << 2
    n = n & 0x007F007F007F007F | (n & 0x3F803F803F803F80) << 1
    return (n | 0x0080808080808080).to_bytes(8, "little")


def amount_bytes(value: Any, exponent: int) -> bytes:
    """The unscaled number of an amount with just so many decimals, as Avro's bytes have it.

    Raises:
        Unusual: it is none, has too many digits, or is a zero below zero.
    """
    if type(value) is not Decimal:
        raise Unusual
    sign, digits, found = value.as_tuple()
    if found != exponent or len(digits) > _MOST_DIGITS:
        raise Unusual
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    if sign and not unscaled:
        raise Unusual  # the reader knows one zero
    return unscaled.to_bytes((unscaled.bit_length() + 8) >> 3, signed=True)


_NUMBERS: Final = [_number(number) for number in range(LONGEST + 1)]
"""The smallest, which say lengths above all; what is longer is unusual: an IndexError."""
_HELPERS: Final[dict[str, Any]] = {
    "A_UUID": A_UUID,
    "TO_ZEROS": TO_ZEROS,
    "UTC": UTC,
    "Unusual": Unusual,
    "amount_bytes": amount_bytes,
    "date": date,
    "datetime": datetime,
    "moment": _moment,
    "number": _number,
    "numbers": _NUMBERS,
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
