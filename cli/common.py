"""What every command shares: the options that have one meaning, output, and running async work."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer

from runut.errors import BadInput
from runut.rfc3339 import parse_time

T = TypeVar("T")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="RUNUT_DATA",
        metavar="DIR",
        help="Data directory of the platform. Default: .runut",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        min=1,
        max=32,  # each takes connections to PostgreSQL, of which there are a hundred
        help="How many at once. Default: one a core.",
    ),
]


def moment(text: str) -> datetime:
    """Parse an option that is a time with its offset."""
    try:
        return parse_time(text)
    except BadInput as error:
        raise typer.BadParameter(f"expected {error.expected}; found {text!r}") from None


def many(count: int, one: str, more: str | None = None) -> str:
    """`1 event`, `2,000 events`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def print_json(document: Any) -> None:
    """Print one document for programs."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work to its end."""
    return asyncio.run(work)
