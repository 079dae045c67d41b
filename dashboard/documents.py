"""What the answers look like, for the OpenAPI document: nothing is made or checked with these.

Answers are made by `projections` and sent as they are; tests hold them to these. Readers must
ignore members that they do not know: there may be more of them one day.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard.examples import LINE

Verdict = Literal["EFFECTIVE", "IRREGULAR", "DUPLICATE", "CORRECTED"]
Security = Literal["RESTRICTED", "SECRET", "TOP_SECRET"]
SubjectKind = Literal["case", "meeting", "agreement", "agent", "programme"]


class Document(BaseModel):
    """An answer or a part of one."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Origin(Document):
    """What an answer was made from: a replay up to there comes to the same."""

    positions: dict[str, int]
    """How far the read models were: of each partition the offset of the next record."""
    checkpoint: str | None
    """Size and root (base64) of the log of seals at its latest checkpoint."""
    model: str
    """Version of the read models' tables and folds."""


class Answer(Document):
    """A document that names its origin where it is the whole answer."""

    origin: Origin | None = None
    """Absent in lists: it stands in their headers."""


class CommitmentCounts(Document):
    """Commitments of a subject at the moment asked for."""

    open: int
    """OPEN or REPORTED."""
    overdue: int
    """Of these, past their limits."""
    fulfilled: int
    fulfilled_late: int
    breached: int
    """With a CommitmentBreached, whatever came after."""
    cancelled: int


class EventCounts(Document):
    """Events of a subject by verdict."""

    events: int
    irregular: int
    duplicate: int
    corrected: int


class State(Answer):
    """What all kinds of subject show alike."""

    subject: str
    status: str | None
    commitments: CommitmentCounts
    counts: EventCounts
    last_recorded_at: datetime | None
    as_of: datetime | None
    """The past moment asked for; null for now."""


class CustodyInterval(Document):
    """One agency's unbroken responsibility for a case."""

    agency: str
    from_: datetime = Field(alias="from")
    to: datetime | None
    """Null while it runs."""
    event_id: str


class OpenTransfer(Document):
    """An offer that waits for its answer."""

    transfer_id: str
    to: str
    due_at: datetime | None


class Case(State):
    """A case: who has it, and what it waits for."""

    status: Literal["REPORTED", "IN_HANDLING", "RESOLVED", "CLOSED", "REJECTED", "MERGED"]
    custodian: str
    category: str
    urgency: str
    phase: str
    country: str
    trafficking: bool
    participants: list[str]
    custody: list[CustodyInterval]
    open_transfer: OpenTransfer | None
    escalation_due: bool
    locally_closed_by: list[str]
    merged_into: str | None
    absorbed: list[str]
    opened_at: datetime
    closed_at: datetime | None


class Attendance(Document):
    """Whether an agency came to a meeting."""

    agency: str
    officer_role: str | None
    status: str


class MeetingDecision(Document):
    """A decision recorded on a meeting."""

    decision_id: str
    text: str
    adopters: list[str]
    follow_up: str
    decided_at: datetime


class Meeting(State):
    """A meeting of agencies."""

    status: Literal["SCHEDULED", "HELD", "CANCELLED", "MINUTES_ADOPTED"]
    title: str
    series: str | None
    chair: str
    mode: str
    starts_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    invitees: list[str]
    agenda: list[str]
    cases: list[str]
    attendance: list[Attendance]
    decisions: list[MeetingDecision]
    minutes_adopters: list[str]


class Clause(Document):
    """What a party promises."""

    clause_id: str
    text: str
    debtor: str
    every_days: int | None


class AgreementFine(Document):
    """A fine under an agreement."""

    fine_id: str
    debtor: str
    clause_id: str
    cause: str
    amount: str
    currency: str
    status: Literal["IMPOSED", "CONTESTED", "UPHELD", "WAIVED", "PAID"]
    imposed_at: datetime
    due_at: datetime | None


class Agreement(State):
    """An agreement between agencies."""

    status: Literal["PROPOSED", "ACTIVE", "ENDED"]
    title: str
    parties: list[str]
    secretariat: str
    signed: list[str]
    clauses: list[Clause]
    fines: list[AgreementFine]
    fund: str
    fund_balance: str
    currency: str | None
    valid_to: date | None


class Sanction(Document):
    """What the regulator decided against a placement agent."""

    level: str
    ground: str
    from_date: date
    to_date: date | None
    decided_at: datetime
    lifted_at: datetime | None


class Inspection(Document):
    """What an inspector found at a placement agent."""

    agency: str
    severity: str
    findings: str
    inspected_at: datetime
    case: str | None


class DepositDraw(Document):
    """A proposal to pay from a placement agent's deposit."""

    draw_id: str | None
    amount: str
    reason: str
    agency: str
    proposed_at: datetime
    status: str
    decided_amount: str | None
    decided_at: datetime | None
    case: str


class Agent(State):
    """A placement agent (P3MI)."""

    status: Literal["REVOKED", "SUSPENDED", "EXPIRED", "ACTIVE"]
    name: str
    licence: str
    valid_to: date
    deposit: str
    deposit_drawn: str
    sanctions: list[Sanction]
    inspections: list[Inspection]
    deposit_draws: list[DepositDraw]


class Outreach(Document):
    """One occasion on which a programme reached people."""

    agency: str
    kind: str
    phase: str
    region: str
    participants: int
    partners: list[str]
    held_at: datetime


class Programme(State):
    """A service point, productive village or outreach programme."""

    status: Literal["PLANNED", "ACTIVE", "SUSPENDED", "CLOSED"] | None
    kind: str | None
    name: str | None
    region: str | None
    desks: list[str]
    pillars: list[str]
    outreach: list[Outreach]


Subject = Case | Meeting | Agreement | Agent | Programme


class SubjectSummary(Document):
    """A subject on one line; null is what its kind has not."""

    subject: str
    kind: SubjectKind
    title: str | None
    """Title or name; cases have none."""
    status: str | None
    custodian: str | None
    category: str | None
    urgency: str | None
    phase: str | None
    country: str | None
    trafficking: bool | None
    participants: list[str] | None
    escalation_due: bool | None
    opened_at: datetime | None
    closed_at: datetime | None
    open: int
    """Commitments that are OPEN or REPORTED."""
    overdue: int
    """Of these, past their limits."""
    events: int
    last_recorded_at: datetime | None


class Sentences(Document):
    """The same in Indonesian and English."""

    id: str
    en: str


class HistoryLine(Document):
    """An event of a subject, with its verdict."""

    model_config = ConfigDict(json_schema_extra={"examples": [LINE]})

    seq: int
    event_id: str
    type: str
    agency: str
    occurred_at: datetime
    recorded_at: datetime
    partition: int
    offset: int
    verdict: Verdict
    codes: list[str]
    signature: str
    data: dict[str, Any]
    """The payload in its JSON form."""
    text: Sentences
    """What the event says, as one sentence."""
    differs: bool | None = None
    """Stands where a duplicate says something else than the first."""
    withheld: Security | None = None
    """Stands where the payload is not for who asks: its security class."""
