"""What commitments, their explanations and agencies look like, for the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from dashboard.documents import Answer, Document


class Commitment(Document):
    """Who owes what to whom by when."""

    commitment_id: str
    subject: str
    kind: str
    debtor: str
    creditor: str
    what: str
    due_at: datetime | None
    status: Literal["PROPOSED", "OPEN", "REPORTED", "FULFILLED", "DECLINED", "CANCELLED", "LAPSED"]
    late: bool
    overdue: bool
    breached_at: datetime | None
    fulfilled_at: datetime | None
    source_event: str


class SetBy(Document):
    """The event that set a due date."""

    event_id: str
    type: str
    agency: str
    occurred_at: datetime


class CalendarDay(Document):
    """A day that is no ordinary one."""

    date: date
    name: str
    kind: Literal["PUBLIC", "JOINT", "WORKING"]


class DueAsKnown(Document):
    """A due date as some calendar has it, and the days that moved it."""

    due_at: datetime | None
    skipped: list[CalendarDay]


class DueAsKnownThen(DueAsKnown):
    """The same, by what the event that set it knew."""

    directory_offset: int


class Explanation(Answer):
    """Why a commitment is due when it is."""

    commitment_id: str
    subject: str
    due_at: datetime | None
    given_by: Literal["PROTOCOL", "CLAUSE", "EVENT"] | None
    set_by: SetBy
    protocol_version: str | None
    limit: str | None
    counted_from: datetime | None
    timezone: str | None
    as_known_then: DueAsKnownThen
    as_known_now: DueAsKnown
    differs: bool


class Agency(Document):
    """An agency as the directory has it."""

    code: str
    name_id: str
    name_en: str
    kind: str
    roles: list[str]
    region: str | None
    escalates_to: str | None
    timezone: str


class HeldCase(Document):
    """An open case of which an agency is custodian."""

    subject: str
    status: str
    category: str
    urgency: str
    since: datetime
    opened_at: datetime


class AgencyPage(Answer):
    """What an agency owes, holds and awaits."""

    agency: Agency
    owes: list[Commitment]
    holds: list[HeldCase]
    awaits: list[Commitment]
    as_of: datetime | None
