"""SQL from the files in which it lives.

A file is a script as it stands, or holds queries that each begin with `-- name: NAME`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, LiteralString, cast

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def read_queries(file: Path) -> dict[str, LiteralString]:
    """The queries of a file, by name."""
    _, *parts = _NAME.split(read_script(file))
    return {
        name: cast("LiteralString", text.strip().removesuffix(";"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def read_script(file: Path) -> LiteralString:
    """A whole file, to be executed as it stands."""
    # Our own files, not input: as trustworthy as a literal.
    return cast("LiteralString", file.read_text())  # type: ignore[redundant-cast]
