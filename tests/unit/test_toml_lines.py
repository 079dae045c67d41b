"""Lines of keys in TOML files as people write them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from runut.founding import default_protocol
from runut.toml_lines import KeyPath, dotted, key_lines, line_of

TEXT = '''version = "1" # [not.a.table]
names."with.dot" = 2
note = """
title = "within a text"
[[meeting]]
"""

[limits.LETTER_REPLY]
  URGENT   = "5wd"

[[meeting]]
members = [
  "a",
  "b",
]
[[ meeting ]]
place = { room = "x" }
'''


def paths(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*at, index))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("version",), 1),
        (("names", "with.dot"), 2),
        (("note",), 3),
        (("limits", "LETTER_REPLY"), 8),
        (("limits", "LETTER_REPLY", "URGENT"), 9),
        (("limits", "LETTER_REPLY", "NORMAL"), 8),
        (("meeting",), 11),
        (("meeting", 0), 11),
        (("meeting", 0, "members", 1), 12),
        (("meeting", 1, "place", "room"), 17),
        (("title",), None),
        ((), None),
    ],
)
def test_a_path_has_the_line_of_its_key_or_of_what_is_around_it(
    path: KeyPath, line: int | None
) -> None:
    assert line_of(key_lines(TEXT), path) == line


def test_lines_of_the_default_protocol_hold_their_keys() -> None:
    text = default_protocol().read_text()
    lines = key_lines(text)
    known = set(paths(tomllib.loads(text)))
    assert set(lines) <= known
    for path, line in lines.items():
        last = [part for part in path if isinstance(part, str)][-1]
        assert last in text.splitlines()[line - 1]
    assert all(line_of(lines, path) for path in known if path)


def test_a_path_is_written_with_dots_and_indexes() -> None:
    assert dotted(("meeting_series", 0, "members", 2)) == "meeting_series[0].members[2]"
    assert dotted(()) == ""
