"""What events have in common: their meta fields, records and lists of words.

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

from typing import Literal, TypedDict, TypeVar
from uuid import UUID

import msgspec

Item = TypeVar("Item")

Items = list[Item] | tuple[Item, ...]
"""A list, or a tuple that stands for one."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that stays with its owner; its hash is in the ledger (lampiran)."""

    name: str
    """File name (nama berkas)."""
    media_type: str
    """Media type, such as application/pdf (jenis media)."""
    bytes: int
    """Size in bytes (ukuran)."""
    sha256: str
    """SHA-256 of the content, lower-case hexadecimal (sidik berkas)."""


CaseCategory = Literal[
    "UNPAID_WAGES",
    "UNILATERAL_TERMINATION",
    "OVERCHARGING",
    "LOST_CONTACT",
    "DOCUMENT_RETENTION",
    "ABUSE",
    "OVERWORK",
    "TRAFFICKING",
    "FRAUD",
    "FAILED_DEPARTURE",
    "MEDICAL",
    "DEATH",
    "DETENTION",
    "DEPORTATION",
    "WANTS_RETURN",
    "OTHER",
]
"""What a complaint is about (kategori pengaduan): unpaid wages (gaji tidak dibayar), unilateral
termination (PHK sepihak), overcharging (biaya berlebih), lost contact (hilang kontak), document
retention (penahanan dokumen), abuse (kekerasan), overwork (kerja berlebih), trafficking (TPPO),
fraud (penipuan), failed departure (gagal berangkat), medical (sakit), death (meninggal), detention
(ditahan), deportation (deportasi), wants return (ingin pulang).
"""

Channel = Literal["SYSTEM", "LETTER", "CALL", "MESSAGE", "MEETING", "IN_PERSON", "PORTAL"]
"""How the action was taken (saluran): system (sistem), letter (surat), call (telepon), message
(pesan), meeting (rapat), in person (tatap muka), portal (portal).
"""

Security = Literal["ORDINARY", "RESTRICTED", "SECRET", "TOP_SECRET"]
"""Classification (klasifikasi keamanan): ordinary (biasa), restricted (terbatas), secret (rahasia),
top secret (sangat rahasia).
"""


class Meta(TypedDict, total=False):
    """What may be said about any event beside its subject, its agency and when it happened."""

    event_id: str | UUID
    """Chosen by the emitter, UUIDv7 advised; the same id sent again is the same event (nomor
    peristiwa).
    """
    on_behalf_of: str | None
    """Code of the agency for which it was entered (atas nama)."""
    officer_role: str | None
    """Role of the officer, never a name (jabatan petugas)."""
    officer_ref: str | None
    """The agency's internal reference of the officer, never a name (rujukan petugas)."""
    channel: Channel
    """How (saluran)."""
    correlation_id: str | UUID | None
    """Joins the events of one undertaking (korelasi)."""
    causation_id: str | UUID | None
    """The event that led to this one (penyebab)."""
    legal_basis: str | None
    """Legal basis, such as UU 18/2017 Ps 21 (dasar hukum)."""
    security: Security
    """Classification (klasifikasi keamanan)."""
    private: PersonRef | None
    """Sealed text that names a person; free-text fields never do (keterangan tersegel)."""


PartyKind = Literal["EMPLOYER", "PLACEMENT_AGENT", "FOREIGN_AGENCY", "INDIVIDUAL", "OTHER"]
"""Kind of a party (jenis pihak): employer (pemberi kerja), placement agent (P3MI), agency abroad
(agensi), individual (perseorangan).
"""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who is no agency of the ledger (pihak)."""

    kind: PartyKind
    """What kind of party it is (jenis pihak)."""
    ref: str
    """Reference of the party; for an individual a person_id, never a name (rujukan)."""
    country: str | None = None
    """Country, ISO 3166 alpha-2 (negara)."""


class PersonRef(msgspec.Struct, frozen=True, kw_only=True):
    """A person without their name (rujukan orang): a random token, and text sealed under a key of
    that person alone, which erasure destroys.
    """

    person_id: str
    """Random token of the person, fresh for each subject (token orang)."""
    sealed: bytes | None = None
    """AES-256-GCM ciphertext under the person's own key: 96-bit nonce, ciphertext and tag (teks
    tersegel).
    """
    key_id: str | None = None
    """Name of the person's key (kunci)."""


Phase = Literal["BEFORE", "DURING", "AFTER"]
"""Phase of migration (tahap): before (sebelum), during (selama), after work (setelah bekerja)."""

RefusalGround = Literal["OWN_DUTIES", "CONFIDENTIAL", "LEGAL_BAR", "NOT_COMPETENT", "OTHER"]
"""Ground of a refusal (alasan penolakan; UU 30/2014 Ps 36): own duties (kinerja sendiri),
confidentiality (kerahasiaan), legal bar (larangan hukum), not competent (bukan kewenangan).
"""

Urgency = Literal["IMMEDIATE", "URGENT", "NORMAL"]
"""How urgent it is (derajat): very urgent (sangat segera), urgent (segera), normal (biasa)."""
