"""Read the TOML file that says how a table's rows are events, and check all of it before any row.

Owns the file's keys (docs/howto/import-a-spreadsheet.md). Refuses what no row could satisfy: an
unknown key or field, a required field that nothing says, a format that says no time, an enum's
value that there is not. Every error names the key, its line, what was expected and what was found.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from producers.files.cells import Read, as_id, reader, words
from producers.files.mapping import ABSENT, Cells, Constant, Form, Layout, Node, TableMapping
from producers.files.shapes import Shape, Shapes, shape_of, shapes_of
from runut.catalogue import EventType, catalogue
from runut.errors import BadFile, BadInput
from runut.toml_lines import KeyPath, dotted, key_lines, line_of

T = TypeVar("T")
Encoding = Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"]

LIST_SEPARATOR: Final = ","
LAST_HEADER_LINE: Final = 1000
"""Where a heading may stand at most: all above it is passed over."""
_DERIVED: Final = "event_id"
_COLUMN_KEYS: Final = frozenset({"column", "columns"})


class _TypeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said of a row's type."""

    column: str | None = None
    columns: tuple[str, ...] = ()
    values: dict[str, str] | None = None


class _CellSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said of a field that comes from cells."""

    column: str | None = None
    columns: tuple[str, ...] = ()
    format: str | None = None
    values: dict[str, Any] | None = None
    prefix: str = ""
    as_id: bool = False
    separator: str | None = None
    blank: Any = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file's keys."""

    type: str | dict[str, Any]
    meta: dict[str, Any]
    data: dict[str, dict[str, Any]] = {}
    delimiter: str = ","
    encoding: Encoding = "utf-8"
    header_line: int = 1
    time_zone: str | None = None
    times: str | None = None
    dates: str | None = None
    decimal_comma: bool = False


def read_mapping(path: Path) -> TableMapping:
    """The mapping in a file.

    Raises:
        BadFile: it cannot be read, or naming the key that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise BadFile(str(path), "a readable file", error.strerror) from None
    except ValueError as error:  # no UTF-8, or no TOML
        raise BadFile(str(path), "TOML", error) from None
    return _Compiler(path, tables, key_lines(text)).mapping()


class _Compiler:
    """A mapping file on its way to a mapping."""

    def __init__(self, path: Path, tables: dict[str, Any], lines: Mapping[KeyPath, int]) -> None:
        self._path = path
        self._lines = lines
        self._file = self._converted((), tables, _File)
        self._zone = self._time_zone()

    def mapping(self) -> TableMapping:
        file = self._file
        if len(file.delimiter) != 1 or file.delimiter in '"\r\n':
            raise self._wrong(("delimiter",), "one character", file.delimiter)
        if not 1 <= file.header_line <= LAST_HEADER_LINE:
            raise self._wrong(("header_line",), f"1 to {LAST_HEADER_LINE}", file.header_line)
        layout = Layout(file.delimiter, file.encoding, file.header_line)
        which, types = self._types()
        for name in file.data.keys() - types.keys():
            raise self._wrong(("data", name), f"one of {', '.join(types)}", name)
        return TableMapping(layout, which, {name: self._form(one) for name, one in types.items()})

    def _time_zone(self) -> ZoneInfo | None:
        name = self._file.time_zone
        try:
            return ZoneInfo(name) if name is not None else None
        except (OSError, ValueError, KeyError):
            raise self._wrong(("time_zone",), "such as Asia/Makassar", name) from None

    def _types(self) -> tuple[Constant | Cells, dict[str, EventType]]:
        """What says a row's type, and the types that there may be."""
        given = self._file.type
        if isinstance(given, str):
            return Constant(given), {given: self._type(("type",), given)}
        spec = self._converted(("type",), given, _TypeSpec)
        values = spec.values or {name: name for name in self._file.data}
        if not values:
            raise self._wrong(("type",), "values, or a table [data.TYPE] for each type", "neither")
        names = dict.fromkeys(values.values())
        types = {name: self._type(("type", "values"), name) for name in names}
        return Cells("type", self._columns(("type",), spec), words(values)), types

    def _type(self, key: KeyPath, name: str) -> EventType:
        with self._about(key):
            event_type = catalogue().by_name(name)
        if event_type.topic != "events":
            raise self._wrong(key, "an event of an agency", name)
        return event_type

    def _form(self, event_type: EventType) -> Form:
        shapes = shapes_of(event_type)
        data_key = ("data", event_type.name)
        data = self._file.data.get(event_type.name, {})
        form = Form(
            self._record(("meta",), "", self._file.meta, shapes),
            self._record(data_key, "data.", data, shapes),
        )
        said = {*_paths("", form.meta), *_paths("data.", form.data)}
        for path, shape in shapes.items():
            if shape.is_required and path not in said and path != _DERIVED:
                name = path.removeprefix("data.")
                key = data_key if path != name else ("meta",)
                raise self._wrong((*key, name), "a column or a constant", "nothing")
        return form

    def _record(
        self, key: KeyPath, prefix: str, given: dict[str, Any], shapes: Shapes
    ) -> dict[str, Node]:
        return {
            name: self._node((*key, name), prefix + name, one, shapes)
            for name, one in given.items()
        }

    def _node(self, key: KeyPath, path: str, given: Any, shapes: Shapes) -> Node:
        if isinstance(given, dict) and not _COLUMN_KEYS & given.keys():
            if not any(one.startswith(f"{path}.") for one in shapes):
                raise self._wrong(key, "column, or columns, and how to read them", given)
            return self._record(key, f"{path}.", given, shapes)
        with self._about(key):
            shape = shape_of(path, shapes)
        if not isinstance(given, dict):
            self._check_symbols(key, shape, given)
            return Constant(given)
        return self._cells(key, path, self._converted(key, given, _CellSpec), shape)

    def _cells(self, key: KeyPath, path: str, spec: _CellSpec, shape: Shape) -> Cells:
        if shape.kind is None:
            raise self._wrong(key, "a field that a cell can hold (use JSONL)", "a list of records")
        if spec.separator is not None and not (shape.is_list and spec.separator):
            raise self._wrong((*key, "separator"), "one for a list alone", spec.separator)
        if spec.blank is not None:
            self._check_symbols((*key, "blank"), shape, spec.blank)
        separator = (spec.separator or LIST_SEPARATOR) if shape.is_list else None
        blank = ABSENT if spec.blank is None else spec.blank
        columns = self._columns(key, spec)
        return Cells(path, columns, self._read(key, spec, shape), separator, blank)

    def _read(self, key: KeyPath, spec: _CellSpec, shape: Shape) -> Read:
        """How to read one cell, or one item of it."""
        if spec.values is not None:
            for value in spec.values.values():
                self._check_symbols((*key, "values"), shape, value)
            return words(spec.values)
        if shape.kind == "text" and (spec.prefix or spec.as_id):
            return lambda text: spec.prefix + (as_id(text) if spec.as_id else text)
        if spec.prefix or spec.as_id:
            raise self._wrong(key, "prefix and as_id on a text alone", shape.kind)
        return self._by_kind(key, spec, shape)

    def _by_kind(self, key: KeyPath, spec: _CellSpec, shape: Shape) -> Read:
        assert shape.kind is not None  # noqa: S101 - `_cells` refuses what no cell can hold
        usual = {"time": self._file.times, "date": self._file.dates}
        if spec.format is not None and shape.kind not in usual:
            raise self._wrong((*key, "format"), "one for a time or date alone", shape.kind)
        time_format = spec.format or usual.get(shape.kind)
        if shape.kind == "time" and time_format and "%z" not in time_format and not self._zone:
            raise self._wrong(("time_zone",), "that of times which name none", "nothing")
        return reader(shape.kind, time_format, self._zone, decimal_comma=self._file.decimal_comma)

    def _columns(self, key: KeyPath, spec: _CellSpec | _TypeSpec) -> tuple[str, ...]:
        columns = (*spec.columns, *([spec.column] if spec.column is not None else []))
        if not columns or (spec.columns and spec.column is not None):
            raise self._wrong(key, "column or columns, one of them", "none or both")
        return tuple(" ".join(one.split()) for one in columns)

    def _check_symbols(self, key: KeyPath, shape: Shape, value: Any) -> None:
        for one in value if shape.is_list and isinstance(value, list) else [value]:
            if shape.symbols and one not in shape.symbols:
                raise self._wrong(key, f"one of {', '.join(shape.symbols)}", one)

    def _converted(self, key: KeyPath, given: Any, shape: type[T]) -> T:
        try:
            return msgspec.convert(given, shape)
        except msgspec.ValidationError as error:
            keys = ", ".join(shape.__struct_fields__)  # type: ignore[attr-defined]
            raise self._wrong(key, f"the keys {keys}", error) from None

    @contextmanager
    def _about(self, key: KeyPath) -> Iterator[None]:
        """What is wrong within is wrong about a key."""
        try:
            yield
        except BadInput as error:
            raise self._wrong(key, error.expected, error.found) from None

    def _wrong(self, key: KeyPath, expected: str, found: object) -> BadFile:
        line = line_of(self._lines, key)
        place = f"{self._path}" if line is None else f"{self._path} line {line}"
        return BadFile(f"{dotted(key)} in {place}" if key else place, expected, found)


def _paths(prefix: str, nodes: Mapping[str, Node]) -> list[str]:
    found = []
    for name, node in nodes.items():
        found += _paths(f"{prefix}{name}.", node) if isinstance(node, dict) else [prefix + name]
    return found
