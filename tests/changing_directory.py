"""A directory that changes while a subject lives: events are judged by what it had announced.

Its records come in stages: first agencies alone, then the protocol, then calendars, then another
protocol with other limits, zone and consents and other calendars, at last agencies with other
roles. A history may stand wholly in one stage or pass through several.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from runut.directory import Directory
from runut.directory_log import DirectoryLog
from tests.builders import directory_log, directory_objects, read_directory, signed_directory

Object = dict[str, Any]

OTHER_LIMITS = {
    'version = "pmi-1"': 'version = "pmi-2"',
    'timezone = "Asia/Jakarta"': 'timezone = "Asia/Jayapura"',
    'VERIFICATION = "3wd"': 'VERIFICATION = "36h"',
    'MINUTES = "3wd"': 'MINUTES = "1wd"',
    'FINE_PAYMENT = "10wd"': 'FINE_PAYMENT = "2wd"',
    'TRAFFICKING = ["polri", "kemensos"]': 'TRAFFICKING = ["polri"]',
}
FROM_JUNE_ON = datetime(2025, 6, 1, tzinfo=UTC)


class Announced:
    """A directory log and the places in it at which events may stand."""

    def __init__(self, log: DirectoryLog, offsets: list[int]) -> None:
        self._log = log
        self.offsets = offsets
        """The last record announced in each stage."""

    def at(self, offset: int) -> Directory:
        """The directory as of one of its records."""
        return self._log.at(offset)


@cache
def unchanging() -> Announced:
    """The directory of the scenarios, whole from the first event on."""
    log = directory_log()
    return Announced(log, [log.size - 1])


@cache
def changing() -> Announced:
    """The directory in stages."""
    log = read_directory(signed_directory(one for stage in _stages() for one in stage))
    ends = [sum(map(len, _stages()[: n + 1])) - 1 for n in range(len(_stages()))]
    return Announced(log, ends)


@cache
def facts() -> list[Object]:
    """The same records as plain dicts {"offset", "type", "data"}."""
    objects = [one for stage in _stages() for one in stage]
    return [
        {"offset": offset, "type": one["type"], "data": one["data"]}
        for offset, one in enumerate(objects)
    ]


@cache
def _stages() -> list[list[Object]]:
    by_type: dict[str, list[Object]] = {}
    for one in directory_objects():
        by_type.setdefault(one["type"], []).append(one)
    agencies, calendars = by_type["AgencyRegistered"], by_type["CalendarPublished"]
    (protocol,) = by_type["ProtocolPublished"]
    return [
        [*by_type["LedgerCreated"], *agencies],
        [protocol],
        calendars,
        [_another(protocol), *map(_busier, calendars)],
        list(_reformed(agencies)),
    ]


def _another(protocol: Object) -> Object:
    """A protocol that takes effect later."""
    body = protocol["data"]["body"]
    for old, new in OTHER_LIMITS.items():
        assert old in body
        body = body.replace(old, new)
    digest = sha256(body.encode()).hexdigest()
    data = {"version": "pmi-2", "effective_from": FROM_JUNE_ON, "body": body, "sha256": digest}
    return {**protocol, "data": data}


def _busier(calendar: Object) -> Object:
    """The calendar of a year without its joint days, and with Sundays and holidays worked."""
    year, days = calendar["data"]["year"], calendar["data"]["days"]
    kept = [day for day in days if day["kind"] == "PUBLIC"]
    worked = [date(year, 3, 30), date(year, 4, 5), date(year, 6, 1), date(year, 12, 25)]
    added = [{"date": day, "name": "Kerja", "kind": "WORKING"} for day in worked]
    return {**calendar, "data": {**calendar["data"], "days": [*kept, *added]}}


def _reformed(agencies: list[Object]) -> Iterator[Object]:
    """Some with other roles, and one that was unknown before."""
    by_code = {one["data"]["code"]: one for one in agencies}
    changed = {
        "kbri-kl": ["OBSERVER"],
        "polri": ["CUSTODIAN", "COORDINATOR", "REGULATOR"],
        "bp3mi-ntt": ["CUSTODIAN", "REGISTRAR"],
    }
    for code, roles in changed.items():
        yield {**by_code[code], "data": {**by_code[code]["data"], "roles": roles}}
    new = {"code": "nobody", "name_id": "Baru", "name_en": "New", "kind": "AGENCY"}
    yield {
        **by_code["sbmi"],
        "subject": "agency/nobody",
        "data": {**new, "roles": ["CUSTODIAN"]},
    }
