"""Words of the command line's tables, in Indonesian and English, and the choice between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from projections.wording import Lang

LOCALES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def default_language(environment: Mapping[str, str]) -> Lang:
    """English where the locale is of another language than Indonesian; else Indonesian.

    A locale of no language (unset, C, POSIX) leaves it at Indonesian, that of the agencies.
    """
    locale = next((environment[name] for name in LOCALES if environment.get(name)), "C")
    language = locale.partition(".")[0].partition("_")[0]
    return "id" if language in {"id", "C", "POSIX"} else "en"


def label(name: str, lang: Lang) -> str:
    """A word of the tables."""
    return LABELS[name][lang]


LABELS: Final[dict[str, dict[Lang, str]]] = {
    "absorbed": {"id": "Menyerap", "en": "Absorbed"},
    "adopters": {"id": "Disepakati oleh", "en": "Adopted by"},
    "agency": {"id": "Instansi", "en": "Agency"},
    "agenda": {"id": "Agenda", "en": "Agenda"},
    "amount": {"id": "Jumlah", "en": "Amount"},
    "as_known_now": {"id": "Menurut kalender sekarang", "en": "By today's calendar"},
    "as_known_then": {"id": "Menurut kalender saat itu", "en": "By the calendar then"},
    "as_of": {"id": "Keadaan per", "en": "As of"},
    "attendance": {"id": "Daftar hadir", "en": "Attendance"},
    "attended": {"id": "Kehadiran", "en": "Attended"},
    "awaits": {"id": "Ditunggu dari instansi lain", "en": "Awaits from others"},
    "calendar_days": {"id": "hari kalender", "en": "calendar days"},
    "case": {"id": "Kasus", "en": "Case"},
    "cases": {"id": "Kasus", "en": "Cases"},
    "category": {"id": "Kategori", "en": "Category"},
    "chair": {"id": "Pimpinan rapat", "en": "Chair"},
    "clause": {"id": "pasal perjanjian", "en": "clause of the agreement"},
    "clause_id": {"id": "Pasal", "en": "Clause"},
    "clauses": {"id": "Pasal", "en": "Clauses"},
    "closed_at": {"id": "Berakhir", "en": "Closed"},
    "commitment": {"id": "Komitmen", "en": "Commitment"},
    "commitments": {"id": "Komitmen", "en": "Commitments"},
    "counted_from": {"id": "Dihitung sejak", "en": "Counted from"},
    "country": {"id": "Negara", "en": "Country"},
    "creditor": {"id": "Kepada", "en": "Owed to"},
    "custodian": {"id": "Penanggung jawab", "en": "Custodian"},
    "custody": {"id": "Masa tanggung jawab", "en": "Custody"},
    "date": {"id": "Tanggal", "en": "Date"},
    "days_of_calendar": {"id": "Hari yang menggeser tenggat", "en": "Days that moved it"},
    "debtor": {"id": "PIC", "en": "Owed by"},
    "decided_amount": {"id": "Jumlah diputuskan", "en": "Amount decided"},
    "decided_at": {"id": "Diputuskan", "en": "Decided"},
    "decision_id": {"id": "No. keputusan", "en": "Decision"},
    "decisions": {"id": "Keputusan rapat", "en": "Decisions"},
    "deposit": {"id": "Deposito", "en": "Deposit"},
    "deposit_drawn": {"id": "Deposito dicairkan", "en": "Deposit drawn"},
    "deposit_draws": {"id": "Pencairan deposito", "en": "Draws on the deposit"},
    "desks": {"id": "Meja layanan", "en": "Desks"},
    "due_at": {"id": "Tenggat", "en": "Due"},
    "ended_at": {"id": "Selesai", "en": "Ended"},
    "escalation_due": {"id": "Perlu eskalasi", "en": "Escalation due"},
    "events": {"id": "Peristiwa", "en": "Events"},
    "every_days": {"id": "Setiap (hari)", "en": "Every (days)"},
    "findings": {"id": "Temuan", "en": "Findings"},
    "fine_id": {"id": "No. denda", "en": "Fine"},
    "fines": {"id": "Denda", "en": "Fines"},
    "from": {"id": "Sejak", "en": "From"},
    "from_date": {"id": "Mulai", "en": "From"},
    "fund": {"id": "Dana", "en": "Fund"},
    "fund_balance": {"id": "Saldo dana", "en": "Balance of the fund"},
    "given_by": {"id": "Ditetapkan oleh", "en": "Given by"},
    "ground": {"id": "Dasar", "en": "Ground"},
    "held_at": {"id": "Waktu", "en": "Held"},
    "history": {"id": "Riwayat koordinasi", "en": "Coordination history"},
    "holds": {"id": "Kasus yang dipegang", "en": "Cases it holds"},
    "imposed_at": {"id": "Dijatuhkan", "en": "Imposed"},
    "inspected_at": {"id": "Diperiksa", "en": "Inspected"},
    "inspections": {"id": "Pemeriksaan", "en": "Inspections"},
    "invitees": {"id": "Undangan", "en": "Invited"},
    "kind": {"id": "Jenis", "en": "Kind"},
    "level": {"id": "Tingkat", "en": "Level"},
    "licence": {"id": "SIP3MI", "en": "Licence"},
    "lifted_at": {"id": "Dicabut", "en": "Lifted"},
    "locally_closed_by": {"id": "Ditutup di sistem sendiri oleh", "en": "Closed locally by"},
    "merged_into": {"id": "Digabung ke", "en": "Merged into"},
    "minutes_adopters": {"id": "Notula disahkan oleh", "en": "Minutes adopted by"},
    "mode": {"id": "Cara", "en": "Mode"},
    "name": {"id": "Nama", "en": "Name"},
    "no_protocol": {
        "id": "tidak ada: protokol belum diumumkan",
        "en": "nothing: no protocol was announced",
    },
    "nothing": {"id": "tidak ada", "en": "nothing"},
    "occurred_at": {"id": "Waktu kejadian", "en": "Occurred"},
    "officer_role": {"id": "Jabatan", "en": "Officer"},
    "open_transfer": {"id": "Pelimpahan terbuka", "en": "Open transfer"},
    "opened_at": {"id": "Dilaporkan", "en": "Opened"},
    "outreach": {"id": "Penjangkauan", "en": "Outreach"},
    "owes": {"id": "Kewajiban", "en": "Owes"},
    "participants": {"id": "Pihak yang terlibat", "en": "Participants"},
    "parties": {"id": "Para pihak", "en": "Parties"},
    "partners": {"id": "Mitra", "en": "Partners"},
    "people": {"id": "Peserta", "en": "Participants"},
    "phase": {"id": "Tahap", "en": "Phase"},
    "pillars": {"id": "Pilar", "en": "Pillars"},
    "proposed_at": {"id": "Diusulkan", "en": "Proposed"},
    "protocol": {"id": "protokol", "en": "protocol"},
    "reason": {"id": "Alasan", "en": "Reason"},
    "region": {"id": "Wilayah", "en": "Region"},
    "roles": {"id": "Peran", "en": "Roles"},
    "running": {"id": "berjalan", "en": "running"},
    "said": {"id": "Isi", "en": "What was done"},
    "sanctions": {"id": "Sanksi", "en": "Sanctions"},
    "secretariat": {"id": "Sekretariat", "en": "Secretariat"},
    "seq": {"id": "No.", "en": "No."},
    "series": {"id": "Rangkaian rapat", "en": "Series"},
    "severity": {"id": "Berat temuan", "en": "Severity"},
    "signed": {"id": "Sudah menandatangani", "en": "Signed by"},
    "since": {"id": "Sejak", "en": "Since"},
    "started_at": {"id": "Mulai", "en": "Started"},
    "starts_at": {"id": "Dijadwalkan", "en": "Scheduled for"},
    "status": {"id": "Status", "en": "Status"},
    "subject": {"id": "Pokok perkara", "en": "Subject"},
    "text": {"id": "Isi", "en": "Text"},
    "the_same": {"id": "sama", "en": "the same"},
    "title": {"id": "Judul", "en": "Title"},
    "to": {"id": "Sampai", "en": "To"},
    "to_date": {"id": "Sampai", "en": "To"},
    "trafficking": {"id": "TPPO", "en": "Trafficking"},
    "urgency": {"id": "Derajat", "en": "Urgency"},
    "valid_to": {"id": "Berlaku sampai", "en": "Valid to"},
    "verdict": {"id": "Putusan", "en": "Verdict"},
    "what": {"id": "Isi komitmen", "en": "What"},
    "yes": {"id": "ya", "en": "yes"},
    # how a commitment stands
    "breached": {"id": "dilanggar", "en": "breached"},
    "cancelled": {"id": "dibatalkan", "en": "cancelled"},
    "corrected": {"id": "dikoreksi", "en": "corrected"},
    "duplicate": {"id": "ganda", "en": "duplicate"},
    "fulfilled": {"id": "terpenuhi", "en": "fulfilled"},
    "fulfilled_late": {"id": "terlambat dipenuhi", "en": "fulfilled late"},
    "irregular": {"id": "tidak sah", "en": "irregular"},
    "late": {"id": "terlambat", "en": "late"},
    "open": {"id": "terbuka", "en": "open"},
    "overdue": {"id": "lewat tenggat", "en": "overdue"},
}
