"""Read and write a calendar file: the days of one year that are no ordinary ones, as TOML.

`year`, `basis` (the decree) and `[[day]]` tables with date, name and kind (PUBLIC, JOINT, WORKING).
A calendar replaces the one published last for its year, so a file holds the whole year. Pure but
for reading the file. Refuses unknown fields, days of another year and entries said twice.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec

from runut.calendar import CalendarDay, YearCalendar
from runut.errors import BadFile

Text = Annotated[str, msgspec.Meta(pattern=r"\S")]

_HEAD: Final = """\
# Days that are no ordinary ones: PUBLIC (libur nasional) and JOINT (cuti bersama) are no working
# days, WORKING (hari kerja pengganti) is one. This is the whole year: publishing it replaces the
# calendar published before.
"""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    year: Annotated[int, msgspec.Meta(ge=1, le=9999)]
    basis: Text
    day: tuple[CalendarDay, ...]


def read_calendar_file(path: Path) -> YearCalendar:
    """The file at `path`.

    Raises:
        BadFile: it cannot be read, or naming what is wrong in it.
    """
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except OSError as error:
        raise BadFile(str(path), "a readable file", error.strerror) from None
    except msgspec.ValidationError as error:
        raise BadFile(str(path), "year, basis and [[day]] (date, name, kind)", error) from None
    except ValueError as error:  # no UTF-8, or no TOML
        raise BadFile(str(path), "TOML", error) from None
    _check_days(path, file)
    days = sorted(file.day, key=lambda entry: (entry.date, entry.kind))
    return YearCalendar(file.year, tuple(days), file.basis)


def calendar_text(calendar: YearCalendar) -> str:
    """A calendar as the text of a calendar file."""
    head = f"{_HEAD}\nyear = {calendar.year}\nbasis = {_quoted(calendar.basis)}\n"
    return head + "".join(map(_day_text, calendar.days))


def _day_text(entry: CalendarDay) -> str:
    return (
        f"\n[[day]]\ndate = {entry.date}\nname = {_quoted(entry.name)}\n"
        f"kind = {_quoted(entry.kind)}\n"
    )


def _check_days(path: Path, file: _File) -> None:
    seen: set[tuple[object, str]] = set()
    for entry in file.day:
        thing = f"day {entry.date} in {path}"
        if entry.date.year != file.year:
            raise BadFile(thing, f"a day of {file.year}", entry.date)
        if not entry.name.strip():
            raise BadFile(thing, "a name", entry.name)
        if (entry.date, entry.kind) in seen:
            raise BadFile(thing, f"it once as {entry.kind}", "it again")
        seen.add((entry.date, entry.kind))


def _quoted(text: str) -> str:
    """A basic string of TOML: what JSON writes is one, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
