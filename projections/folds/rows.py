"""The rows that folding yields: what an auditor or a dashboard looks up one by one.

Pure types, one a table of `projections/sql/model.sql`, fields in the order of its columns. Nothing
that grows with the number of events lives in a state: it is a row here, found again by its key.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from runut.protocol import CommitmentKind

CommitmentStatus = Literal[
    "PROPOSED", "OPEN", "REPORTED", "FULFILLED", "DECLINED", "CANCELLED", "LAPSED"
]
TransferStatus = Literal["OPEN", "ACCEPTED", "REFUSED", "WITHDRAWN", "LAPSED", "CANCELLED"]
AssistanceStatus = Literal["REQUESTED", "ACCEPTED", "REFUSED", "DELIVERED", "ENDED"]
FineStatus = Literal["IMPOSED", "CONTESTED", "UPHELD", "WAIVED", "PAID"]
SanctionStatus = Literal["IN_FORCE", "LIFTED"]
DrawStatus = Literal["PROPOSED", "APPROVED", "REFUSED"]

OWED: frozenset[CommitmentStatus] = frozenset({"OPEN", "REPORTED"})
"""Statuses that block the closing of a case."""
UNSETTLED: frozenset[CommitmentStatus] = OWED | {"PROPOSED"}


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row of a read model. Its key is (subject, second field)."""

    subject: str

    def __init_subclass__(cls) -> None:
        """Give the class its `ident`: the field's own slot, since rows are found very often."""
        super().__init_subclass__()
        cls.ident = cls.__dict__[next(iter(cls.__annotations__))]  # type: ignore[method-assign]

    @property
    def ident(self) -> str | int:
        """What finds it again within its subject: its second field."""
        raise NotImplementedError


class CustodyInterval(Row, frozen=True, gc=False):
    """One agency's unbroken responsibility for a case; the running one has no end."""

    n: int
    """Its number within the case, from 1."""
    agency: str
    started_at: datetime
    ended_at: datetime | None
    event_id: str


class Transfer(Row, frozen=True, gc=False):
    """An offer of a case to another custodian."""

    transfer_id: str
    from_agency: str
    to_agency: str
    ground: str
    reason: str
    offered_at: datetime
    status: TransferStatus = "OPEN"
    answered_at: datetime | None = None
    answer_ground: str | None = None
    answer_reason: str | None = None


class Letter(Row, frozen=True, gc=False):
    """A letter on the case, with who received, disposed and settled it."""

    letter_id: str
    sender: str
    number: str
    dated: date
    doc_type: str
    urgency: str
    title: str
    to_agencies: tuple[str, ...]
    cc_agencies: tuple[str, ...]
    reply_expected: bool
    in_reply_to: str | None
    sent_at: datetime
    received_by: tuple[str, ...] = ()
    disposed_by: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()
    reminders: int = 0


class Contact(Row, frozen=True, gc=False):
    """A call, chat or visit, and who agrees with its record."""

    contact_id: str
    agency: str
    mode: str
    direction: str
    with_agencies: tuple[str, ...]
    summary: str
    duration_s: int | None
    logged_at: datetime
    agreed_by: tuple[str, ...] = ()
    disputed_by: tuple[str, ...] = ()


class Decision(Row, frozen=True, gc=False):
    """A meeting's decision about the subject."""

    decision_id: str
    meeting: str
    agency: str
    text: str
    adopters: tuple[str, ...]
    follow_up: str
    decided_at: datetime


class Assistance(Row, frozen=True, gc=False):
    """Help asked of another agency; the custodian stays."""

    assistance_id: str
    kind: str
    requester: str
    provider: str
    emergency: bool
    reason: str
    requested_at: datetime
    delivery_due_at: datetime | None
    status: AssistanceStatus = "REQUESTED"
    answered_at: datetime | None = None
    answer_ground: str | None = None
    answer_reason: str | None = None
    delivered_at: datetime | None = None

    @property
    def was_accepted(self) -> bool:
        """Whether the provider ever accepted it."""
        return self.answered_at is not None and self.answer_ground is None


class Absorption(Row, frozen=True, gc=False):
    """Another case that this one took in."""

    absorbed: str
    n: int
    absorbed_at: datetime


class Commitment(Row, frozen=True, gc=False):
    """Who owes what to whom by when (events.md §5)."""

    commitment_id: str
    source: str
    """SOURCE_ID of an automatic commitment; its own id for one made by hand."""
    kind: CommitmentKind
    debtor: str
    creditor: str
    what: str
    due_at: datetime | None
    status: CommitmentStatus
    made_at: datetime
    source_event: str
    rule: str | None = None
    """Protocol version and limit that gave the due date; null where the event itself did."""
    reported_at: datetime | None = None
    fulfilled_at: datetime | None = None
    breached_at: datetime | None = None
    breached_due_at: datetime | None = None
    """The due date of the latest recorded breach: one breach for one due date."""
    escalated_to: str | None = None
    escalation_level: int = 0
    """Of the latest escalation for the present due date."""
    escalate_at: datetime | None = None
    """When the next step of the ladder is due; null where there is none."""
    due_recorded_at: datetime | None = None
    """When the event that set the present due date was recorded."""
    breached_before: tuple[str, ...] = ()
    """Due dates before that one that were breached as well, RFC 3339."""

    @property
    def late(self) -> bool:
        """Fulfilled after the limit."""
        return bool(self.fulfilled_at and self.due_at and self.fulfilled_at > self.due_at)

    def overdue(self, moment: datetime) -> bool:
        """Owed and past its limit at a moment: derived at read time, never stored."""
        return self.status in OWED and self.due_at is not None and self.due_at < moment


class Fine(Row, frozen=True, gc=False):
    """A fine under an agreement; what is owed for it is its FINE_PAYMENT commitment."""

    fine_id: str
    debtor: str
    clause_id: str
    cause: str
    amount: Decimal
    currency: str
    imposed_at: datetime
    status: FineStatus = "IMPOSED"
    was_contested: bool = False
    settled_at: datetime | None = None
    """When it was paid or waived."""


class Sanction(Row, frozen=True, gc=False):
    """What a regulator decided against a placement agent."""

    n: int
    """Its number among the agent's sanctions, from 1."""
    level: str
    ground: str
    from_date: date
    to_date: date | None
    decided_at: datetime
    status: SanctionStatus = "IN_FORCE"
    lifted_at: datetime | None = None


class Inspection(Row, frozen=True, gc=False):
    """What an inspector found at a placement agent."""

    n: int
    agency: str
    severity: str
    findings: str
    about_case: str | None
    inspected_at: datetime


class DepositDraw(Row, frozen=True, gc=False):
    """A proposal to pay from a placement agent's deposit, and what was decided."""

    n: int
    draw_id: str | None
    agency: str
    amount: Decimal
    about_case: str
    reason: str
    proposed_at: datetime
    status: DrawStatus = "PROPOSED"
    decided_amount: Decimal | None = None
    decided_at: datetime | None = None


class Outreach(Row, frozen=True, gc=False):
    """One occasion on which a programme reached people."""

    n: int
    agency: str
    kind: str
    phase: str
    region: str
    participants: int
    partners: tuple[str, ...]
    held_at: datetime


TABLES: tuple[type[Row], ...] = (
    CustodyInterval,
    Transfer,
    Letter,
    Contact,
    Decision,
    Assistance,
    Absorption,
    Commitment,
    Fine,
    Sanction,
    Inspection,
    DepositDraw,
    Outreach,
)


def commitment_source(commitment_id: str) -> str:
    """`L1` of `LETTER_REPLY:L1:kbri-kl`; an id made by hand holds no colon and is its own."""
    kind, colon, rest = commitment_id.partition(":")
    return rest.rpartition(":")[0] if colon else kind
