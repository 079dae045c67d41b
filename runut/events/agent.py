"""Events on agent/: placement agents (P3MI).

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Literal

from runut.typed_event import TypedEvent

Severity = Literal["NONE", "MINOR", "MAJOR", "CRITICAL"]
"""Weight of findings (bobot temuan): none (tidak ada), minor (ringan), major (berat), critical
(sangat berat).
"""


class AgentInspected(TypedEvent, frozen=True, kw_only=True):
    """A placement agent was inspected (pemeriksaan P3MI)."""

    findings: str
    """What was found (temuan)."""
    severity: Severity
    """How grave it is (bobot temuan)."""
    case: str | None = None
    """Subject of the case that led to it (kasus)."""


class AgentRegistered(TypedEvent, frozen=True, kw_only=True):
    """A placement agent is licensed (pendaftaran P3MI)."""

    name: str
    """Name of the company (nama perusahaan)."""
    licence: str
    """Number of its licence (SIP3MI)."""
    valid_to: datetime.date
    """Last day of the licence (berlaku sampai)."""
    deposit: Decimal
    """Its deposit, in rupiah (deposito)."""


class DepositDrawDecided(TypedEvent, frozen=True, kw_only=True):
    """The regulator decides on a draw (putusan pencairan deposito)."""

    approved: bool
    """Whether it is approved (disetujui)."""
    amount: Decimal
    """The amount approved, in rupiah (jumlah)."""
    reason: str
    """Why (alasan)."""
    draw_id: str | None = None
    """Id of the draw (nomor pencairan)."""


class DepositDrawProposed(TypedEvent, frozen=True, kw_only=True):
    """A custodian asks to draw on a placement agent's deposit (usul pencairan deposito)."""

    amount: Decimal
    """The amount, in rupiah (jumlah)."""
    case: str
    """Subject of the case that it is for (kasus)."""
    reason: str
    """Why (alasan)."""
    draw_id: str | None = None
    """Id of the draw (nomor pencairan)."""


class LicenceRenewed(TypedEvent, frozen=True, kw_only=True):
    """A placement agent's licence was renewed (perpanjangan SIP3MI)."""

    licence: str
    """Number of the licence (SIP3MI)."""
    valid_to: datetime.date
    """Last day of the licence (berlaku sampai)."""


SanctionLevel = Literal["WARNING", "SUSPENSION", "REVOCATION"]
"""Level of a sanction (tingkat sanksi): written warning (peringatan tertulis), suspension
(penghentian sementara, skorsing), revocation (pencabutan izin).
"""


class SanctionDecided(TypedEvent, frozen=True, kw_only=True):
    """A sanction on a placement agent (sanksi)."""

    level: SanctionLevel
    """Level (tingkat sanksi)."""
    ground: str
    """Why (alasan)."""
    from_date: datetime.date
    """First day of the sanction (mulai tanggal)."""
    to_date: datetime.date | None = None
    """Last day of the sanction (sampai tanggal)."""


class SanctionLifted(TypedEvent, frozen=True, kw_only=True):
    """All suspensions of a placement agent end (pencabutan sanksi)."""

    reason: str
    """Why (alasan)."""
