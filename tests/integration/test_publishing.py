"""Publishing protocols and calendars on real Kafka: once, sound, and for what comes after."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from runut.calendar import CalendarDay, YearCalendar
from runut.calendar_file import calendar_text
from runut.directory import Directory
from runut.errors import BadFile
from runut.founding import default_protocol
from runut.publishing import publish_calendar, publish_protocol
from runut.settings import Settings
from tests.integration.logs import read_log

TEXT = default_protocol().read_text()
LATE_LEAVE = CalendarDay(date(2025, 4, 8), "Cuti bersama susulan", "JOINT")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def save(path: Path, text: str) -> None:
    path.write_text(text)


def version(name: str) -> str:
    """The default protocol's text as another version."""
    return TEXT.replace('version = "pmi-1"', f'version = "{name}"')


async def read_directory(settings: Settings) -> Directory:
    log = await read_log(settings)
    assert log.directory.rejected == {}
    assert set(log.announced.values()) == {log.directory.size - 1}
    return log.directory.latest


async def test_a_protocol_is_published_once_for_what_happens_from_now_on(
    ledger: Settings, file: Path
) -> None:
    assert await publish_protocol(ledger, default_protocol()) is False
    save(file, version("pmi-2"))
    before = datetime.now(UTC)
    assert await publish_protocol(ledger, file) is True
    assert await publish_protocol(ledger, file) is False
    directory = await read_directory(ledger)
    versions = [directory.protocol_at(moment) for moment in (before, datetime.now(UTC))]
    assert [one.version if one else None for one in versions] == ["pmi-1", "pmi-2"]
    assert await publish_protocol(ledger, default_protocol()) is True  # back in force
    latest = (await read_directory(ledger)).protocol_at(datetime.now(UTC))
    assert latest is not None
    assert latest.version == "pmi-1"


async def test_a_protocol_is_in_force_from_the_moment_that_is_named(
    ledger: Settings, file: Path
) -> None:
    save(file, version("pmi-2"))
    new_year = datetime(2031, 1, 1, tzinfo=UTC)
    assert await publish_protocol(ledger, file, new_year) is True
    assert await publish_protocol(ledger, file, new_year) is False
    directory = await read_directory(ledger)
    moments = (new_year - timedelta(microseconds=1), new_year)
    found = [directory.protocol_at(moment) for moment in moments]
    assert [one.version if one else None for one in found] == ["pmi-1", "pmi-2"]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("pmi-1", '"24h"', '"12h"', r"version in .*: expected a version .* found pmi-1$"),
        (
            "pmi-2",
            "[consents]",
            "[size]\n[consent]",
            r"size in .* found size; 1 more, see: runut",
        ),
        (
            "pmi-2",
            'arbiter = "kp2mi"',
            'arbiter = "kpmi"',
            r"agency that the directory knows, found kpmi$",
        ),
        ("pmi-2", "[limits]", "[limits", r"rules\.toml: expected TOML, found"),
    ],
)
async def test_a_protocol_with_an_error_is_not_published(
    ledger: Settings, file: Path, name: str, old: str, new: str, message: str
) -> None:
    save(file, version(name).replace(old, new))
    with pytest.raises(BadFile, match=message):
        await publish_protocol(ledger, file)
    assert len((await read_directory(ledger)).protocols) == 1


async def test_a_late_decree_adds_a_day_to_the_years_calendar(
    founded: Settings, file: Path
) -> None:
    published = (await read_directory(founded)).calendar_of(2025)
    assert published is not None
    save(file, calendar_text(published))
    assert (await publish_calendar(founded, file)).is_new is False
    more = YearCalendar(2025, (*published.days, LATE_LEAVE), "SKB perubahan")
    save(file, calendar_text(more))
    change = await publish_calendar(founded, file)
    assert (change.is_new, change.added, change.removed) == (True, (LATE_LEAVE,), ())
    directory = await read_directory(founded)
    assert not directory.calendar.is_working_day(LATE_LEAVE.date)
    assert not directory.calendar.is_working_day(date(2025, 1, 1))


async def test_days_are_not_forgotten_by_accident(founded: Settings, file: Path) -> None:
    before = (await read_directory(founded)).calendar_of(2025)
    assert before is not None
    save(file, calendar_text(YearCalendar(2025, (LATE_LEAVE,), "SKB perubahan")))
    with pytest.raises(
        BadFile, match=r"\(or --allow-removal\), found it without 2025-01-01 PUBLIC"
    ):
        await publish_calendar(founded, file)
    assert (await read_directory(founded)).calendar_of(2025) == before
    change = await publish_calendar(founded, file, allow_removal=True)
    assert len(change.removed) == len(before.days)
    assert (await read_directory(founded)).calendar.is_working_day(date(2025, 1, 1))
