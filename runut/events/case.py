"""Events on case/: one worker's trouble, from the report to the closing.

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from runut.events.shared import (
    Attachment,
    CaseCategory,
    Items,
    Party,
    PersonRef,
    Phase,
    RefusalGround,
    Urgency,
)
from runut.typed_event import TypedEvent


class AssistanceAnswered(TypedEvent, frozen=True, kw_only=True):
    """The provider accepts or refuses (jawaban pendampingan)."""

    assistance_id: str
    """The assistance (nomor pendampingan)."""
    accepted: bool
    """Whether the provider will give it (diterima)."""
    ground: RefusalGround | None = None
    """Ground of a refusal; required when refused (dasar penolakan)."""
    reason: str | None = None
    """Why not; required when refused (alasan)."""


class AssistanceDelivered(TypedEvent, frozen=True, kw_only=True):
    """The provider gave the assistance (pendampingan diberikan)."""

    assistance_id: str
    """The assistance (nomor pendampingan)."""
    evidence: Items[Attachment] = ()
    """Files that show it (bukti)."""
    note: str | None = None
    """Remark (catatan)."""


AssistanceKind = Literal[
    "LEGAL_AID",
    "PSYCHOSOCIAL",
    "SHELTER",
    "MEDICAL",
    "REPATRIATION",
    "PICKUP",
    "REHABILITATION",
    "REINTEGRATION",
    "DOCUMENTS",
    "INVESTIGATION",
    "OTHER",
]
"""Kind of assistance (jenis pendampingan): legal aid (pendampingan hukum), psychosocial
(psikososial), shelter (rumah aman), medical (medis), repatriation (pemulangan), pickup
(penjemputan), rehabilitation (rehabilitasi), reintegration (reintegrasi), documents (dokumen),
investigation (penyelidikan).
"""


class AssistanceRequested(TypedEvent, frozen=True, kw_only=True):
    """The custodian asks a provider for a service; the case stays (rujukan pendampingan)."""

    assistance_id: str
    """Id of the assistance, new on this subject (nomor pendampingan)."""
    kind: AssistanceKind
    """Kind of assistance (jenis)."""
    provider: str
    """Code of the agency asked (pemberi layanan)."""
    emergency: bool
    """Whether it is an emergency (darurat)."""
    reason: str
    """Why (alasan)."""
    due_at: datetime.datetime | None = None
    """When the delivery is due, instead of the protocol's limit (tenggat)."""


class CaseAbsorbed(TypedEvent, frozen=True, kw_only=True):
    """This case took over another one (penyerapan kasus)."""

    absorbed: str
    """Subject of the case that was absorbed (kasus yang diserap)."""


class CaseClassified(TypedEvent, frozen=True, kw_only=True):
    """The custodian classified the case anew (klasifikasi)."""

    category: CaseCategory
    """What it is about (kategori)."""
    urgency: Urgency
    """How urgent it is (derajat)."""
    trafficking: bool
    """Whether it is treated as trafficking in persons (TPPO)."""


ClosureScope = Literal["LEDGER", "LOCAL"]
"""How far a closure reaches (lingkup): the whole ledger (buku besar) or the emitter's own system
(instansi sendiri).
"""


class CaseClosed(TypedEvent, frozen=True, kw_only=True):
    """The case is closed, for the ledger or in one agency's own system (penutupan kasus)."""

    scope: ClosureScope
    """How far it reaches (lingkup)."""
    ground: str
    """Why (alasan)."""


class CaseReopened(TypedEvent, frozen=True, kw_only=True):
    """A closed or rejected case is opened again (pembukaan kembali)."""

    reason: str
    """Why (alasan)."""


Intake = Literal[
    "E_COMPLAINT",
    "HOTLINE",
    "EMAIL",
    "SOCIAL_MEDIA",
    "LETTER",
    "WALK_IN",
    "MISSION",
    "LTSA",
    "VILLAGE",
    "NGO",
    "OTHER",
]
"""Where a complaint came in (pintu pengaduan): e-complaint (e-pengaduan), hotline (call centre),
email (surel), social media (media sosial), letter (surat), walk-in (datang langsung), mission
(Perwakilan RI), LTSA, village (desa), NGO (LSM).
"""

Relation = Literal["WORKER", "FAMILY", "NGO", "EMPLOYER", "AUTHORITY", "OTHER"]
"""Who the complainant is (hubungan pengadu): worker (PMI), family (keluarga), NGO (LSM), employer
(pemberi kerja), authority (instansi).
"""

Sector = Literal["FORMAL", "INFORMAL", "UNKNOWN"]
"""Sector of the work (sektor): formal, informal, or not known (tidak diketahui)."""

Placement = Literal["PROCEDURAL", "NON_PROCEDURAL", "UNKNOWN"]
"""How the worker was placed (penempatan): procedural (prosedural), non-procedural (nonprosedural),
or not known (tidak diketahui).
"""


class CaseReported(TypedEvent, frozen=True, kw_only=True):
    """A case is opened by a complaint (pengaduan)."""

    category: CaseCategory
    """What it is about (kategori)."""
    urgency: Urgency
    """How urgent it is (derajat)."""
    phase: Phase
    """Phase of migration (tahap)."""
    country: str
    """Country where the worker is or is to go, ISO 3166 alpha-2 (negara)."""
    intake: Intake
    """Where it came in (pintu pengaduan)."""
    relation: Relation
    """Who the complainant is (hubungan pengadu)."""
    sector: Sector
    """Sector of the work (sektor)."""
    placement: Placement
    """How the worker was placed (penempatan)."""
    worker: PersonRef | None = None
    """The worker (PMI)."""
    respondent: Party | None = None
    """Whom the complaint is against (pihak yang diadukan)."""
    summary: str
    """What is complained of, naming no person (ringkasan)."""
    custodian: str | None = None
    """Code of the agency made responsible; the emitter where absent (penanggung jawab kasus)."""


class CaseResolved(TypedEvent, frozen=True, kw_only=True):
    """The case is resolved (penyelesaian)."""

    outcome: str
    """What was reached (hasil)."""
    amount: Decimal | None = None
    """Amount paid to the worker (jumlah)."""
    currency: str | None = None
    """Currency of the amount, ISO 4217 (mata uang)."""


VerificationResult = Literal["VERIFIED", "REJECTED"]
"""Result of a verification (hasil verifikasi): verified (terverifikasi), rejected (ditolak)."""


class CaseVerified(TypedEvent, frozen=True, kw_only=True):
    """The custodian checked whether the complaint holds (verifikasi)."""

    result: VerificationResult
    """What it found (hasil)."""
    note: str
    """Remark (catatan)."""


class ClosureConsented(TypedEvent, frozen=True, kw_only=True):
    """A participant consents to closing the case (persetujuan penutupan)."""

    note: str | None = None
    """Remark (catatan)."""


class ContactAcknowledged(TypedEvent, frozen=True, kw_only=True):
    """An agency confirms or disputes a contact (konfirmasi kontak)."""

    contact_id: str
    """The contact (nomor kontak)."""
    agrees: bool
    """Whether the agency agrees with the summary (setuju)."""
    note: str | None = None
    """Remark (catatan)."""


ContactMode = Literal["PHONE", "VIDEO", "CHAT", "EMAIL", "IN_PERSON"]
"""Means of a contact (cara): telephone (telepon), video (video), chat (pesan singkat), email
(surel), in person (tatap muka).
"""

ContactDirection = Literal["OUTGOING", "INCOMING"]
"""Who began a contact (arah): outgoing (keluar), incoming (masuk)."""


class ContactLogged(TypedEvent, frozen=True, kw_only=True):
    """Agencies spoke with each other outside letters and meetings (kontak)."""

    contact_id: str
    """Id of the contact, new on this subject (nomor kontak)."""
    mode: ContactMode
    """Means of the contact (cara)."""
    direction: ContactDirection
    """Who began it (arah)."""
    with_: Items[str] = msgspec.field(name="with", default=())
    """Codes of the agencies spoken with (lawan bicara)."""
    party: str | None = None
    """Someone spoken with who is no agency; a reference, never a name (pihak)."""
    summary: str
    """What was said, naming no person (ringkasan)."""
    duration_s: int | None = None
    """How long it lasted, in seconds (lama)."""


class CustodyRuled(TypedEvent, frozen=True, kw_only=True):
    """The arbiter or a coordinator rules who is custodian (penetapan penanggung jawab)."""

    custodian: str
    """Code of the custodian from now on (penanggung jawab kasus)."""
    reason: str
    """Why (alasan)."""


class DataBreachNotified(TypedEvent, frozen=True, kw_only=True):
    """Personal data was exposed (pemberitahuan kegagalan pelindungan data)."""

    what: str
    """What was exposed, naming no person (data yang terungkap)."""
    happened_at: datetime.datetime
    """When it happened (waktu kejadian)."""
    remedy: str
    """What is done about it (penanganan)."""


class DataShared(TypedEvent, frozen=True, kw_only=True):
    """Personal data was shared with other agencies (berbagi data)."""

    share_id: str
    """Id of the sharing (nomor berbagi)."""
    to: Items[str] = ()
    """Codes of the agencies that received it (penerima)."""
    fields: Items[str] = ()
    """Names of the fields shared, never their content (ruas data)."""
    purpose: str
    """What for (tujuan)."""
    lawful_basis: str | None = None
    """Legal basis, such as UU 27/2022 Ps 20 (dasar pemrosesan)."""
    agreement: str | None = None
    """Subject of the agreement that allows it (perjanjian kerja sama)."""


class DuplicateSuspected(TypedEvent, frozen=True, kw_only=True):
    """Another case may be about the same matter (dugaan kasus ganda)."""

    other: str
    """Subject of the other case (kasus lain)."""
    basis: str
    """What suggests it (dasar dugaan)."""


HearingKind = Literal["CLARIFICATION_1", "CLARIFICATION_2", "MEDIATION", "OTHER"]
"""Kind of hearing (jenis): first and second clarification (klarifikasi kesatu, kedua), mediation
(mediasi).
"""

Admission = Literal["NONE", "PARTIAL", "FULL"]
"""How much the respondent admits (pengakuan): none (tidak ada), partial (sebagian), full
(seluruhnya).
"""


class HearingHeld(TypedEvent, frozen=True, kw_only=True):
    """The respondent was heard (klarifikasi, mediasi)."""

    kind: HearingKind
    """Kind of hearing (jenis)."""
    respondent: Party
    """Who was heard (pihak yang diadukan)."""
    admission: Admission
    """How much the respondent admits (pengakuan)."""
    outcome: str
    """What came of it (hasil)."""
    record: Attachment | None = None
    """The record of the hearing (berita acara)."""


LetterAnswer = Literal["COMPLETE", "PARTIAL", "DECLINED"]
"""How far a letter is answered (jawaban): completely (lengkap), partly (sebagian), declined
(ditolak).
"""


class LetterAnswered(TypedEvent, frozen=True, kw_only=True):
    """An addressee answered a letter (jawaban surat)."""

    letter_id: str
    """The letter (nomor surat dalam buku besar)."""
    answer: LetterAnswer
    """How far it is answered (jawaban)."""
    reason: str | None = None
    """Why not; required when declined (alasan)."""
    reply_letter_id: str | None = None
    """letter_id of the letter that carries the answer (surat jawaban)."""


class LetterDisposed(TypedEvent, frozen=True, kw_only=True):
    """An addressee passed a letter on to a unit (disposisi)."""

    letter_id: str
    """The letter (nomor surat dalam buku besar)."""
    unit: str
    """Unit that is to act (unit)."""
    instruction: str
    """What it is to do (isi disposisi)."""


class LetterReceived(TypedEvent, frozen=True, kw_only=True):
    """An addressee received a letter (surat masuk)."""

    letter_id: str
    """The letter (nomor surat dalam buku besar)."""
    agenda_number: str | None = None
    """Number in the addressee's register (nomor agenda)."""


class LetterReminded(TypedEvent, frozen=True, kw_only=True):
    """The sender reminded of a letter (surat pengingat)."""

    letter_id: str
    """The letter (nomor surat dalam buku besar)."""
    nth: int
    """Which reminder it is, from 1 (pengingat ke-)."""


DocumentType = Literal[
    "OFFICIAL_LETTER", "MEMO", "INVITATION", "ASSIGNMENT", "MINUTES", "REPORT", "AGREEMENT"
]
"""Type of document (jenis naskah): official letter (surat dinas), memo (nota dinas), invitation
(undangan), assignment (surat tugas), minutes (notula), report (berita acara), agreement (PKS/MoU).
"""


class LetterSent(TypedEvent, frozen=True, kw_only=True):
    """A letter was sent (surat keluar)."""

    letter_id: str
    """Id of the letter, new on this subject (nomor surat dalam buku besar)."""
    number: str
    """Number of the letter (nomor)."""
    dated: datetime.date
    """Date of the letter (tanggal)."""
    doc_type: DocumentType
    """Type of document (jenis naskah)."""
    urgency: Urgency
    """How urgent it is (derajat)."""
    title: str
    """What it is about (perihal)."""
    to: Items[str] = ()
    """Codes of the agencies addressed (tujuan)."""
    cc: Items[str] = ()
    """Codes of the agencies copied in (tembusan)."""
    attachments: Items[Attachment] = ()
    """Files sent with it (lampiran)."""
    reply_expected: bool
    """Whether each addressee owes a reply (perlu jawaban)."""
    reply_due_at: datetime.datetime | None = None
    """When the reply is due, instead of the protocol's limit (tenggat jawaban)."""
    in_reply_to: str | None = None
    """letter_id of the letter that it answers (membalas surat)."""


class MergeAccepted(TypedEvent, frozen=True, kw_only=True):
    """The survivor's custodian accepts the merge (penggabungan diterima)."""

    survivor: str
    """Subject of the case that goes on (kasus penerus)."""
    reason: str | None = None
    """Why (alasan)."""


class MergeProposed(TypedEvent, frozen=True, kw_only=True):
    """The custodian proposes that this case be absorbed by another (usul penggabungan)."""

    survivor: str
    """Subject of the case that goes on (kasus penerus)."""
    to: str
    """Code of the survivor's custodian (instansi tujuan)."""


class MergeRefused(TypedEvent, frozen=True, kw_only=True):
    """The survivor's custodian refuses the merge (penggabungan ditolak)."""

    survivor: str
    """Subject of the case that was proposed to go on (kasus penerus)."""
    reason: str
    """Why (alasan)."""


class PersonalDataErased(TypedEvent, frozen=True, kw_only=True):
    """A person's key was destroyed, and with it their sealed text (penghapusan data pribadi)."""

    person_id: str
    """Token of the person (token orang)."""
    ground: str
    """Why (alasan)."""


class TransferAccepted(TypedEvent, frozen=True, kw_only=True):
    """The addressee takes the case over (pelimpahan diterima)."""

    transfer_id: str
    """The transfer (nomor pelimpahan)."""
    note: str | None = None
    """Remark (catatan)."""


class TransferEscalated(TypedEvent, frozen=True, kw_only=True):
    """A transfer is brought before an arbiter (eskalasi pelimpahan)."""

    transfer_id: str
    """The transfer (nomor pelimpahan)."""
    arbiter: str
    """Code of the agency that is to rule (pemutus)."""


class TransferLapsed(TypedEvent, frozen=True, kw_only=True):
    """The ledger states that an offer was not answered in time (pelimpahan kedaluwarsa)."""

    transfer_id: str
    """The transfer (nomor pelimpahan)."""


TransferGround = Literal["MANDATE", "JURISDICTION", "CAPACITY", "REQUEST", "OTHER"]
"""Ground of a transfer (dasar pelimpahan): mandate (kewenangan), jurisdiction (wilayah), capacity
(kapasitas), request (permintaan).
"""


class TransferOffered(TypedEvent, frozen=True, kw_only=True):
    """The custodian offers the case to another agency (penawaran pelimpahan)."""

    transfer_id: str
    """Id of the transfer, new on this subject (nomor pelimpahan)."""
    to: str
    """Code of the agency that is offered the case (instansi tujuan)."""
    ground: TransferGround
    """Ground of the transfer (dasar pelimpahan)."""
    reason: str
    """Why (alasan)."""
    answer_due_at: datetime.datetime | None = None
    """When the answer is due, instead of the protocol's limit (tenggat jawaban)."""


class TransferRefused(TypedEvent, frozen=True, kw_only=True):
    """The addressee refuses the case (pelimpahan ditolak)."""

    transfer_id: str
    """The transfer (nomor pelimpahan)."""
    ground: RefusalGround
    """Ground of the refusal (dasar penolakan)."""
    reason: str
    """Why, not blank (alasan)."""


class TransferWithdrawn(TypedEvent, frozen=True, kw_only=True):
    """The custodian takes the offer back (pelimpahan ditarik)."""

    transfer_id: str
    """The transfer (nomor pelimpahan)."""
    reason: str
    """Why (alasan)."""
