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

from runut.avro_reader import UNSPECIFIED
from runut.avro_values import FIRST_YEAR, MAX_ARRAY
from runut.errors import BadFile
from runut.event import UUID_PATTERN

Write = Callable[[dict[str, Any]], bytes]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_DIGITS: Final = 18


class Unusual(Exception):
    """A value is not of the kind that can be written without another look at it."""


def compiled(schema: dict[str, Any]) -> Write:
    """The writer of a self-contained record schema.

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

    In the text: `put` takes the next bytes, `lengths[n]` are those that say a length.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(_HELPERS)
        self._defined: dict[str, dict[str, Any]] = {}
        self._place = schema["name"]
        self._depth = 0
        self._count = 0
        self.line("def write_body(record):")
        with self.deeper():
            self.line("parts = []; put = parts.append")
            self.write(schema, "record")
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
        self.demand(f"type({value}) is list and len({value}) <= {MAX_ARRAY}")
        self.line(f"if {value}:")
        with self.deeper():
            self.line(f"put(varint(2 * len({value})))")
            self.line(f"for {item} in {value}:")
            with self.deeper():
                self.write(schema["items"], item)
        self.line("put(b'\\x00')")

    def raw(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is bytes")
        self.line(f"put(lengths[len({value})]); put({value})")

    def string(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is str and '\\0' not in {value}")
        self.line(f"raw = {value}.encode(); put(lengths[len(raw)]); put(raw)")

    def uuid(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is str and is_uuid({value})")
        self.line(f"put(b'\\x48'); put({value}.encode())")

    def boolean(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is bool")
        self.line(f"put(b'\\x01' if {value} else b'\\x00')")

    def integer(self, schema: dict[str, Any], value: str) -> None:
        limit = 1 << (31 if schema["type"] == "int" else 63)
        self.demand(f"type({value}) is int and {-limit} <= {value} < {limit}")
        self.zigzag(value)

    def timestamp(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is datetime and {value}.tzinfo is UTC")
        self.line(f"n = ({value} - EPOCH) // MICROSECOND")
        self.demand("n >= FIRST")
        self.zigzag("n")

    def date(self, schema: dict[str, Any], value: str) -> None:  # noqa: ARG002
        self.demand(f"type({value}) is date and {value}.year >= {FIRST_YEAR}")
        self.line(f"n = {value}.toordinal() - {_EPOCH_DAY}")
        self.zigzag("n")

    def decimal(self, schema: dict[str, Any], value: str) -> None:
        self.line(f"put(amount({value}, {-schema['scale']}))")

    def zigzag(self, value: str) -> None:
        self.line(f"put(varint(2 * {value} if {value} >= 0 else -2 * {value} - 1))")


def _varint(number: int) -> bytes:
    """An unsigned number in as few bytes as it takes, seven bits each."""
    if 1 << 49 <= number < 1 << 56:  # a time of our days
        low, high = number & 0xFFF_FFFF, number >> 28
        first = (low & 127 | 128, low >> 7 & 127 | 128, low >> 14 & 127 | 128, low >> 21 | 128)
        last = (high & 127 | 128, high >> 7 & 127 | 128, high >> 14 & 127 | 128, high >> 21)
        return bytes(first + last)
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _amount(value: Any, exponent: int) -> bytes:
    if type(value) is not Decimal:
        raise Unusual
    sign, digits, found = value.as_tuple()
    if found != exponent or len(digits) > _MOST_DIGITS:
        raise Unusual
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    if sign and not unscaled:
        raise Unusual  # the reader knows one zero
    raw = unscaled.to_bytes((unscaled.bit_length() + 8) >> 3, signed=True)
    return _LENGTHS[len(raw)] + raw


_LENGTHS: Final = [_varint(2 * length) for length in range(4096)]
"""What says a length, by length; what is longer is unusual: an IndexError."""
_HELPERS: Final[dict[str, Any]] = {
    "EPOCH": _EPOCH,
    "FIRST": (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND,
    "MICROSECOND": _MICROSECOND,
    "UTC": UTC,
    "Unusual": Unusual,
    "amount": _amount,
    "date": date,
    "datetime": datetime,
    "is_uuid": UUID_PATTERN.fullmatch,
    "lengths": _LENGTHS,
    "varint": _varint,
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
