"""Rows as a table where it fits; else each row on lines of its own, under what it is about.

Owns layout alone. No word is broken in a table, and nothing is ever cut off: what a row is about
has to be told from it, and copied, at any width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

BORDERS: Final = 3
"""Beside each column, with the blanks around what it says; one more for the table."""


class Fitting:
    """Rows of cells under the names of their columns."""

    def __init__(
        self, title: str, names: Sequence[str], rows: Sequence[Sequence[Text]], whole: Sequence[str]
    ) -> None:
        """Take what is shown; of columns that are `whole` no cell is broken over lines."""
        self._title = title
        self._names = names
        self._rows = rows
        cells = [[Text(name), *(row[at] for row in rows)] for at, name in enumerate(names)]
        self._least = [
            max(_widest(cell.plain, name in whole) for cell in column)
            for name, column in zip(names, cells, strict=True)
        ]
        self._most = [max(_widest(cell.plain, True) for cell in column) for column in cells]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """As a table, if one fits."""
        room = options.max_width - BORDERS * len(self._names) - 1
        if sum(self._least) <= room:
            yield self._table(room)
        else:
            yield from self._lines()

    def _table(self, room: int) -> Table:
        table = Table(title=self._title, title_justify="left", title_style="bold")
        for name, width in zip(self._names, self._widths(room), strict=True):
            table.add_column(name, width=width, overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        return table

    def _widths(self, room: int) -> list[int]:
        """As wide as each wants to be, the widest no wider than leaves room for all."""
        ends = list(zip(self._least, self._most, strict=True))
        for limit in range(max(self._most), 0, -1):
            widths = [max(least, min(most, limit)) for least, most in ends]
            if sum(widths) <= room:
                return widths
        return self._least

    def _lines(self) -> Iterator[RenderableType]:
        yield Text(self._title, style="bold")
        for about, *cells in self._rows:
            yield about
            lines = named_lines(list(zip(self._names[1:], cells, strict=True)))
            yield Padding(lines, (0, 0, 0, 2))
        yield Text()


def named_lines(lines: Sequence[tuple[str, Text]]) -> Table:
    """Names, and beside them what they say; what says nothing is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, said in lines:
        if said.plain:
            table.add_row(name, said)
    return table


def _widest(text: str, is_whole: bool) -> int:
    """Columns of a line, of its longest word, where it may be broken between words."""
    parts = text.splitlines() if is_whole else text.split()
    return max(map(cell_len, parts), default=0)
