"""Calendar files: read, refused, written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from runut.calendar import CalendarDay, YearCalendar
from runut.calendar_file import calendar_text, read_calendar_file
from runut.errors import BadFile
from runut.publishing import CalendarChange
from tests.builders import directory_log

TEXT = """
year = 2025
basis = "SKB 3 Menteri"

[[day]]
date = 2025-08-18
name = "Cuti bersama \\"Kemerdekaan\\""
kind = "JOINT"

[[day]]
date = 2025-01-01
name = "Tahun Baru"
kind = "PUBLIC"
"""
NEW_YEAR = CalendarDay(date(2025, 1, 1), "Tahun Baru", "PUBLIC")
LEAVE = CalendarDay(date(2025, 8, 18), 'Cuti bersama "Kemerdekaan"', "JOINT")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "2025.toml"


def test_a_calendar_is_read_in_the_order_of_its_days(file: Path) -> None:
    file.write_text(TEXT)
    assert read_calendar_file(file) == YearCalendar(2025, (NEW_YEAR, LEAVE), "SKB 3 Menteri")


@pytest.mark.parametrize("year", range(2019, 2028))
def test_a_calendar_is_read_as_it_was_written(file: Path, year: int) -> None:
    calendar = directory_log().latest.calendar_of(year)
    assert calendar is not None
    file.write_text(calendar_text(calendar))
    found = read_calendar_file(file)
    assert set(found.days) == set(calendar.days)
    assert (found.year, found.basis) == (calendar.year, calendar.basis)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("year = 2025", "year = 2026", r"day 2025-08-18 in .*: expected a day of 2026, found"),
        ("year = 2025", "", r"missing required field `year`"),
        (
            'kind = "JOINT"',
            'kind = "HALF"',
            r"expected year, basis and .*'HALF' - at `\$\.day\[0\]",
        ),
        ('name = "Tahun Baru"', 'name = " "', r"day 2025-01-01 in .*: expected a name"),
        ('basis = "SKB 3 Menteri"', 'basis = ""', r"at `\$\.basis`"),
        ("2025-01-01", "2025-01-32", r"expected TOML"),
        ("2025-01-01", '"soon"', r"Invalid RFC3339"),
        ('name = "Tahun Baru"', 'name = "x"\ncolour = "red"', r"unknown field `colour`"),
        (
            'date = 2025-01-01\nname = "Tahun Baru"\nkind = "PUBLIC"',
            'date = 2025-08-18\nname = "x"\nkind = "JOINT"',
            r"day 2025-08-18 in .*: expected it once as JOINT, found it again",
        ),
    ],
)
def test_what_is_wrong_is_named(file: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(BadFile, match=message):
        read_calendar_file(file)


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(BadFile, match=r"2025\.toml: expected a readable file, found No such"):
        read_calendar_file(file)


def test_a_change_tells_what_was_added_and_removed() -> None:
    before = YearCalendar(2025, (NEW_YEAR,), "SKB")
    after = YearCalendar(2025, (LEAVE,), "SKB")
    assert CalendarChange.between(None, before) == CalendarChange(True, (NEW_YEAR,), ())
    assert CalendarChange.between(before, before) == CalendarChange(False, (), ())
    assert CalendarChange.between(before, after) == CalendarChange(True, (LEAVE,), (NEW_YEAR,))
    renamed = YearCalendar(2025, (CalendarDay(NEW_YEAR.date, "1 Januari", "PUBLIC"),), "SKB")
    assert CalendarChange.between(before, renamed) == CalendarChange(True, (), ())
