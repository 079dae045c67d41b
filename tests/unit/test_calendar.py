"""Working days, as the directory's calendars have them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut.calendar import Calendar, CalendarDay, DayKind, local_time
from tests.builders import directory_log

JAKARTA = ZoneInfo("Asia/Jakarta")
FRIDAY, SATURDAY, MONDAY = date(2025, 7, 4), date(2025, 7, 5), date(2025, 7, 7)

days = st.dates(date(2025, 1, 1), date(2025, 12, 31))
entries = st.lists(
    st.builds(
        CalendarDay,
        date=days,
        name=st.just("x"),
        kind=st.sampled_from(["PUBLIC", "JOINT", "WORKING"]),
    )
)


def entry(day: date, kind: str) -> CalendarDay:
    return CalendarDay(day, kind.lower(), cast(DayKind, kind))


@pytest.mark.parametrize(
    ("day", "kinds", "worked"),
    [
        (FRIDAY, (), True),
        (SATURDAY, (), False),
        (FRIDAY, ("PUBLIC",), False),
        (FRIDAY, ("JOINT",), False),
        (SATURDAY, ("WORKING",), True),
        (FRIDAY, ("PUBLIC", "WORKING"), True),
        (FRIDAY, ("UNSPECIFIED",), True),
        (SATURDAY, ("UNSPECIFIED",), False),
    ],
)
def test_a_day_is_worked_as_its_entries_say(
    day: date, kinds: tuple[str, ...], worked: bool
) -> None:
    assert Calendar(entry(day, kind) for kind in kinds).is_working_day(day) is worked


def test_the_example_of_the_contract_comes_out() -> None:
    calendar = directory_log().latest.calendar
    offered = datetime(2025, 3, 26, 10, tzinfo=JAKARTA)
    due = calendar.end_of_nth_working_day(offered, 3, JAKARTA)
    assert due == datetime(2025, 4, 9, 16, 59, 59, tzinfo=UTC)


def test_the_day_of_the_event_is_that_of_the_time_zone() -> None:
    late = datetime(2025, 7, 3, 17, 30, tzinfo=UTC)  # Friday already in Jakarta
    calendar = Calendar()
    assert calendar.end_of_nth_working_day(late, 1, JAKARTA).astimezone(JAKARTA).date() == MONDAY
    utc = ZoneInfo("UTC")
    assert calendar.end_of_nth_working_day(late, 1, utc).date() == FRIDAY


def test_exceptions_are_the_entries_that_changed_a_count_and_no_others() -> None:
    weekend_holiday, bridged = entry(SATURDAY, "PUBLIC"), entry(MONDAY, "JOINT")
    replaced = entry(SATURDAY + timedelta(7), "WORKING")
    first, last = entry(FRIDAY, "PUBLIC"), entry(date(2025, 7, 15), "PUBLIC")
    calendar = Calendar([last, replaced, bridged, weekend_holiday, first])
    assert calendar.exceptions(FRIDAY, date(2025, 7, 14)) == [bridged, replaced]
    assert calendar.exceptions(FRIDAY, date(2025, 7, 15)) == [bridged, replaced, last]


@given(entries, days, st.integers(1, 40))
def test_a_limit_counts_the_weekdays_less_and_plus_its_exceptions(
    found: list[CalendarDay], day: date, n: int
) -> None:
    calendar = Calendar(found)
    end = calendar.nth_working_day_after(day, n)
    between = [day + timedelta(i) for i in range(1, (end - day).days + 1)]
    weekdays = sum(one.weekday() < 5 for one in between)
    changed = {one.date: one.kind == "WORKING" for one in calendar.exceptions(day, end)}
    assert weekdays + sum(1 if worked else -1 for worked in changed.values()) == n
    assert calendar.is_working_day(end)


@pytest.mark.parametrize(
    ("moment", "zone"),
    [
        (datetime(9999, 12, 31, 23, tzinfo=UTC), JAKARTA),
        (datetime(1, 1, 1, 1, tzinfo=UTC), ZoneInfo("America/New_York")),
    ],
)
def test_where_a_zone_leads_beyond_the_calendar_a_moment_is_told_in_utc(
    moment: datetime, zone: ZoneInfo
) -> None:
    assert local_time(moment, zone) == moment
    assert local_time(moment, zone).tzinfo is UTC


def test_a_moment_is_told_in_its_zone() -> None:
    local = local_time(datetime(2025, 7, 4, 18, tzinfo=UTC), JAKARTA)
    assert (local.date(), local.hour) == (SATURDAY, 1)
