"""What charts are made of, and what comes out.

Each figure has its number, which is drawn, and its `text`, which says it in the reader's language
and stands in the table. All of them can be hashed, so that a chart can be kept by its figures.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from markupsafe import Markup

Outcome = Literal["KEPT", "LATE", "MISSED", "DUE", "UPCOMING", "EXTRA"]
"""What became of an occasion of a recurring meeting: `meeting_series.outcome`."""


class About(msgspec.Struct, frozen=True):
    """What a chart is called, in the reader's language."""

    ident: str
    """Its id in the page, unique there: letters, digits and hyphens."""
    title: str
    description: str
    """What there is to see, for who cannot: the trend or the extremes, in a sentence."""
    columns: tuple[str, ...]
    """Headings of the table: as many as the chart's own docstring says."""


class Chart(msgspec.Struct, frozen=True):
    """A chart, ready for a template."""

    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The same figures in words, in the order in which they were given."""
    left_out: int = 0
    """Figures that are in the table only, because drawn they would hide the rest."""


class Tick(msgspec.Struct, frozen=True):
    """A moment that is named on an axis of time."""

    at: datetime
    text: str


class Span(msgspec.Struct, frozen=True):
    """A time in which somebody was responsible."""

    label: str
    start: datetime
    end: datetime
    text: str


class Part(msgspec.Struct, frozen=True):
    """A part of a bar; bars of one chart have the same parts in the same order."""

    label: str
    value: float
    text: str


class Bar(msgspec.Struct, frozen=True):
    """A bar, of one part or several."""

    label: str
    parts: tuple[Part, ...]
    text: str
    """All of it in words."""


class Point(msgspec.Struct, frozen=True):
    """A value of a month or another period; None where nothing was measured."""

    label: str
    value: float | None
    text: str


class Series(msgspec.Struct, frozen=True):
    """A line; series of one chart have points for the same labels in the same order."""

    label: str
    points: tuple[Point, ...]


class Node(msgspec.Struct, frozen=True):
    """An agency; neighbours in the order given are neighbours in the drawing."""

    code: str
    label: str


class Edge(msgspec.Struct, frozen=True):
    """Ties of one kind from an agency to another, counted."""

    source: str
    target: str
    kind: str
    kind_label: str
    count: int
    text: str
    """How fast it was answered, in words."""


class Occasion(msgspec.Struct, frozen=True):
    """An occasion of a recurring meeting."""

    label: str
    """Its day."""
    outcome: Outcome
    text: str
    """What became of it, in words."""
