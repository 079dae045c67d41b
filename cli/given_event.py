"""One event as given on the command line: what `runut emit` and `runut encode` share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from runut.errors import FieldError
from runut.event import Event
from runut.json_form import from_json

EventTypeName = Annotated[str, typer.Argument(metavar="TYPE", help="Such as LetterSent.")]
About = Annotated[str, typer.Option(help="What it is about, such as case/KP2MI-2025-0001.")]
Emitter = Annotated[str, typer.Option(help="Code of the emitting agency.")]
PayloadOrDirectory = Annotated[
    list[str] | None,
    typer.Option(
        metavar="JSON|@FILE",
        help="The payload as JSON, or @FILE. A value that is neither is the data directory.",
    ),
]
OccurredAt = Annotated[
    str | None,
    typer.Option(metavar="T", help="When it happened: 2025-05-08T10:00:00+07:00. Default: now."),
]


def payload_and_directory(given: list[str]) -> tuple[str, Path | None]:
    """Tell the payload from the data directory: both are called --data (interfaces.md)."""
    payload, directory = "{}", None
    for value in given:
        if value.startswith("@"):
            payload = _read(Path(value[1:]))
        elif value.lstrip().startswith(("{", "[")):
            payload = value
        else:
            directory = Path(value)
    return payload, directory


def given_event(
    event_type: str, subject: str, agency: str, payload: str, occurred_at: str | None
) -> Event:
    """The event of these options, with a new id; a wrong one ends the command, and is named."""
    about: dict[str, Any] = {"type": event_type, "subject": subject, "agency": agency}
    about["occurred_at"] = occurred_at or datetime.now(UTC)
    try:
        about["data"] = msgspec.json.decode(payload)
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"--data: expected JSON, found {payload!r}: {error}") from None
    try:
        return from_json(about)
    except FieldError as error:
        raise typer.BadParameter(str(error)) from None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"expected a readable file, found {file}: {error}") from None
