"""Count working days.

Pure: the days come from the directory's calendars, never from a library or a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

DayKind = Literal["PUBLIC", "JOINT", "WORKING"]

_ONE_DAY: Final = timedelta(days=1)
_LAST_SECOND: Final = time(23, 59, 59)


class Calendar:
    """Which days are worked: Monday to Friday, less PUBLIC and JOINT days, plus WORKING ones."""

    def __init__(self, days: Mapping[date, frozenset[DayKind]] | None = None) -> None:
        self._days = dict(days or {})

    @classmethod
    def of(cls, days: Iterable[tuple[date, DayKind]]) -> Calendar:
        """Build from (day, kind) pairs; a day may have several kinds."""
        found: dict[date, frozenset[DayKind]] = {}
        for day, kind in days:
            found[day] = found.get(day, frozenset()) | {kind}
        return cls(found)

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on a day. A day declared WORKING wins over a holiday."""
        kinds = self._days.get(day)
        if kinds is None:
            return day.weekday() < 5
        return "WORKING" in kinds

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
        day = self.nth_working_day_after(moment.astimezone(timezone).date(), n)
        return end_of_day(day, timezone)


def end_of_day(day: date, timezone: ZoneInfo) -> datetime:
    """23:59:59 of a local day, in UTC."""
    return datetime.combine(day, _LAST_SECOND, timezone).astimezone(UTC)
