"""States of meetings, agreements, agents and programmes as tables for people.

Pure: documents in, rich renderables out (shapes: docs/reference/states.md). Cases are drawn by
`cli.tables`, whose pieces serve here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from rich.console import Group, RenderableType

from cli import tables
from cli.tables import Facts, counted_events, facts_table, local, rows_table
from projections.portraits import Document
from projections.wording import Voice
from runut.event import subject_kind

Cell = Callable[[Any, Voice], str]


def subject(document: Document, voice: Voice) -> RenderableType:
    """A subject of any kind."""
    return _DRAW[subject_kind(document["subject"])](document, voice)


def _meeting(document: Document, voice: Voice) -> RenderableType:
    facts: Facts = [
        ("status", voice.word("MeetingStatus", document["status"])),
        ("title", document["title"]),
        ("series", document["series"]),
        ("chair", voice.agency(document["chair"])),
        ("mode", voice.word("MeetingMode", document["mode"])),
        ("starts_at", local(document["starts_at"], voice.zone)),
        ("started_at", local(document["started_at"], voice.zone)),
        ("ended_at", local(document["ended_at"], voice.zone)),
        ("invitees", ", ".join(document["invitees"])),
        ("agenda", "; ".join(document["agenda"])),
        ("cases", ", ".join(document["cases"])),
        ("minutes_adopters", ", ".join(document["minutes_adopters"])),
    ]
    attendance = {"agency": _text, "officer_role": _text, "attended": _word("AttendanceStatus")}
    return Group(
        _head(document, facts, voice),
        _table(
            "attendance", attendance, _renamed(document["attendance"], status="attended"), voice
        ),
        _table(
            "decisions",
            {"decision_id": _text, "text": _text, "adopters": _list, "decided_at": _time},
            document["decisions"],
            voice,
        ),
    )


def _agreement(document: Document, voice: Voice) -> RenderableType:
    facts: Facts = [
        ("status", voice.word("AgreementStatus", document["status"])),
        ("title", document["title"]),
        ("parties", ", ".join(document["parties"])),
        ("signed", ", ".join(document["signed"])),
        ("secretariat", voice.agency(document["secretariat"])),
        ("fund", document["fund"]),
        ("fund_balance", _money(document["fund_balance"], document["currency"], voice)),
        ("valid_to", _date(document["valid_to"], voice)),
    ]
    fines = {
        "fine_id": _text,
        "debtor": _text,
        "clause_id": _text,
        "amount": _amount,
        "status": _word("FineStatus"),
        "imposed_at": _time,
        "due_at": _time,
    }
    clauses = {"clause_id": _text, "text": _text, "debtor": _text, "every_days": _text}
    return Group(
        _head(document, facts, voice),
        _table("clauses", clauses, document["clauses"], voice),
        _table("fines", fines, document["fines"], voice),
    )


def _agent(document: Document, voice: Voice) -> RenderableType:
    facts: Facts = [
        ("status", voice.word("AgentStatus", document["status"])),
        ("name", document["name"]),
        ("licence", document["licence"]),
        ("valid_to", _date(document["valid_to"], voice)),
        ("deposit", _money(document["deposit"], "IDR", voice)),
        ("deposit_drawn", _money(document["deposit_drawn"], "IDR", voice)),
    ]
    sanctions = {
        "level": _word("SanctionLevel"),
        "ground": _text,
        "from_date": _date,
        "to_date": _date,
        "lifted_at": _time,
    }
    inspections = {
        "inspected_at": _time,
        "agency": _text,
        "severity": _word("Severity"),
        "findings": _text,
        "case": _text,
    }
    draws = {
        "proposed_at": _time,
        "agency": _text,
        "amount": _amount,
        "case": _text,
        "reason": _text,
        "status": _word("DrawStatus"),
        "decided_amount": _amount,
    }
    return Group(
        _head(document, facts, voice),
        _table("sanctions", sanctions, document["sanctions"], voice),
        _table("inspections", inspections, document["inspections"], voice),
        _table("deposit_draws", draws, document["deposit_draws"], voice),
    )


def _programme(document: Document, voice: Voice) -> RenderableType:
    desks = [voice.word("Desk", desk) for desk in document["desks"]]
    pillars = [voice.word("Pillar", pillar) for pillar in document["pillars"]]
    facts: Facts = [
        ("status", voice.word("ServicePointStatus", document["status"] or "")),
        ("kind", voice.word("ServicePointKind", document["kind"] or "")),
        ("name", document["name"]),
        ("region", document["region"]),
        ("desks", ", ".join(desks)),
        ("pillars", ", ".join(pillars)),
    ]
    outreach = {
        "held_at": _time,
        "agency": _text,
        "kind": _word("OutreachKind"),
        "region": _text,
        "people": _text,
        "partners": _list,
    }
    return Group(
        _head(document, facts, voice),
        _table("outreach", outreach, _renamed(document["outreach"], participants="people"), voice),
    )


def _head(document: Document, facts: Facts, voice: Voice) -> RenderableType:
    """What every kind shows alike goes below what is its own."""
    shared: Facts = [
        ("commitments", tables.counted_commitments(document["commitments"], voice)),
        ("events", counted_events(document["counts"], voice)),
        ("as_of", local(document["as_of"], voice.zone)),
    ]
    return facts_table(document["subject"], [*facts, *shared], voice)


def _table(
    title: str, columns: Mapping[str, Cell], rows: Sequence[Document], voice: Voice
) -> RenderableType:
    drawn = [[draw(row[name], voice) for name, draw in columns.items()] for row in rows]
    return rows_table(title, columns, drawn, voice)


def _renamed(rows: Sequence[Document], **names: str) -> list[Document]:
    """Rows with fields under the names of their labels."""
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def _text(value: Any, _voice: Voice) -> str:
    return "" if value is None else str(value)


def _list(value: Sequence[str], _voice: Voice) -> str:
    return ", ".join(value)


def _time(value: str | None, voice: Voice) -> str:
    return local(value, voice.zone)


def _date(value: str | None, voice: Voice) -> str:
    return voice.date(date.fromisoformat(value)) if value else ""


def _money(value: str | None, currency: str | None, voice: Voice) -> str:
    return voice.money(Decimal(value), currency) if value else ""


def _amount(value: str | None, voice: Voice) -> str:
    return voice.amount(Decimal(value)) if value else ""


def _word(table: str) -> Cell:
    return lambda value, voice: voice.word(table, value)


_DRAW: Final[dict[str, Callable[[Document, Voice], RenderableType]]] = {
    "case": tables.case,
    "meeting": _meeting,
    "agreement": _agreement,
    "agent": _agent,
    "programme": _programme,
}
