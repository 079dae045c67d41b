"""Indicators and recurring meetings as tables for people.

Pure: documents in, rich renderables out. What each indicator counts stands below its table, and
that the measures are our own above them all: figures alone would say more than they know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from cli.labels import label
from cli.tables import Facts, facts_table, local, rows_table
from projections.indicators import INDICATORS
from projections.portraits import Document
from projections.wording import Voice

Cell = Callable[[Any, Voice], str | Text]
Column = tuple[str, str, Cell]
"""A column's label, the field that it shows, and how."""

OUTCOME_STYLE: Final = {"KEPT": "green", "LATE": "yellow", "MISSED": "red"}


def indicators(document: Document, voice: Voice) -> RenderableType:
    """Every indicator, each with what it counts."""
    facts: Facts = [
        ("period", _period(document, voice)),
        ("agency", voice.agency(document["agency"]) if document["agency"] else None),
        ("asked_at", local(document["moment"], voice.zone)),
    ]
    head = facts_table(label("indicators", voice.lang), facts, voice)
    remark = Text(document["remark"][voice.lang])
    parts = [part for name in INDICATORS for part in _indicator(name, document, voice)]
    return Group(head, remark, Text(), *parts)


def meetings(document: Document, voice: Voice) -> RenderableType:
    """Every series of meetings with its occasions."""
    if not document["series"]:
        return rows_table("meetings", (), [], voice)
    return Group(*(part for one in document["series"] for part in _series(one, voice)))


def _indicator(name: str, document: Document, voice: Voice) -> Iterator[RenderableType]:
    yield _table(name, _COLUMNS[name], document[name], voice)
    yield Text(document["counts"][name][voice.lang], style="dim")
    yield Text()


def _series(series: Document, voice: Voice) -> Iterator[RenderableType]:
    facts: Facts = [
        ("title", series["title"]),
        ("every_days", series["every_days"]),
        ("tolerance_days", series["tolerance_days"]),
        ("in_time", str(series["kept"])),
        ("too_late", str(series["late"])),
        ("missed", str(series["missed"])),
        ("extra", series["extra"]),
        ("members", ", ".join(_came(one) for one in series["members"])),
    ]
    yield facts_table(series["series"], facts, voice)
    yield _table("occasions", _OCCASION, series["occasions"], voice)
    yield Text()


def _table(
    title: str, columns: tuple[Column, ...], rows: list[Document], voice: Voice
) -> RenderableType:
    drawn = [[draw(row[field], voice) for _, field, draw in columns] for row in rows]
    return rows_table(title, [name for name, _, _ in columns], drawn, voice)


def _period(document: Document, voice: Voice) -> str:
    ends = [local(document[end], voice.zone) for end in ("from", "to")]
    return " – ".join(end or "…" for end in ends) if any(ends) else ""


def _came(member: Document) -> str:
    return f"{member['agency']} {member['attended']}/{member['held']}"


def _text(value: Any, _voice: Voice) -> str:
    return "" if value is None else str(value)


def _all(value: str | None, voice: Voice) -> str:
    return voice.word("Instrument", "ALL") if value is None else value


def _list(value: list[str], _voice: Voice) -> str:
    return ", ".join(value)


def _time(value: str | None, voice: Voice) -> str:
    return local(value, voice.zone)


def _date(value: str | None, voice: Voice) -> str:
    return voice.date(date.fromisoformat(value)) if value else ""


def _hours(value: float | None, voice: Voice) -> str:
    return "" if value is None else voice.amount(Decimal(f"{value:.1f}"))


def _share(value: float | None, voice: Voice) -> str:
    return "" if value is None else f"{voice.amount(Decimal(f'{100 * value:.0f}'))} %"


def _instrument(value: str | None, voice: Voice) -> str:
    return "" if value is None else voice.word("Instrument", value)


def _kind(value: str, voice: Voice) -> str:
    return voice.word("TieKind", value)


def _outcome(value: str, voice: Voice) -> Text:
    return Text(voice.word("Occasion", value), style=OUTCOME_STYLE.get(value, "dim"))


_INSTRUMENT: Final[Column] = ("instrument", "instrument", _instrument)
_COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "response_time": (
        ("from_agency", "from_agency", _text),
        ("to_agency", "to_agency", _text),
        ("kind", "kind", _kind),
        _INSTRUMENT,
        ("asked", "asked", _text),
        ("answered", "answered", _text),
        ("median_hours", "median_hours", _hours),
        ("p90_hours", "p90_hours", _hours),
    ),
    "commitments": (
        ("agency", "agency", _text),
        _INSTRUMENT,
        ("in_time", "kept", _text),
        ("too_late", "late", _text),
        ("broken", "broken", _text),
        ("share_kept", "share_kept", _share),
    ),
    "transfers": (
        ("from_agency", "from_agency", _all),
        ("to_agency", "to_agency", _all),
        _INSTRUMENT,
        ("accepted", "accepted", _text),
        ("refused", "refused", _text),
        ("lapsed", "lapsed", _text),
        ("bounce_rate", "bounce_rate", _share),
    ),
    "movement": (
        ("agency", "agency", _text),
        ("open_cases", "open_cases", _text),
        ("median_hours", "median_hours", _hours),
        ("longest_hours", "longest_hours", _hours),
        ("longest", "longest", _text),
    ),
    "meetings": (
        ("series", "series", _text),
        ("chair", "agency", _text),
        _INSTRUMENT,
        ("in_time", "kept", _text),
        ("too_late", "late", _text),
        ("missed", "missed", _text),
        ("share_kept", "share_kept", _share),
    ),
    "decisions": (
        ("agency", "agency", _text),
        _INSTRUMENT,
        ("carried_out", "carried_out", _text),
        ("broken", "broken", _text),
        ("not_taken_up", "not_taken_up", _text),
        ("pending", "pending", _text),
        ("share_carried_out", "share_carried_out", _share),
    ),
    "network": (
        _INSTRUMENT,
        ("agencies", "agencies", _text),
        ("ties", "ties", _text),
        ("pairs", "pairs", _text),
        ("density", "density", _share),
        ("reciprocity", "reciprocity", _share),
    ),
}
_OCCASION: Final[tuple[Column, ...]] = (
    ("due_on", "due_on", _date),
    ("outcome", "outcome", _outcome),
    ("chair", "chair", _text),
    ("meeting", "subject", _text),
    ("started_at", "started_at", _time),
    ("came", "attended", _list),
    ("absent", "absent", _list),
)
