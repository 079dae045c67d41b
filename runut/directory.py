"""What the directory says, as of any of its records: agencies, keys, protocol, calendars, schemas.

Pure. `DirectoryLog` takes the records of the directory topic in order and keeps what counts, each
with the offset from which it does; `Directory` is the view up to one offset, by which events are
judged (events.md §2). No setting, clock or library release plays a part in what it answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from runut.calendar import Calendar, YearCalendar
from runut.errors import LedgerMismatch, NotAnEvent
from runut.protocol import Protocol
from runut.records import CREATE_TIME, LOG_APPEND_TIME

T = TypeVar("T")

NOTHING_ANNOUNCED = -1
"""Offset of the view in which the directory is still empty."""


class Ledger(msgspec.Struct, frozen=True):
    """How the ledger was founded."""

    name: str
    ledger_id: bytes
    partitions: int
    root_keys: tuple[bytes, ...]
    require_signatures: bool
    clock: str

    @property
    def timestamp_type(self) -> int:
        """That of its records: with another, they have no time that counts."""
        return CREATE_TIME if self.clock == "TEST" else LOG_APPEND_TIME


class Agency(msgspec.Struct, frozen=True):
    """An agency as registered last."""

    code: str
    name_id: str
    name_en: str
    kind: str
    roles: frozenset[str]
    region: str | None
    escalates_to: str | None
    timezone: str


class AgencyKey(msgspec.Struct, frozen=True):
    """A signing key of an agency, with when it was published."""

    agency: str
    key_id: str
    public_key: bytes
    custody: str
    valid_from: datetime


class Mandate(msgspec.Struct, frozen=True):
    """A function that an agency answers for, from and to."""

    agency: str
    function: str
    valid_from: datetime
    valid_to: date | None
    basis: str


class KnownSchema(msgspec.Struct, frozen=True):
    """The schema that an id in this ledger's records stands for."""

    schema_id: int
    name: str
    sha256: bytes


class PublishedProtocol(msgspec.Struct, frozen=True):
    """A protocol version with when it takes effect."""

    offset: int
    """Of the record that published it."""
    effective_from: datetime
    protocol: Protocol


class Timeline(Generic[T]):
    """What something was, by the directory offset from which it counts."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, T]] = []

    def add(self, offset: int, value: T) -> None:
        """From an offset on, a value."""
        self._entries.append((offset, value))

    def upto(self, offset: int) -> Iterator[T]:
        """Everything up to an offset, latest first."""
        return (value for at, value in reversed(self._entries) if at <= offset)

    def latest(self, offset: int) -> T | None:
        """What counts at an offset."""
        for at, value in reversed(self._entries):
            if at <= offset:
                return value
        return None


class DirectoryFacts:
    """All that the directory ever established; grows only, so every past view stays as it was."""

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self.agencies: dict[str, Timeline[Agency]] = {}
        self.keys: dict[tuple[str, str], Timeline[AgencyKey]] = {}
        self.revocations: dict[tuple[str, str], Timeline[datetime]] = {}
        self.mandates: dict[str, Timeline[Mandate]] = {}
        self.protocols: Timeline[PublishedProtocol] = Timeline()
        self.calendars: dict[int, Timeline[YearCalendar]] = {}
        self.schemas: dict[int, Timeline[KnownSchema]] = {}


class Directory:
    """The directory as of one of its records.

    Cheap to make; `DirectoryLog.at` gives the same one again for the same offset.
    """

    def __init__(self, facts: DirectoryFacts, offset: int) -> None:
        self._facts = facts
        self.offset = offset
        self._agencies: dict[str, Agency | None] = {}
        self._keys: dict[tuple[str, str], AgencyKey | None] = {}
        self._usable: dict[tuple[str, str], AgencyKey] = {}

    @property
    def ledger(self) -> Ledger | None:
        """The founding; None before it was announced."""
        return self._facts.ledger if self.offset >= 0 else None

    def agency(self, code: str) -> Agency | None:
        """The agency with a code, as registered last."""
        if code not in self._agencies:
            timeline = self._facts.agencies.get(code)
            if timeline is None:
                return None  # not remembered: strangers must not fill the memory
            self._agencies[code] = timeline.latest(self.offset)
        return self._agencies[code]

    def agencies(self) -> list[Agency]:
        """All registered agencies, by code."""
        found = (self.agency(code) for code in sorted(self._facts.agencies))
        return [agency for agency in found if agency is not None]

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes of all registered agencies."""
        return frozenset(agency.code for agency in self.agencies())

    def has_role(self, code: str, role: str) -> bool:
        """Whether an agency is registered with a role."""
        agency = self.agency(code)
        return agency is not None and role in agency.roles

    def key(self, agency: str, key_id: str) -> AgencyKey | None:
        """A published key, revoked or not."""
        place = (agency, key_id)
        if place not in self._keys:
            timeline = self._facts.keys.get(place)
            if timeline is None:
                return None
            self._keys[place] = timeline.latest(self.offset)
        return self._keys[place]

    def published_keys(self) -> list[AgencyKey]:
        """All keys that were published, revoked or not, in that order."""
        found = (timeline.latest(self.offset) for timeline in self._facts.keys.values())
        return [key for key in found if key is not None]

    def is_revoked(self, agency: str, key_id: str) -> bool:
        """Whether a revocation of the key was announced."""
        return self.revoked_at(agency, key_id) is not None

    def revoked_at(self, agency: str, key_id: str) -> datetime | None:
        """What the key's revocation says of when it was; None of a key that is not revoked."""
        timeline = self._facts.revocations.get((agency, key_id))
        return timeline.latest(self.offset) if timeline else None

    def usable_key(self, agency: str, key_id: str) -> AgencyKey | None:
        """A key of a registered agency that was not revoked; from when on, it says itself."""
        usable = self._usable.get((agency, key_id))
        if usable is None and self.agency(agency) is not None:
            usable = self.key(agency, key_id)
            if usable is None or self.is_revoked(agency, key_id):
                return None
            self._usable[agency, key_id] = usable
        return usable

    def schema(self, schema_id: int) -> KnownSchema | None:
        """What a schema id in a record's frame stands for."""
        timeline = self._facts.schemas.get(schema_id)
        return timeline.latest(self.offset) if timeline else None

    @property
    def has_reused_schema_id(self) -> bool:
        """Whether an id ever stood for one schema and later for another."""
        timelines = self._facts.schemas.values()
        return any(len({one.sha256 for one in past.upto(self.offset)}) > 1 for past in timelines)

    def schema_ids(self) -> Mapping[str, int]:
        """Schema id of each type by its short name, such as `LetterSent`, as registered last."""
        found = ((self.schema(schema_id), schema_id) for schema_id in sorted(self._facts.schemas))
        return {
            schema.name.rpartition(".")[2]: schema_id
            for schema, schema_id in found
            if schema is not None
        }

    def schema_id(self, sha256: bytes) -> int | None:
        """The id that was registered for a schema, by the SHA-256 of its canonical text."""
        for schema_id in sorted(self._facts.schemas, reverse=True):
            schema = self.schema(schema_id)
            if schema is not None and schema.sha256 == sha256:
                return schema_id
        return None

    def protocol_at(self, moment: datetime) -> Protocol | None:
        """The protocol in force at a moment."""
        found = self.published_at(moment)
        return found.protocol if found else None

    def published_at(self, moment: datetime) -> PublishedProtocol | None:
        """What is in force at a moment: the latest effective_from that has come.

        Of two with the same effective_from, the one published last.
        """
        in_force: PublishedProtocol | None = None
        for published in self.protocols:
            if published.effective_from <= moment and (
                in_force is None or published.effective_from > in_force.effective_from
            ):
                in_force = published
        return in_force

    @cached_property
    def protocols(self) -> tuple[PublishedProtocol, ...]:
        """Every protocol that was published, the last first."""
        return tuple(self._facts.protocols.upto(self.offset))

    @cached_property
    def calendar(self) -> Calendar:
        """Working days of all years; the last calendar of a year replaces the earlier ones."""
        years = (self.calendar_of(year) for year in self._facts.calendars)
        return Calendar(day for year in years if year for day in year.days)

    def calendar_of(self, year: int) -> YearCalendar | None:
        """The calendar published last for a year."""
        timeline = self._facts.calendars.get(year)
        return timeline.latest(self.offset) if timeline else None

    def calendar_years(self) -> frozenset[int]:
        """The years for which a calendar was published."""
        return frozenset(year for year in self._facts.calendars if self.calendar_of(year))

    def mandates(self, agency: str) -> list[Mandate]:
        """What an agency was given to answer for, latest first."""
        timeline = self._facts.mandates.get(agency)
        return list(timeline.upto(self.offset)) if timeline else []


def founded(ledger: Ledger | None) -> Ledger:
    """The founding, or a clear word that there is none.

    Raises:
        LedgerMismatch: the directory holds no LedgerCreated.
    """
    if ledger is None:
        raise LedgerMismatch(
            "the directory holds no founded ledger: expected LedgerCreated as its first record; "
            "found it with: runut ledger create"
        )
    return ledger


def known_schema(directory: Directory, schema_id: int) -> KnownSchema:
    """The schema of an id.

    Raises:
        NotAnEvent: the directory as announced does not know it.
    """
    found = directory.schema(schema_id)
    if found is None:
        raise NotAnEvent("schema id", "one that the directory announced", schema_id)
    return found
