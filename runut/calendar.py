"""Count working days.

Pure: the days come from the directory's calendars, never from a library or a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

DayKind = Literal["PUBLIC", "JOINT", "WORKING"]

_OFF: Final = frozenset({"PUBLIC", "JOINT"})
_ONE_DAY: Final = timedelta(days=1)
_LAST_SECOND: Final = time(23, 59, 59)


class CalendarDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a calendar: a day that is no ordinary one."""

    date: date
    name: str
    kind: DayKind


class YearCalendar(msgspec.Struct, frozen=True):
    """The entries of one year, and the decree that they are from."""

    year: int
    days: tuple[CalendarDay, ...]
    basis: str


class Calendar:
    """Which days are worked: Monday to Friday, less PUBLIC and JOINT days, plus WORKING ones."""

    def __init__(self, days: Iterable[CalendarDay] = ()) -> None:
        """Take all entries; a day may have several, of which WORKING wins."""
        self._entries: dict[date, list[CalendarDay]] = {}
        for entry in days:
            self._entries.setdefault(entry.date, []).append(entry)
        self._worked = {day: _is_worked(day, found) for day, found in self._entries.items()}
        # Much is owed from the same days on.
        self._end_of_nth = lru_cache(maxsize=4096)(self._count_to_end_of_nth)

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on a day."""
        worked = self._worked.get(day)
        return _is_weekday(day) if worked is None else worked

    def nth_working_day_after(self, day: date, n: int) -> date:
        """The n-th working day after a day (n at least 1); the day itself never counts."""
        while n > 0:
            day += _ONE_DAY
            n -= self.is_working_day(day)
        return day

    def end_of_nth_working_day(self, moment: datetime, n: int, timezone: ZoneInfo) -> datetime:
        """23:59:59 local time on the n-th working day after a moment's local date, in UTC.

        Source: events.md §6.
        """
        return self._end_of_nth(local_time(moment, timezone).date(), n, timezone)

    def _count_to_end_of_nth(self, day: date, n: int, timezone: ZoneInfo) -> datetime:
        return end_of_day(self.nth_working_day_after(day, n), timezone)

    def exceptions(self, after: date, until: date) -> list[CalendarDay]:
        """The entries that make a count of days differ from one of Mondays to Fridays, in order.

        Of the days behind `after` up to and with `until`: holidays and joint leave that fall on a
        weekday, and working days that fall on a weekend.
        """
        return [
            entry
            for day in sorted(self._worked)
            if after < day <= until and self._worked[day] != _is_weekday(day)
            for entry in self._entries[day]
            if (entry.kind == "WORKING") == self._worked[day]
        ]


def local_time(moment: datetime, timezone: ZoneInfo) -> datetime:
    """A moment in a time zone; where that lies beyond the years 1 to 9999, in UTC.

    Agencies may promise anything for the last day of all, and that must stop neither a fold nor a
    reader.
    """
    try:
        return moment.astimezone(timezone)
    except OverflowError:
        return moment


def end_of_day(day: date, timezone: ZoneInfo) -> datetime:
    """23:59:59 of a local day, in UTC."""
    return datetime.combine(day, _LAST_SECOND, timezone).astimezone(UTC)


def _is_weekday(day: date) -> bool:
    return day.weekday() < 5


def _is_worked(day: date, entries: Iterable[CalendarDay]) -> bool:
    kinds = {entry.kind for entry in entries}
    if "WORKING" in kinds:
        return True
    # A kind that this release does not know yet leaves the day as it is.
    return _is_weekday(day) and not kinds & _OFF
