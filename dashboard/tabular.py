"""Documents as lines: CSV for spreadsheets, JSON Lines for programs.

Pure. CSV is RFC 4180 in UTF-8 with a line of names first; lists are separated by semicolons, what
is nested is JSON. A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from projections.portraits import Document

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_head(columns: Sequence[str]) -> bytes:
    """The line of names."""
    return _csv([list(columns)])


def csv_lines(documents: Iterable[Document], columns: Sequence[str]) -> bytes:
    """A line for each document."""
    return _csv([[_cell(one.get(name)) for name in columns] for one in documents])


def json_lines(documents: Iterable[Document]) -> bytes:
    """A JSON object on a line for each document."""
    return b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in documents)


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
        case list() if all(isinstance(one, str) for one in value):
            return _cell(";".join(value))
        case dict() | list():
            return orjson.dumps(value).decode()
        case _:
            return value
