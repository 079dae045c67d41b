"""The SQL of the read models, from the files beside this module.

A file holds queries that each begin with `-- name: NAME`; they are read once.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final, LiteralString, cast

_FOLDER: Final = Path(__file__).parent / "sql"
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, LiteralString]:
    """The queries of a file, by name. `projector` reads sql/projector.sql."""
    _, *parts = _NAME.split(script(file))
    return {
        name: cast("LiteralString", text.strip().removesuffix(";"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def script(file: str) -> LiteralString:
    """A whole file, to be executed as it stands."""
    # Our own files, not input: as trustworthy as a literal.
    return cast("LiteralString", (_FOLDER / f"{file}.sql").read_text())  # type: ignore[redundant-cast]
