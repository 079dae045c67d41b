"""CSV: a table whose rows a mapping makes events of.

Owns the table: its heading, rows, quotes and encoding. A row must have as many cells as the heading
has, so that what was cut off is no event; where it has not, or a quote is left open, no line of it
is guessed at, and each is told and counted. Errors name the line at which a row begins, the column,
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
            yield heading.blamed(error) if heading else bad_line(1, error, "")
            return
        for one in rows:
            try:
                cells = columns.as_many(one.cells())
            except BadInput as error:
                yield from one.refused(error)
            else:
                yield self._entry(one.line, columns, cells)

    def _entry(self, line: int, columns: _Columns, cells: Sequence[str]) -> Found | BadLine:
        row: Row = {}
        try:
            row = columns.row(cells)
            return Found(line, self._mapping.event(row), _shown(row))
        except FieldError as error:
            return self._blamed(line, row, error)
        except BadInput as error:
            return bad_line(line, error, _shown(row))

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
    """One row: its cells, or why they cannot be told apart.

    Of several lines it is where a quote was open at their ends.
    """

    def __init__(self, line: int, cells: list[str] | BadInput, more: Sequence[int]) -> None:
        self.line = line
        self._cells = cells
        self._more = more

    def cells(self) -> list[str]:
        if isinstance(self._cells, BadInput):
            raise self._cells
        return self._cells

    def blamed(self, error: BadInput) -> BadLine:
        """The entry for the row, with its lines where they are several."""
        if self._more:
            thing = f"{error.thing} of lines {self.line} to {self._more[-1]}"
            error = BadInput(thing, error.expected, error.found)
        return bad_line(self.line, error, "")

    def refused(self, error: BadInput) -> Iterator[BadLine]:
        """An entry for each line: what stands in quotes may be rows, if one was left open."""
        yield self.blamed(error)
        for line in self._more:
            found = f"the quote of line {self.line} still open"
            yield bad_line(line, BadInput("row", "quotes closed before it", found), "")


class _Columns:
    """Where the mapped columns stand."""

    def __init__(self, heading: Sequence[str], wanted: Sequence[str], encoding: str) -> None:
        self._width = len(heading)
        self._places = {name: heading.index(name) for name in wanted}
        self._encoding = encoding

    def as_many(self, cells: Sequence[str]) -> Sequence[str]:
        """The cells of a row that has as many as the heading."""
        if len(cells) < self._width or any(cell.strip() for cell in cells[self._width :]):
            raise BadInput("row", f"{self._width} cells, as in the heading", str(len(cells)))
        return cells

    def row(self, cells: Sequence[str]) -> Row:
        """The mapped cells of a row."""
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
        self.filled: list[int] = []
        """Lines that are not blank, since this was emptied."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if not line.isspace():
            self.filled.append(self.number)
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
        lines.filled = []
        try:
            cells: list[str] | BadInput = next(reader)
        except StopIteration:
            return
        except BadInput as error:
            cells = error
        except csv.Error as error:
            expected = f"cells parted by {layout.delimiter!r}, quotes closed"
            cells = BadInput("row", expected, _fault(str(error)))
        if isinstance(cells, BadInput) or any(cell.strip() for cell in cells):
            yield _Row(line, cells, lines.filled[1:])


def _fault(message: str) -> str:
    """What the reader of rows stumbled over."""
    if message.startswith("field larger"):
        return f"a cell of more than {csv.field_size_limit()} characters"
    if message == "unexpected end of data":
        return "a quote that is not closed"
    return "text after a closing quote" if "expected after" in message else message


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
