"""The SQL of the read models, from the files beside this module, each read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, LiteralString

from runut.named_queries import read_queries, read_script

_FOLDER: Final = Path(__file__).parent / "sql"


@cache
def queries(file: str) -> dict[str, LiteralString]:
    """The queries of a file, by name. `projector` reads sql/projector.sql."""
    return read_queries(_FOLDER / f"{file}.sql")


def script(file: str) -> LiteralString:
    """A whole file, to be executed as it stands."""
    return read_script(_FOLDER / f"{file}.sql")
