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
from typing import Any, Final

from runut.avro_values import HELPERS, UNSPECIFIED
from runut.errors import BadFile, NotAnEvent
from runut.native import IS_USED

if IS_USED:
    from runut.native import avro_reading

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
        self.read = self.read_plainly
        """`read_plainly`, compiled where it can be."""
        if IS_USED:
            self.read = avro_reading.AtAGlance(schema, self.read_plainly).read

    def read_plainly(self, body: bytes) -> _Record:
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
        self.names: dict[str, Any] = dict(HELPERS)
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
        # Few items, and no word on where they end: the count doubled in one byte.
        few = "(b[p] >> 1, None, p + 1) if b[p] & 129 == 0"
        self.line(f"{count}, {end}, p = {few} else block(b, p, 0, None)")
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
