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
    "agency": {"id": "Instansi", "en": "Agency"},
    "as_of": {"id": "Keadaan per", "en": "As of"},
    "awaits": {"id": "Ditunggu dari instansi lain", "en": "Awaits from others"},
    "category": {"id": "Kategori", "en": "Category"},
    "closed_at": {"id": "Berakhir", "en": "Closed"},
    "commitment": {"id": "Komitmen", "en": "Commitment"},
    "commitments": {"id": "Komitmen", "en": "Commitments"},
    "country": {"id": "Negara", "en": "Country"},
    "creditor": {"id": "Kepada", "en": "Owed to"},
    "custodian": {"id": "Penanggung jawab", "en": "Custodian"},
    "custody": {"id": "Masa tanggung jawab", "en": "Custody"},
    "debtor": {"id": "PIC", "en": "Owed by"},
    "due_at": {"id": "Tenggat", "en": "Due"},
    "escalation_due": {"id": "Perlu eskalasi", "en": "Escalation due"},
    "events": {"id": "Peristiwa", "en": "Events"},
    "from": {"id": "Sejak", "en": "From"},
    "history": {"id": "Riwayat koordinasi", "en": "Coordination history"},
    "holds": {"id": "Kasus yang dipegang", "en": "Cases it holds"},
    "kind": {"id": "Jenis", "en": "Kind"},
    "locally_closed_by": {"id": "Ditutup di sistem sendiri oleh", "en": "Closed locally by"},
    "merged_into": {"id": "Digabung ke", "en": "Merged into"},
    "nothing": {"id": "tidak ada", "en": "nothing"},
    "occurred_at": {"id": "Waktu kejadian", "en": "Occurred"},
    "open_transfer": {"id": "Pelimpahan terbuka", "en": "Open transfer"},
    "opened_at": {"id": "Dilaporkan", "en": "Opened"},
    "owes": {"id": "Kewajiban", "en": "Owes"},
    "participants": {"id": "Pihak yang terlibat", "en": "Participants"},
    "phase": {"id": "Tahap", "en": "Phase"},
    "roles": {"id": "Peran", "en": "Roles"},
    "running": {"id": "berjalan", "en": "running"},
    "said": {"id": "Isi", "en": "What was done"},
    "seq": {"id": "No.", "en": "No."},
    "since": {"id": "Sejak", "en": "Since"},
    "status": {"id": "Status", "en": "Status"},
    "subject": {"id": "Pokok perkara", "en": "Subject"},
    "to": {"id": "Sampai", "en": "To"},
    "trafficking": {"id": "TPPO", "en": "Trafficking"},
    "urgency": {"id": "Derajat", "en": "Urgency"},
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
