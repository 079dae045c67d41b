"""On which line of a TOML text a key stands: what `tomllib` reads and does not tell.

Pure. Owns the layout that people write protocol and directory files in: tables, arrays of tables,
one key a line. What stands within an inline table or an array has the line of its key.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

KeyPath = tuple[str | int, ...]
"""`("meeting_series", 0, "members", 2)`: keys, and indexes of arrays from 0."""

_WORD: Final = r"(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)"
_KEYS: Final = rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*"
_TABLES: Final = re.compile(rf"\s*\[\[{_KEYS}\]\]")
_TABLE: Final = re.compile(rf"\s*\[{_KEYS}\]")
_KEY: Final = re.compile(rf"{_KEYS}=")
_LONG_TEXT: Final = re.compile(r"\"\"\"|'''")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of each table and key of a well-formed text."""
    lines: dict[KeyPath, int] = {}
    entries: Counter[KeyPath] = Counter()
    table: KeyPath = ()
    in_long_text = False
    for number, line in enumerate(text.splitlines(), 1):
        was_in_long_text = in_long_text
        in_long_text ^= len(_LONG_TEXT.findall(line)) % 2 == 1
        if was_in_long_text:
            continue
        if found := _TABLES.match(line):
            name = _words(found[1])
            table = (*name, entries[name])
            entries[name] += 1
            lines.setdefault(name, number)
            lines[table] = number
        elif found := _TABLE.match(line):
            table = _words(found[1])
            lines[table] = number
        elif found := _KEY.match(line):
            lines[(*table, *_words(found[1]))] = number
    return lines


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of a key path, else of the nearest table or key around it; None for the file."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def dotted(path: KeyPath) -> str:
    """`meeting_series[0].members[2]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _words(keys: str) -> KeyPath:
    return tuple(word.strip("\"'") for word in re.findall(_WORD, keys))
