"""`runut calendar`: the days off that working days are counted by."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.common import Data, Json, print_json
from runut import publishing
from runut.calendar import CalendarDay, YearCalendar
from runut.calendar_file import calendar_text
from runut.directory_follower import DirectoryFollower
from runut.errors import NotFound
from runut.settings import Settings, load_settings

calendar_app = typer.Typer(no_args_is_help=True, help="Public holidays and joint leave by year.")


@calendar_app.command("show")
def show(
    year: Annotated[int, typer.Argument(help="Such as 2026.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show a year's calendar as the file that `runut calendar publish` takes.

    Example: runut calendar show 2026 > 2026.toml
    """
    calendar = asyncio.run(_read_calendar(load_settings(data), year))
    if as_json:
        print_json(msgspec.to_builtins(calendar))
    else:
        typer.echo(calendar_text(calendar), nl=False)


@calendar_app.command("publish")
def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Calendar file (TOML).")],
    allow_removal: Annotated[
        bool,
        typer.Option("--allow-removal", help="Let it leave out days that were published before."),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Publish a year's calendar in place of the one before, as after a late decree.

    It counts for what is recorded from now on; due dates that were given stay as they were.

    Example: runut calendar publish 2026.toml
    """
    publishing_it = publishing.publish_calendar(
        load_settings(data), file, allow_removal=allow_removal
    )
    change = asyncio.run(publishing_it)
    if as_json:
        print_json(
            {
                "published": change.is_new,
                "added": msgspec.to_builtins(change.added),
                "removed": msgspec.to_builtins(change.removed),
            }
        )
        return
    for sign, days in (("+", change.added), ("-", change.removed)):
        for day in days:
            typer.echo(f"{sign} {_line(day)}")
    typer.echo("published" if change.is_new else "this is the calendar in force already")


def _line(day: CalendarDay) -> str:
    return f"{day.date}  {day.kind:<8}{day.name}"


async def _read_calendar(settings: Settings, year: int) -> YearCalendar:
    async with DirectoryFollower(settings) as follower:
        found = follower.log.latest.calendar_of(year)
    if found is None:
        raise NotFound(f"calendar of {year}", "expected one in the directory, found none")
    return found
