"""Events on programme/: one-stop centres, villages, outreach.

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

from typing import Literal

from runut.events.shared import Items, Phase
from runut.typed_event import TypedEvent

OutreachKind = Literal["SOCIALISATION", "TRAINING", "COUNSELLING", "MARKET_INFORMATION"]
"""Kind of outreach (jenis kegiatan): socialisation (sosialisasi), training (pelatihan), counselling
(penyuluhan), market information (informasi pasar kerja).
"""


class OutreachHeld(TypedEvent, frozen=True, kw_only=True):
    """An outreach activity took place (kegiatan penjangkauan)."""

    kind: OutreachKind
    """Kind (jenis kegiatan)."""
    phase: Phase
    """Phase of migration that it is for (tahap)."""
    region: str
    """Where it was (wilayah)."""
    participants: int
    """How many took part (peserta)."""
    partners: Items[str] = ()
    """Codes or names of those who helped (mitra)."""


ServicePointKind = Literal["LTSA", "DESMIGRATIF"]
"""Kind of service point (jenis): one-stop centre (LTSA), productive migrant village (Desmigratif).
"""

Desk = Literal[
    "LABOUR",
    "COMPLAINTS",
    "CIVIL_REGISTRY",
    "HEALTH",
    "IMMIGRATION",
    "POLICE",
    "BANKING",
    "SOCIAL_SECURITY",
]
"""Desk of a one-stop centre (loket LTSA): labour (ketenagakerjaan), complaints (pengaduan), civil
registry (dukcapil), health (kesehatan), immigration (imigrasi), police (polisi), banking
(perbankan), social security (jaminan sosial).
"""

Pillar = Literal["MIGRATION_SERVICES", "PRODUCTIVE_BUSINESS", "COMMUNITY_PARENTING", "COOPERATIVE"]
"""Pillar of a productive migrant village (pilar Desmigratif): migration services (layanan migrasi),
productive business (usaha produktif), community parenting, cooperative (koperasi).
"""

ServicePointStatus = Literal["PLANNED", "ACTIVE", "SUSPENDED", "CLOSED"]
"""Status of a service point (status): planned (direncanakan), active (aktif), suspended (dihentikan
sementara), closed (ditutup).
"""


class ServicePointUpdated(TypedEvent, frozen=True, kw_only=True):
    """A service point as it is now (titik layanan)."""

    kind: ServicePointKind
    """Kind (jenis)."""
    name: str
    """Its name (nama)."""
    region: str
    """Where it is (wilayah)."""
    desks: Items[Desk] = ()
    """Desks that are staffed (loket)."""
    pillars: Items[Pillar] = ()
    """Pillars that are at work (pilar)."""
    status: ServicePointStatus
    """Its status (status)."""
