"""What rows of registers, notices and quarantine look like, for the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from dashboard.documents import Answer, Document


class LetterRow(Document):
    """A letter on a case."""

    subject: str
    letter_id: str
    sender: str
    number: str
    dated: date
    doc_type: str
    urgency: str
    title: str
    to_agencies: list[str]
    cc_agencies: list[str]
    reply_expected: bool
    in_reply_to: str | None
    sent_at: datetime
    received_by: list[str]
    disposed_by: list[str]
    settled_by: list[str]
    """Addressees that answered in full or declined."""
    reminders: int


class TransferRow(Document):
    """An offer of a case to another custodian."""

    subject: str
    transfer_id: str
    from_agency: str
    to_agency: str
    ground: str
    reason: str
    offered_at: datetime
    status: str
    answered_at: datetime | None
    answer_ground: str | None
    answer_reason: str | None


class ContactRow(Document):
    """A call, chat or visit."""

    subject: str
    contact_id: str
    agency: str
    mode: str
    direction: str
    with_agencies: list[str]
    summary: str
    duration_s: int | None
    logged_at: datetime
    agreed_by: list[str]
    disputed_by: list[str]


class AssistanceRow(Document):
    """Help asked of another agency."""

    subject: str
    assistance_id: str
    kind: str
    requester: str
    provider: str
    emergency: bool
    reason: str
    requested_at: datetime
    delivery_due_at: datetime | None
    status: str
    answered_at: datetime | None
    answer_ground: str | None
    answer_reason: str | None
    delivered_at: datetime | None


class DecisionRow(Document):
    """A decision of a meeting, on the case or meeting on which it is recorded."""

    subject: str
    decision_id: str
    meeting: str
    agency: str
    text: str
    adopters: list[str]
    follow_up: str
    decided_at: datetime


class FineRow(Document):
    """A fine under an agreement."""

    subject: str
    fine_id: str
    debtor: str
    clause_id: str
    cause: str
    amount: str
    currency: str
    status: str
    imposed_at: datetime
    due_at: datetime | None
    is_owed: bool | None
    """Null while it is contested before anything was owed."""
    was_contested: bool
    settled_at: datetime | None


class CustodyRow(Document):
    """An agency's time as custodian of a case."""

    subject: str
    n: int
    agency: str
    started_at: datetime
    ended_at: datetime | None
    event_id: str


class DataShareRow(Document):
    """Personal data that one agency gave to others."""

    subject: str
    event_id: str
    share_id: str
    agency: str
    to_agencies: list[str]
    fields: list[str]
    """Names of the fields given, never their content."""
    purpose: str
    lawful_basis: str | None
    agreement: str | None
    shared_at: datetime


class Notice(Document):
    """What an agency is or was told."""

    notice_id: str
    agency: str
    kind: str
    subject: str
    about: str
    due_at: datetime | None
    made_at: datetime
    state: str
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    delivered_to: str | None
    parked_at: datetime | None
    endpoint: str | None


class Acknowledged(Document):
    """That a person took note of a record."""

    by: str
    at: datetime
    note: str


class Quarantined(Document):
    """A record that is no event; agency and key are what it claims."""

    place: str
    """PARTITION:OFFSET."""
    partition: int
    offset: int
    recorded_at: datetime
    reason: str
    key_id: str | None
    agency: str | None
    size: int | None
    acknowledged: Acknowledged | None


class QuarantinedRecord(Answer, Quarantined):
    """One of them with what it holds."""

    leaf_hash: str
    """Hexadecimal."""
    type: str | None
    key: str | None
    """Its first KiB, base64."""
    value: str | None
    """Its first KiB, base64."""
    decoded: dict[str, Any] | None
    """The event that it would be."""
    undecoded: str | None
    """Why it is none."""
