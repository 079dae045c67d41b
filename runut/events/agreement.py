"""Events on agreement/: what agencies owe each other by agreement (PKS).

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from runut.events.shared import Items
from runut.typed_event import TypedEvent


class AgreementEnded(TypedEvent, frozen=True, kw_only=True):
    """The agreement ended (perjanjian berakhir)."""

    reason: str
    """Why (alasan)."""


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a party owes under an agreement (pasal)."""

    clause_id: str
    """Id of the clause (nomor pasal)."""
    text: str
    """What is owed (isi pasal)."""
    debtor: str
    """Code of the agency that owes it (penanggung jawab)."""
    every_days: int | None = None
    """Calendar days after which it is owed again (berulang tiap hari)."""


class FineSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """What a breach of a clause costs (tarif denda)."""

    clause_id: str
    """The clause (nomor pasal)."""
    amount: Decimal
    """The amount (jumlah)."""
    currency: str
    """Currency of the amount, ISO 4217 (mata uang)."""


class AgreementProposed(TypedEvent, frozen=True, kw_only=True):
    """Agencies are to agree on how they work together (perjanjian kerja sama, PKS)."""

    title: str
    """Title of the agreement (judul)."""
    parties: Items[str] = ()
    """Codes of the agencies that are to sign (para pihak)."""
    secretariat: str
    """Code of the agency that keeps it (sekretariat)."""
    clauses: Items[Clause] = ()
    """What the parties owe (pasal)."""
    fines: Items[FineSchedule] = ()
    """What a breach costs (denda)."""
    fund: str
    """Name of the fund that the fines go to (dana)."""
    valid_to: datetime.date | None = None
    """Last day of the agreement (berlaku sampai)."""


class AgreementSigned(TypedEvent, frozen=True, kw_only=True):
    """A party signed (penandatanganan)."""


class FineContested(TypedEvent, frozen=True, kw_only=True):
    """The debtor objects to a fine (keberatan atas denda)."""

    fine_id: str
    """The fine (nomor denda)."""
    reason: str
    """Why (alasan)."""


FineDecision = Literal["UPHELD", "WAIVED"]
"""Decision on a contested fine (putusan): upheld (dikuatkan), waived (dihapuskan)."""


class FineDecided(TypedEvent, frozen=True, kw_only=True):
    """The secretariat decides on an objection (putusan atas keberatan)."""

    fine_id: str
    """The fine (nomor denda)."""
    decision: FineDecision
    """The decision (putusan)."""
    reason: str
    """Why (alasan)."""


class FineImposed(TypedEvent, frozen=True, kw_only=True):
    """A fine was imposed under the agreement (pengenaan denda)."""

    fine_id: str
    """Id of the fine, new on this subject (nomor denda)."""
    debtor: str
    """Code of the agency that owes it (pihak yang didenda)."""
    clause_id: str
    """The clause that was broken (nomor pasal)."""
    cause: str
    """event_id or commitment id of the breach (penyebab)."""
    amount: Decimal
    """The amount (jumlah)."""
    due_at: datetime.datetime | None = None
    """When it is due, instead of the protocol's limit (tenggat)."""


class FinePaid(TypedEvent, frozen=True, kw_only=True):
    """The debtor paid a fine in full (pembayaran denda)."""

    fine_id: str
    """The fine (nomor denda)."""
    amount: Decimal
    """The amount paid (jumlah)."""
    reference: str
    """Reference of the payment (rujukan pembayaran)."""


class FundDisbursed(TypedEvent, frozen=True, kw_only=True):
    """Money was spent from the fund (penyaluran dana)."""

    amount: Decimal
    """The amount (jumlah)."""
    purpose: str
    """What for (tujuan)."""
    case: str | None = None
    """Subject of the case that it was spent on (kasus)."""
