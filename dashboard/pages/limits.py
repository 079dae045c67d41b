"""How long until a limit, in working days, as the directory's calendars and protocol have it.

Pure: the moment is passed in.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from projections.sentences import LOCAL_ZONE
from runut.calendar import Calendar, local_time
from runut.directory import Directory

COUNTED: Final = 366
"""Working days are told up to so many days; beyond that a date says more."""
KEPT: Final = 4_096
"""Pairs of days: every page of a day counts from the same one."""


class Countdown(NamedTuple):
    """Days between a moment and a limit: that of the limit counts, that of the moment does not."""

    is_over: bool
    working_days: int | None
    """Left, or since the limit; None where they are too many to be told."""
    is_today: bool
    """Whether both fall on the same local day."""


def countdown(due_at: datetime, moment: datetime, directory: Directory) -> Countdown:
    """How long until a limit, or since it, in the protocol's time zone."""
    zone = zone_of(directory, moment)
    due, today = local_time(due_at, zone).date(), local_time(moment, zone).date()
    days = working_days(directory.calendar, *sorted((today, due)))
    return Countdown(due_at < moment, days, due == today)


@lru_cache(maxsize=KEPT)
def working_days(calendar: Calendar, after: date, until: date) -> int | None:
    """How many days are worked behind `after` up to and with `until`; None where too many."""
    between = (until - after).days
    if between > COUNTED:
        return None
    return sum(calendar.is_working_day(after + timedelta(n)) for n in range(1, between + 1))


def zone_of(directory: Directory, moment: datetime) -> ZoneInfo:
    """The time zone in which limits are meant."""
    protocol = directory.protocol_at(moment)
    return LOCAL_ZONE if protocol is None else protocol.timezone
