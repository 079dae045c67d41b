"""Which formats there are, and what a file's name says of its own."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Literal, get_args

from producers.files.avro import AvroFile
from producers.files.entries import Binary, Source
from producers.files.jsonl import JsonLines
from producers.files.mapping import TableMapping
from producers.files.table import Table
from runut.errors import BadInput

Format = Literal["jsonl", "csv", "avro"]
FORMATS: Final = get_args(Format)
SUFFIXES: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".avro": "avro",
}


def format_of(name: str) -> Format | None:
    """The format that a file's suffix names; None for any other suffix."""
    return SUFFIXES.get(PurePath(name).suffix.lower())


def open_source(file: Binary, file_format: Format, mapping: TableMapping | None) -> Source:
    """The events of a file.

    Raises:
        BadInput: it is a table, and no mapping says what its columns mean.
    """
    if file_format == "jsonl":
        return JsonLines(file)
    if file_format == "avro":
        return AvroFile(file)
    if mapping is None:
        raise BadInput("mapping", "a file that says what the columns mean (--mapping)", "none")
    return Table(file, mapping)
