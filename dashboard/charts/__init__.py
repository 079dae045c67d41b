"""Charts: from figures to SVG with a text alternative and the same figures as a table.

Pure functions: `custody`, `bars`, `trend`, `network` and `occasions` take an `About` (id in the
page, title, description, headings of the table; in the reader's language) and figures, each with
its number and with the words that stand for it. They give a `Chart`: markup that a template writes
as it is, and a table for those who cannot see it. Owns shapes, places and marks; refuses words,
dates and numbers as text, which are the caller's.

An SVG takes its colours from the custom properties of `static/charts.css`, so that one suits light
and dark; nothing is told by colour alone; it has no style and no script of its own and passes a
strict content security policy. What was drawn last is kept: the same figures cost nothing again.
"""

from __future__ import annotations

from dashboard.charts.bars import bars
from dashboard.charts.custody import custody
from dashboard.charts.figures import (
    About,
    Bar,
    Chart,
    Edge,
    Node,
    Occasion,
    Outcome,
    Part,
    Point,
    Series,
    Span,
    Tick,
)
from dashboard.charts.network import network
from dashboard.charts.occasions import occasions
from dashboard.charts.trends import trend

__all__ = [
    "About",
    "Bar",
    "Chart",
    "Edge",
    "Node",
    "Occasion",
    "Outcome",
    "Part",
    "Point",
    "Series",
    "Span",
    "Tick",
    "bars",
    "custody",
    "network",
    "occasions",
    "trend",
]
