"""Events on several kinds of subject: commitments, decisions, corrections.

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Literal
from uuid import UUID

from runut.events.shared import Attachment, Items
from runut.typed_event import TypedEvent


class CommitmentAnswered(TypedEvent, frozen=True, kw_only=True):
    """The debtor accepts or declines a proposed commitment (jawaban atas komitmen).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    accepts: bool
    """Whether the debtor accepts it (menerima)."""
    reason: str | None = None
    """Why not; required when declined (alasan)."""


class CommitmentBreached(TypedEvent, frozen=True, kw_only=True):
    """The ledger states that a commitment was not kept in time; it is still owed (komitmen
    dilanggar).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    due_at: datetime.datetime
    """The due time that passed (tenggat yang terlewati)."""
    rule: str | None = None
    """The protocol's rule that set it (aturan protokol)."""


class CommitmentCancelled(TypedEvent, frozen=True, kw_only=True):
    """A commitment is no longer owed (komitmen dibatalkan).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    reason: str
    """Why (alasan)."""


CommitmentSource = Literal["DECISION", "LETTER", "AGREEMENT", "CONTACT", "OWN"]
"""Where a commitment comes from (sumber komitmen): decision (keputusan), letter (surat), agreement
(perjanjian kerja sama), contact (kontak), the debtor's own accord (prakarsa sendiri).
"""


class CommitmentMade(TypedEvent, frozen=True, kw_only=True):
    """One agency owes another an act by a date (komitmen).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """Id of the commitment, new on this subject (nomor komitmen)."""
    debtor: str
    """Code of the agency that owes it (penanggung jawab, PIC)."""
    creditor: str
    """Code of the agency to which it is owed (penerima komitmen)."""
    what: str
    """What is owed (isi komitmen)."""
    due_at: datetime.datetime
    """When it is due (tenggat)."""
    source_kind: CommitmentSource
    """Where it comes from (jenis sumber)."""
    source_ref: str | None = None
    """Id of what it comes from (rujukan sumber)."""


FollowUp = Literal["NO_ACTION", "COMMITMENTS"]
"""What follows from a decision (tindak lanjut): nothing (tanpa tindak lanjut) or commitments
(komitmen).
"""


class DecisionRecorded(TypedEvent, frozen=True, kw_only=True):
    """A decision was recorded (keputusan).

    On `case/`, `meeting/`.
    """

    decision_id: str
    """Id of the decision, new on this subject (nomor keputusan)."""
    meeting: str
    """Subject of the meeting where it was taken (rapat)."""
    text: str
    """What was decided (isi keputusan)."""
    adopters: Items[str] = ()
    """Codes of the agencies that adopted it (penyetuju)."""
    follow_up: FollowUp
    """What follows (tindak lanjut)."""


class EscalationRaised(TypedEvent, frozen=True, kw_only=True):
    """The ledger brings an unkept commitment before a higher office (eskalasi).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    to: str
    """Code of the agency that it is escalated to (instansi tujuan)."""
    level: int
    """Step of the escalation ladder, from 1 (tingkat)."""


class EventCorrected(TypedEvent, frozen=True, kw_only=True):
    """The emitter takes back an earlier event of its own on this subject (koreksi).

    On `case/`, `meeting/`, `agreement/`, `agent/`, `programme/`.
    """

    target: str | UUID
    """event_id of the event that is taken back (peristiwa yang dikoreksi)."""
    reason: str
    """Why (alasan)."""
    replacement: str | UUID | None = None
    """event_id of the event that stands in its place (peristiwa pengganti)."""


class ExtensionGranted(TypedEvent, frozen=True, kw_only=True):
    """The creditor grants more time (perpanjangan tenggat).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    new_due_at: datetime.datetime
    """The new due time, later than the present one (tenggat baru)."""
    reason: str
    """Why (alasan)."""


class FulfilmentReported(TypedEvent, frozen=True, kw_only=True):
    """The debtor reports a commitment as fulfilled (laporan pemenuhan).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    evidence: Items[Attachment] = ()
    """Files that show it (bukti)."""
    note: str | None = None
    """Remark (catatan)."""


class FulfilmentReviewed(TypedEvent, frozen=True, kw_only=True):
    """The creditor accepts or returns a report of fulfilment (penilaian pemenuhan).

    On `case/`, `meeting/`, `agreement/`.
    """

    commitment_id: str
    """The commitment (nomor komitmen)."""
    accepted: bool
    """Whether the creditor accepts the fulfilment (diterima)."""
    reason: str | None = None
    """Why not; required when returned (alasan)."""
