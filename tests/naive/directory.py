"""What the directory had announced before an event: agencies, protocols, calendars, limits.

From events.md §2 and §6. A view is {"agencies": {code: data}, "protocols": [data, in the order of
announcement], "calendars": {year: {date: set of kinds}}}.
"""

import tomllib
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.naive.words import Record, View


def view_at(facts: list[Record], offset: int) -> View:
    """The view from directory records {"offset", "type", "data"} up to and with an offset."""
    view: View = {"agencies": {}, "protocols": [], "calendars": {}}
    for fact in facts:
        if fact["offset"] > offset:
            continue
        data = fact["data"]
        if fact["type"] == "AgencyRegistered":
            view["agencies"][data["code"]] = data
        if fact["type"] == "ProtocolPublished":
            rules = tomllib.loads(data["body"])
            view["protocols"].append({"effective_from": data["effective_from"], **rules})
        if fact["type"] == "CalendarPublished":
            days: Record = {}
            for day in data["days"]:
                days.setdefault(day["date"], set()).add(day["kind"])
            view["calendars"][data["year"]] = days
    return view


def is_known(view: View, code: str) -> bool:
    return code in view["agencies"]


def has_role(view: View, code: str, role: str) -> bool:
    return is_known(view, code) and role in view["agencies"][code]["roles"]


def is_system(view: View, code: str) -> bool:
    return is_known(view, code) and view["agencies"][code]["kind"] == "SYSTEM"


def protocol_at(view: View, moment: datetime) -> Record:
    """The one with the latest effective_from that is not after the moment."""
    found = None
    for protocol in view["protocols"]:
        if protocol["effective_from"] <= moment and (
            found is None or protocol["effective_from"] >= found["effective_from"]
        ):
            found = protocol
    return found


def zone_at(view: View, moment: datetime) -> ZoneInfo:
    """Time zone in which an agreement or an agent that begins at this moment has its dates."""
    protocol = protocol_at(view, moment)
    return ZoneInfo(protocol["timezone"] if protocol else "Asia/Jakarta")


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(23, 59, 59), zone)


def due(view: View, kind: str, moment: datetime, variant: str | None = None) -> datetime | None:
    """When something owed from a moment on is due; None where no protocol is known."""
    protocol = protocol_at(view, moment)
    if protocol is None:
        return None
    limit = protocol["limits"][kind]
    if isinstance(limit, dict):
        limit = limit[variant]
    if limit.endswith("h"):
        return moment + timedelta(hours=int(limit[:-1]))
    zone = ZoneInfo(protocol["timezone"])
    day = moment.astimezone(zone).date()
    for _ in range(int(limit.removesuffix("wd"))):
        day = next_working_day(view, day)
    return end_of_day(day, zone)


def next_working_day(view: View, day: date) -> date:
    """The first after a day. A year without a calendar has weekends alone."""
    while True:
        day += timedelta(days=1)
        kinds = view["calendars"].get(day.year, {}).get(day, set())
        if "WORKING" in kinds or (day.weekday() < 5 and not kinds):
            return day
