"""Times and dates as text are RFC 3339 and nothing looser."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from runut.errors import BadInput
from runut.rfc3339 import format_time, parse_date, parse_time, utc


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2025-05-08T10:00:00+07:00", "2025-05-08T03:00:00Z"),
        ("2025-05-08T03:00:00.5Z", "2025-05-08T03:00:00.500000Z"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_is_read_exactly_and_shown_in_utc(text: str, shown: str) -> None:
    assert format_time(parse_time(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2025-05-08T10:00:00",
        "2025-05-08",
        "2025-05-08 10:00:00Z",
        "2025-02-30T10:00:00Z",
        "2025-05-08T24:00:01Z",
        "2025-05-08T10:00:00.1234567Z",
        "2025-05-08T10:00:00+25:00",
        "1899-12-31T23:59:59Z",
        "1900-01-01T00:00:00+07:00",
        "0001-01-01T00:00:00+07:00",
        "9999-12-31T23:59:59-07:00",
        "٢٠٢٥-05-08T10:00:00Z",
        "20250508T100000Z",
        "",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="time: expected"):
        parse_time(text)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="with an offset"):
        utc(datetime(2025, 5, 8, 10))
    jakarta = timezone(timedelta(hours=7))
    assert utc(datetime(2025, 5, 8, 10, tzinfo=jakarta)) == datetime(2025, 5, 8, 3, tzinfo=UTC)


def test_a_date_is_year_month_day() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("text", ["2025-02-29", "20250508", "2025-W19-4", "1899-12-31", "8/5/2025"])
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="YYYY-MM-DD"):
        parse_date(text)
