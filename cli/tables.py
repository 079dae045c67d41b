"""The documents of `projections.render` as tables for people.

Pure: documents in, rich renderables out. Text from events is never read as markup. Agencies stand
by their codes, which are short; sentences name them in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from cli.fitting import Fitting, named_lines
from cli.labels import label
from projections.portraits import Document
from projections.wording import Lang, Voice, plain, zone_name
from runut.calendar import local_time
from runut.rfc3339 import parse_time

Facts = list[tuple[str, Any]]
"""Labels and what they say; what says nothing is left out."""

WHOLE: Final = {"occurred_at", "due_at", "from", "to", "since"}
"""Columns of times, which are not broken over lines."""
VERDICT_STYLE: Final = {"EFFECTIVE": "green", "IRREGULAR": "red", "CORRECTED": "yellow"}
COMMITMENT_COUNTS: Final = ("open", "overdue", "fulfilled", "fulfilled_late", "breached")
EVENT_COUNTS: Final = ("irregular", "duplicate", "corrected")


def case(document: Document, voice: Voice) -> RenderableType:
    """A case: what is so about it, and who was responsible from when to when."""
    facts: Facts = [
        ("status", voice.word("CaseStatus", document["status"])),
        ("custodian", _named(document["custodian"], voice)),
        ("category", voice.word("CaseCategory", document["category"])),
        ("urgency", voice.word("Urgency", document["urgency"])),
        ("phase", voice.word("Phase", document["phase"])),
        ("country", voice.word("Country", document["country"])),
        ("trafficking", document["trafficking"] and label("yes", voice.lang)),
        ("participants", ", ".join(document["participants"])),
        ("open_transfer", _transfer(document["open_transfer"], voice)),
        ("escalation_due", document["escalation_due"] and label("yes", voice.lang)),
        ("locally_closed_by", ", ".join(document["locally_closed_by"])),
        ("merged_into", document["merged_into"]),
        ("absorbed", ", ".join(document["absorbed"])),
        ("commitments", counted_commitments(document["commitments"], voice)),
        ("events", counted_events(document["counts"], voice)),
        ("opened_at", local(document["opened_at"], voice.zone)),
        ("closed_at", local(document["closed_at"], voice.zone)),
        ("as_of", local(document["as_of"], voice.zone)),
    ]
    return Group(
        facts_table(document["subject"], facts, voice), _custody(document["custody"], voice)
    )


def history(entries: Sequence[Document], voice: Voice) -> RenderableType:
    """A subject's events, each as its sentence."""
    rows = [
        (
            str(entry["seq"]),
            local(entry["occurred_at"], voice.zone),
            Text(entry["text"][voice.lang]),
            _verdict(entry["verdict"], voice),
        )
        for entry in entries
    ]
    return rows_table("history", ("seq", "occurred_at", "said", "verdict"), rows, voice)


def history_line(entry: Document, lang: Lang, zone: ZoneInfo) -> Text:
    """One event on one line: when, what, and its sentence."""
    line = Text(f"{local(entry['occurred_at'], zone)}  ")
    line.append(f"{entry['type']}  ", style=VERDICT_STYLE.get(entry["verdict"], "dim"))
    return line.append(entry["text"][lang])


def commitments(found: Sequence[Document], voice: Voice, title: str) -> RenderableType:
    """Commitments, those past their limit in red."""
    columns = ("subject", "kind", "what", "debtor", "creditor", "due_at", "status")
    rows = [
        (
            one["subject"],
            voice.word("CommitmentKind", one["kind"]),
            one["what"],
            one["debtor"],
            one["creditor"],
            local(one["due_at"], voice.zone),
            _commitment_status(one, voice),
        )
        for one in found
    ]
    return rows_table(title, columns, rows, voice)


def agency(document: Document, voice: Voice) -> RenderableType:
    """What an agency owes, holds and awaits."""
    about = document["agency"]
    facts: Facts = [
        ("agency", voice.agency(about["code"])),
        ("kind", voice.word("AgencyKind", about["kind"])),
        ("roles", ", ".join(voice.word("Role", role) for role in about["roles"])),
        ("as_of", local(document["as_of"], voice.zone)),
    ]
    return Group(
        facts_table(about["code"], facts, voice),
        commitments(document["owes"], voice, "owes"),
        _held(document["holds"], voice),
        commitments(document["awaits"], voice, "awaits"),
    )


def local(text: str | None, zone: ZoneInfo) -> str:
    """`2025-06-12 09:30 WIB` of an RFC 3339 time; empty for none."""
    if text is None:
        return ""
    moment = local_time(parse_time(text), zone)
    return f"{moment:%Y-%m-%d %H:%M} {zone_name(moment)}"


def facts_table(title: str, facts: Facts, voice: Voice) -> RenderableType:
    """Two columns under a title."""
    told = [(label(name, voice.lang), Text(plain(str(value)))) for name, value in facts if value]
    return Group(Text(title, style="bold"), named_lines(told), Text())


def rows_table(
    title: str, columns: Iterable[str], rows: Sequence[Sequence[str | Text]], voice: Voice
) -> RenderableType:
    """Rows under their columns; a word instead where there are none."""
    if not rows:
        return Text(f"{label(title, voice.lang)}: {label('nothing', voice.lang)}")
    cells = [
        [cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row] for row in rows
    ]
    names = {name: label(name, voice.lang) for name in columns}
    whole = [said for name, said in names.items() if name in WHOLE]
    return Fitting(label(title, voice.lang), list(names.values()), cells, whole)


def counted_commitments(counts: Document, voice: Voice) -> str:
    """How many commitments there are of what sort, the sorts without any left out."""
    return _counts(counts, COMMITMENT_COUNTS, voice)


def counted_events(counts: Document, voice: Voice) -> str:
    """How many events, and of them the irregular, duplicate and corrected ones."""
    other = _counts(counts, EVENT_COUNTS, voice)
    return f"{counts['events']}{f' ({other})' if other else ''}"


def _held(cases: Sequence[Document], voice: Voice) -> RenderableType:
    rows = [
        (
            one["subject"],
            voice.word("CaseStatus", one["status"]),
            voice.word("CaseCategory", one["category"]),
            voice.word("Urgency", one["urgency"]),
            local(one["since"], voice.zone),
        )
        for one in cases
    ]
    return rows_table("holds", ("subject", "status", "category", "urgency", "since"), rows, voice)


def _custody(intervals: Sequence[Document], voice: Voice) -> RenderableType:
    rows = [
        (
            one["agency"],
            local(one["from"], voice.zone),
            local(one["to"], voice.zone) or label("running", voice.lang),
        )
        for one in intervals
    ]
    return rows_table("custody", ("agency", "from", "to"), rows, voice)


def _named(code: str, voice: Voice) -> str:
    name = voice.agency(code)
    return code if name == code else f"{code} ({name})"


def _transfer(transfer: Document | None, voice: Voice) -> str:
    if transfer is None:
        return ""
    due_at = local(transfer["due_at"], voice.zone)
    return f"{transfer['transfer_id']} → {transfer['to']}{f', {due_at}' if due_at else ''}"


def _counts(counts: Document, names: Iterable[str], voice: Voice) -> str:
    return ", ".join(f"{counts[name]} {label(name, voice.lang)}" for name in names if counts[name])


def _verdict(verdict: str, voice: Voice) -> Text:
    return Text(voice.word("Verdict", verdict), style=VERDICT_STYLE.get(verdict, "dim"))


def _commitment_status(one: Document, voice: Voice) -> Text:
    status = Text(voice.word("CommitmentStatus", one["status"]))
    for name, holds in (
        ("late", one["late"]),
        ("overdue", one["overdue"]),
        ("breached", one["breached_at"] is not None),
    ):
        if holds:
            status.append(f", {label(name, voice.lang)}", style="red")
    return status
