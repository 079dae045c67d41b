"""What a report tells, section by section, each thing in Indonesian and in English.

Pure. Owns which facts of a subject are told and in which words; how they look on a page is
`html`'s and `pdf`'s.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from audit.documents import history_of, state_document
from audit.report.content import Content
from projections.batch import HistoryEntry
from projections.folds.rows import OWED, Commitment, CustodyInterval
from projections.portraits import Document
from projections.sentences import LOCAL_ZONE, sentences
from projections.wording import LANGS, Voice, plain, word, zone_name
from runut.calendar import local_time
from runut.event import subject_kind

STATUS_WORDS: Final = {
    "case": "CaseStatus",
    "meeting": "MeetingStatus",
    "agreement": "AgreementStatus",
    "agent": "AgentStatus",
    "programme": "ServicePointStatus",
}


class Both(NamedTuple):
    """The same thing in Indonesian and in English."""

    id: str
    en: str

    def __str__(self) -> str:
        return self.id if self.id == self.en else f"{self.id} / {self.en}"


class Table(NamedTuple):
    """A section that is a table."""

    title: Both
    columns: tuple[Both, ...]
    rows: tuple[tuple[Both, ...], ...]
    flagged: frozenset[int] = frozenset()
    """Rows to be seen at once: what does not count, or was not kept."""
    shares: tuple[float, ...] = ()
    """Of the page's width, by column; where none are said, by their number."""


class Report(NamedTuple):
    """A report, ready to be laid out."""

    kind: Both
    title: Both
    intro: Both
    facts: tuple[tuple[Both, Both], ...]
    standing: tuple[tuple[Both, Both], ...]
    tables: tuple[Table, ...]
    checkpoint: str
    """With its signatures; empty where there is none to show."""
    how: Both
    """How to verify it, before the command."""
    command: str
    remark: Both
    """What else there is to say, at the end."""


def told(content: Content) -> Report:
    """The report of a subject."""
    voices = _voices(content)
    title = _both(voices, lambda voice: voice.subject(content.subject))
    document = state_document(content.subject, content.folded, content.sealed_at)["state"]
    tables = [_custody(content, voices), _commitments(content, voices), _history(content, voices)]
    return Report(
        term("title"),
        title,
        term("intro"),
        tuple(_facts(content)),
        tuple(_standing(content, document, voices)),
        tuple(table for table in tables if table.rows),
        content.note,
        term("verify_says"),
        f"runut-verify FILE --policy POLICY   # {content.subject}, seal {content.seal}",
        term("verdicts"),
    )


@cache
def terms() -> dict[str, Any]:
    """The words of reports, by name."""
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))


def term(name: str) -> Both:
    """A word of the report."""
    return Both(**terms()[name])


def _facts(content: Content) -> Iterator[tuple[Both, Both]]:
    yield term("ledger"), same(content.ledger)
    yield term("subject"), same(content.subject)
    yield term("seal"), same(str(content.seal))
    yield term("sealed_at"), when(content.sealed_at)
    yield term("records"), same(str(len(content.folded.entries)))


def _standing(
    content: Content, document: Document | None, voices: Sequence[Voice]
) -> Iterator[tuple[Both, Both]]:
    if document is None:
        yield term("standing"), term("no_state")
        return
    kind = subject_kind(content.subject)
    yield term("status"), _word(STATUS_WORDS[kind], document["status"])
    if kind == "case":
        yield term("custodian"), _agency(document["custodian"], voices)
        yield term("turn"), _turn(content, voices)
        for name, table in _CASE_WORDS.items():
            yield term(name), _word(table, document[name]) if document[name] else same("–")
    for name in ("opened_at", "closed_at"):
        if document.get(name):
            yield term(name), when(datetime.fromisoformat(document[name]))
    if document.get("participants"):
        yield term("participants"), _agencies(document["participants"], voices)


def _turn(content: Content, voices: Sequence[Voice]) -> Both:
    """Who owes something, the soonest due first; else who has the case."""
    past = content.folded.past
    owed = sorted((one for one in past.of(Commitment) if one.status in OWED), key=_due)
    holders = [one.agency for one in past.of(CustodyInterval) if one.ended_at is None]
    return _agencies(list(dict.fromkeys(one.debtor for one in owed)) or holders, voices)


def _due(one: Commitment) -> tuple[bool, datetime]:
    return one.due_at is None, one.due_at or one.made_at


def _custody(content: Content, voices: Sequence[Voice]) -> Table:
    rows = [
        (
            _agency(one.agency, voices),
            when(one.started_at),
            when(one.ended_at) if one.ended_at else term("now"),
        )
        for one in content.folded.past.of(CustodyInterval)
    ]
    return Table(term("custody"), (term("agency"), term("from"), term("to")), tuple(rows))


def _commitments(content: Content, voices: Sequence[Voice]) -> Table:
    found = sorted(content.folded.past.of(Commitment), key=_due)
    columns = tuple(map(term, ("what", "debtor", "creditor", "due_at", "status")))
    rows, flagged = [], set()
    for index, one in enumerate(found):
        notes = [name for name, holds in _notes(one, content.sealed_at) if holds]
        if notes:
            flagged.add(index)
        kind = _word("CommitmentKind", one.kind)
        what = f": {plain(one.what)}" if one.what else ""
        due = when(one.due_at) if one.due_at else same("–")
        status = _joined([_word("CommitmentStatus", one.status), *map(term, notes)])
        rows.append(
            (
                Both(kind.id + what, kind.en + what),
                _agency(one.debtor, voices),
                _agency(one.creditor, voices),
                due,
                status,
            )
        )
    return Table(term("commitments"), columns, tuple(rows), frozenset(flagged))


def _notes(one: Commitment, at: datetime) -> Iterator[tuple[str, bool]]:
    yield "late", one.late
    yield "overdue", one.overdue(at)
    yield "breached", one.breached_at is not None


def _history(content: Content, voices: Sequence[Voice]) -> Table:
    names = ("number", "occurred_at", "recorded_at", "agency", "event", "verdict", "signature")
    entries = history_of(content.folded)
    rows = tuple(_line(entry, content, voices) for entry in entries)
    flagged = frozenset(n for n, one in enumerate(entries) if one.verdict != "EFFECTIVE")
    return Table(term("history"), tuple(map(term, names)), rows, flagged)


def _line(entry: HistoryEntry, content: Content, voices: Sequence[Voice]) -> tuple[Both, ...]:
    recorded = entry.recorded
    event = recorded.event
    said = sentences(event, entry.verdict, entry.codes, entry.differs, content.directory)
    verdict = _joined(
        [_word("Verdict", entry.verdict), *(_word("Code", code) for code in entry.codes)]
    )
    return (
        same(str(entry.seq)),
        when(event.occurred_at),
        when(recorded.recorded_at),
        _agency(event.agency, voices),
        Both(said["id"], said["en"]),
        verdict,
        _signature(entry, content),
    )


def _signature(entry: HistoryEntry, content: Content) -> Both:
    status = Both(**terms()["signatures"][entry.recorded.signature])
    if entry.recorded.signature != "VALID":
        return status
    by = "by_gateway" if entry.recorded.offset in content.by_gateway else "by_agency"
    return _joined([status, term(by)])


def _voices(content: Content) -> list[Voice]:
    return [Voice(lang, content.directory, LOCAL_ZONE) for lang in LANGS]


def _both(voices: Sequence[Voice], say: Any) -> Both:
    return Both(*(say(voice) for voice in voices))


def same(text: str) -> Both:
    """What needs no translation."""
    return Both(text, text)


def _word(table: str, symbol: str) -> Both:
    return Both(word(table, symbol, "id"), word(table, symbol, "en"))


def _agency(code: str | None, voices: Sequence[Voice]) -> Both:
    return same("–") if code is None else _both(voices, lambda voice: voice.agency(code))


def _agencies(codes: Sequence[str], voices: Sequence[Voice]) -> Both:
    if not codes:
        return same("–")
    return _both(voices, lambda voice: voice.listed([voice.agency(code) for code in codes]))


def when(moment: datetime) -> Both:
    """A time: local with its zone, and in UTC for those elsewhere; figures are of any language."""
    local, utc = local_time(moment, LOCAL_ZONE), moment.astimezone(UTC)
    elsewhere = f"{utc:%H:%M:%S}" if local.date() == utc.date() else f"{utc:%Y-%m-%d %H:%M:%S}"
    return same(f"{local:%Y-%m-%d %H:%M:%S} {zone_name(local)} ({elsewhere} UTC)")


def _joined(parts: Sequence[Both]) -> Both:
    return Both("; ".join(one.id for one in parts), "; ".join(one.en for one in parts))


_CASE_WORDS: Final = {
    "category": "CaseCategory",
    "urgency": "Urgency",
    "phase": "Phase",
    "country": "Country",
}
