"""Times and dates as text: RFC 3339, and nothing looser.

Owns the one way in which times are read and shown. Refuses times without an offset, digits
beyond microseconds, and years outside 1900 to 9999 (events.md §1).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from runut.errors import BadInput

FIRST_YEAR: Final = 1900
A_TIME: Final = (
    "an RFC 3339 time with an offset and to the microsecond at most, such as "
    "2025-05-08T10:00:00+07:00"
)
A_DATE: Final = "a date as YYYY-MM-DD"

_JSON: Final = msgspec.json.Encoder()
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def format_time(time: datetime) -> str:
    """An aware time as RFC 3339 in UTC, such as `2025-05-08T03:00:00Z`."""
    return time_bytes(time).decode()


def time_bytes(time: datetime) -> bytes:
    """The same as ASCII."""
    # A fifth of what isoformat costs, and every record's ce_time passes here.
    return _JSON.encode(time if time.tzinfo is UTC else time.astimezone(UTC))[1:-1]


def parse_time(text: str) -> datetime:
    """The aware UTC time in `text`, exact to the microsecond.

    Raises:
        BadInput: it is no RFC 3339 time with an offset, or not of the years 1900 to 9999.
    """
    try:
        if not _TIME.fullmatch(text):
            raise BadInput("time", A_TIME, text)
        return utc(datetime.fromisoformat(text))
    except ValueError:  # such as February 30
        raise BadInput("time", A_TIME, text) from None


def utc(time: datetime) -> datetime:
    """An aware time in UTC.

    Raises:
        BadInput: it has no time zone, or is not of the years 1900 to 9999.
    """
    if time.tzinfo is None:
        raise BadInput("time", A_TIME, time.isoformat())
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        raise BadInput("time", f"a year from {FIRST_YEAR} to 9999", time.isoformat()) from None
    if time.year < FIRST_YEAR:
        raise BadInput("time", f"a year from {FIRST_YEAR} to 9999", time.isoformat())
    return time


def parse_date(text: str) -> date:
    """The date in `text`, written YYYY-MM-DD.

    Raises:
        BadInput: it is none, or not of the years 1900 to 9999.
    """
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or found.year < FIRST_YEAR:
        raise BadInput("date", A_DATE, text)
    return found
