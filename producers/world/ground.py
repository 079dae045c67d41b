"""What all stories of a world stand on: its options, agencies, calendar, protocol and words.

Owns time as offices know it, and who plays which part. Pure.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs

from runut.directory import Agency, Directory
from runut.directory_file import read_directory_file
from runut.errors import BadInput
from runut.event import SYSTEM
from runut.protocol import CommitmentKind, Protocol

AGENCIES: Final = Path(__file__).parent / "agencies.toml"
MOST_AGENCIES: Final = 40
FEWEST_AGENCIES: Final = 20
OPENS: Final = time(8)
OPEN_MINUTES: Final = 8 * 60
YEAR: Final = timedelta(days=365)
# Fixed for ever: changing it would make every world another one.
_WORLDS: Final = UUID("0e6a1e36-8d2b-5c1b-9c53-0d5b3a2f7c40")


class Options(msgspec.Struct, frozen=True):
    """Which world."""

    until: date
    """The day before which everything happened; commitments may be due on it and later."""
    cases: int = 3000
    agencies: int = MOST_AGENCIES
    years: int = 2
    seed: int = 1


def agencies_of(options: Options) -> tuple[Agency, ...]:
    """The agencies of a world, `runut` first; what the directory has to say.

    Raises:
        BadInput: more or fewer than there are.
    """
    if not FEWEST_AGENCIES <= options.agencies <= MOST_AGENCIES:
        expected = f"from {FEWEST_AGENCIES} to {MOST_AGENCIES}"
        raise BadInput("agencies", expected, options.agencies)
    known = read_directory_file(AGENCIES).agencies
    system = [agency for agency in known if agency.code == SYSTEM]
    chosen = [agency for agency in known if agency.code != SYSTEM][: options.agencies]
    codes = {agency.code for agency in chosen}
    return (*system, *(_within(agency, codes) for agency in chosen))


def _within(agency: Agency, codes: set[str]) -> Agency:
    """An agency whose superior is one of these, if it has one."""
    if agency.escalates_to is None or agency.escalates_to in codes:
        return agency
    return structs.replace(agency, escalates_to=None)


@cache
def words() -> dict[str, dict[str, Any]]:
    """What is written, by table and name of `words.toml`."""
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text())


class Ground:
    """One world's agencies and time."""

    def __init__(self, options: Options, directory: Directory) -> None:
        """Take the calendars and the protocol that the directory has.

        Raises:
            BadInput: the years have no calendar there, or no protocol was published.
        """
        self.options = options
        self.agencies = {agency.code: agency for agency in agencies_of(options)}
        self.calendar = directory.calendar
        self.protocol = self._protocol_of(directory)
        self.until = self._midnight(options.until)
        self.start = self._midnight(options.until - YEAR * options.years)
        self._world = uuid5(_WORLDS, msgspec.json.encode(options).decode())

    def _protocol_of(self, directory: Directory) -> Protocol:
        years = range(
            (self.options.until - YEAR * self.options.years).year, self.options.until.year
        )
        if missing := [year for year in years if year not in directory.calendar_years()]:
            raise BadInput("years", "years with a calendar in the directory", missing[0])
        noon = datetime.combine(self.options.until, time(12), UTC)
        protocol = directory.protocol_at(noon - YEAR * self.options.years)
        if protocol is None:
            raise BadInput("directory", "a protocol in force when the world begins", None)
        return protocol

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.protocol.timezone).astimezone(UTC)

    def rng(self, *about: object) -> Random:
        """The dice of one story: they do not depend on how many others there are."""
        return Random(f"{self.options.seed}/{'/'.join(map(str, about))}")  # noqa: S311 no secret

    def event_id(self, subject: str, n: int) -> str:
        """Id of the n-th event of a story."""
        return str(uuid5(self._world, f"{subject} {n}"))

    def with_role(self, role: str) -> list[str]:
        """Codes of the agencies that have a role, sorted."""
        return sorted(one.code for one in self.agencies.values() if role in one.roles)

    def of_kind(self, kind: str, region: str | None = None) -> list[str]:
        """Codes of the agencies of a kind, of a region where one is given, sorted."""
        return sorted(
            one.code
            for one in self.agencies.values()
            if one.kind == kind and (region is None or one.region == region)
        )

    def tardiness(self, agency: str) -> float:
        """How often an agency answers late: each has its own way, and keeps it."""
        return 0.04 + 0.3 * self.rng("tardiness", agency).random() ** 2

    def due(self, kind: CommitmentKind, moment: datetime, variant: str | None = None) -> datetime:
        """When what an event at a moment makes somebody owe is due, by the protocol."""
        limit = self.protocol.limit(kind, variant)
        return limit.after(moment, self.calendar, self.protocol.timezone)

    def day_of(self, agency: str, moment: datetime) -> date:
        """The day on which a moment lies where an agency is."""
        return moment.astimezone(self._zone(agency)).date()

    def at_work(self, agency: str, day: date, rng: Random) -> datetime:
        """A moment within an agency's office hours on a day."""
        opens = datetime.combine(day, OPENS, self._zone(agency))
        seconds = rng.randrange(OPEN_MINUTES * 60)
        return (opens + timedelta(seconds=seconds)).astimezone(UTC)

    def later(self, agency: str, moment: datetime, days: int, rng: Random) -> datetime:
        """A moment in office hours so many working days after another; 0 is as soon as can be."""
        day = self.day_of(agency, moment)
        if days == 0 and self.calendar.is_working_day(day):
            soon = moment + timedelta(minutes=rng.randint(5, 90))
            if self._is_open(agency, soon):
                return soon
        found = self.at_work(agency, self.calendar.nth_working_day_after(day, max(1, days)), rng)
        return max(found, moment + timedelta(minutes=1))

    def before(self, agency: str, moment: datetime, due: datetime, rng: Random) -> datetime:
        """A moment after one and not after another, in office hours where there are any."""
        first, last = self.day_of(agency, moment), self.day_of(agency, due)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        worked = [day for day in days if self.calendar.is_working_day(day)]
        for _ in range(3 if worked else 0):
            # Sooner rather than later: an answer is mostly ready before its limit.
            day = worked[int(len(worked) * rng.random() ** 1.4)]
            found = self.at_work(agency, day, rng)
            if moment < found <= due:
                return found
        return moment + (due - moment) * rng.uniform(0.1, 0.9)

    def _zone(self, agency: str) -> ZoneInfo:
        return ZoneInfo(self.agencies[agency].timezone)

    def _is_open(self, agency: str, moment: datetime) -> bool:
        local = moment.astimezone(self._zone(agency))
        opens = datetime.combine(local.date(), OPENS, local.tzinfo)
        return opens <= local <= opens + timedelta(minutes=OPEN_MINUTES)
