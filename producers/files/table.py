"""CSV: a table whose rows a mapping makes events of.

Owns the table: its heading, rows, quotes and encoding. A row must have as many cells as the heading
has, so that what was cut off is no event. Errors name the line at which a row begins, the column,
what was expected and what was found. Columns that the mapping does not name are not looked at, and
no report shows them: they may be full of names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, TextIO

from producers.files.entries import BadLine, Binary, Entry, Found, bad_line
from producers.files.mapping import Layout, Row, TableMapping
from runut.errors import BadInput, FieldError

BATCH: Final = 200
"""Rows that are handed over together."""
MAX_LINE: Final = 256 * 1024
"""Characters of a line at most."""
_UNDECODED: Final = "\ufffd"
_BYTE_ORDER_MARK_TOO: Final = {"utf-8": "utf-8-sig"}


class Table:
    """The events of a CSV file."""

    def __init__(self, file: Binary, mapping: TableMapping) -> None:
        self._tape = _Tape(file)
        self._mapping = mapping

    @property
    def size(self) -> int:
        """Bytes read so far."""
        return self._tape.size

    def batches(self) -> Iterator[Sequence[Entry]]:
        """The rows below the heading; of a table that lacks a column nothing but that."""
        entries = self._entries()
        while batch := list(islice(entries, BATCH)):
            yield batch

    def _entries(self) -> Iterator[Entry]:
        rows = _rows(self._tape, self._mapping.layout)
        heading = next(rows, None)
        try:
            columns = _columns(heading, self._mapping)
        except BadInput as error:
            yield bad_line(heading.line if heading else 1, error, "")
            return
        for one in rows:
            yield self._entry(one, columns)

    def _entry(self, one: _Row, columns: _Columns) -> Found | BadLine:
        row: Row = {}
        try:
            row = columns.row(one.cells())
            return Found(one.line, self._mapping.event(row), _shown(row))
        except FieldError as error:
            return self._blamed(one.line, row, error)
        except BadInput as error:
            return bad_line(one.line, error, _shown(row))

    def _blamed(self, line: int, row: Row, error: FieldError) -> BadLine:
        column = self._mapping.column_of(error.field, row)
        if column is None:
            return bad_line(line, error, _shown(row))
        where = FieldError(f"column {column} ({error.field})", error.expected, error.found)
        found = bad_line(line, where, _shown(row))
        return BadLine(line, found.reason, found.text, error.field, column)


def _shown(row: Row) -> str:
    return "; ".join(f"{column}: {cell}" for column, cell in row.items() if cell)


class _Tape(io.RawIOBase):
    """A binary file, counted as it is read."""

    def __init__(self, file: Binary) -> None:
        self._file = file
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        chunk = self._file.read1(len(buffer))
        buffer[: len(chunk)] = chunk
        self.size += len(chunk)
        return len(chunk)


class _Row:
    """One row: its cells, or why they cannot be told apart."""

    def __init__(self, line: int, cells: list[str] | BadInput) -> None:
        self.line = line
        self._cells = cells

    def cells(self) -> list[str]:
        if isinstance(self._cells, BadInput):
            raise self._cells
        return self._cells


class _Columns:
    """Where the mapped columns stand."""

    def __init__(self, heading: Sequence[str], wanted: Sequence[str], encoding: str) -> None:
        self._width = len(heading)
        self._places = {name: heading.index(name) for name in wanted}
        self._encoding = encoding

    def row(self, cells: Sequence[str]) -> Row:
        """The mapped cells of a row."""
        if len(cells) < self._width or any(cell.strip() for cell in cells[self._width :]):
            raise BadInput("row", f"{self._width} cells, as in the heading", str(len(cells)))
        found = {name: cells[at].replace("\r\n", "\n").strip() for name, at in self._places.items()}
        for name, cell in found.items():
            if _UNDECODED in cell:
                raise BadInput(f"column {name}", f"text in {self._encoding}", cell)
        return found


class _Lines:
    """Lines for the reader of rows, none longer than allowed."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            while (rest := self._text.readline(MAX_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            raise BadInput("line", f"{MAX_LINE} characters at most", "more")
        return line


def _rows(tape: _Tape, layout: Layout) -> Iterator[_Row]:
    """The heading and what comes below it, but for blank rows."""
    encoding = _BYTE_ORDER_MARK_TOO.get(layout.encoding, layout.encoding)
    # Quotes may hold line ends, which the reader of rows must see as they are.
    text = io.TextIOWrapper(
        io.BufferedReader(tape), encoding=encoding, errors="replace", newline=""
    )
    lines = _Lines(text)
    for _ in range(layout.header_line - 1):
        next(lines, None)
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    while True:
        line = lines.number + 1
        try:
            cells: list[str] | BadInput = next(reader)
        except StopIteration:
            return
        except BadInput as error:
            cells = error
        except csv.Error as error:
            expected = f"cells parted by {layout.delimiter!r}, quotes closed"
            cells = BadInput("row", expected, str(error))
        if isinstance(cells, BadInput) or any(cell.strip() for cell in cells):
            yield _Row(line, cells)


def _columns(heading: _Row | None, mapping: TableMapping) -> _Columns:
    """Where the heading has the columns that the mapping wants."""
    wanted = mapping.columns()
    expected = f"the columns {', '.join(wanted)}"
    if heading is None:
        raise BadInput("heading", expected, "nothing")
    names = [" ".join(cell.split()) for cell in heading.cells()]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise BadInput("heading", f"a column {missing[0]}", ", ".join(names))
    twice = [name for name in wanted if names.count(name) > 1]
    if twice:
        raise BadInput("heading", f"one column {twice[0]}", f"{names.count(twice[0])} of them")
    return _Columns(names, wanted, mapping.layout.encoding)
