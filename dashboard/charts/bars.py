"""Bars that lie one beneath the other: open cases by status and urgency, what is overdue by agency.

Drawn by hand: the figures change with every event (docs/decisions/0240). Parts of a bar are told
apart by colour and by a pattern of lines, and each is named in a legend.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from dashboard.charts.figures import About, Bar, Chart
from dashboard.charts.svg import KEPT, colour, element, picture, text

WIDTH: Final = 720.0
LABELS: Final = 220.0
"""Room for the names of the bars."""
NUMBERS: Final = 90.0
"""Room for their figures in words."""
ROW: Final = 26.0
BAR: Final = 18.0
LEGEND: Final = 26.0
SWATCH: Final = 12.0
LETTER: Final = 7.0


def bars(about: About, figures: Sequence[Bar]) -> Chart:
    """Bars in the order given. Columns of the table: what, its parts if several, all of it."""
    return _drawn(about, tuple(figures))


@lru_cache(maxsize=KEPT)
def _drawn(about: About, figures: tuple[Bar, ...]) -> Chart:
    several = any(len(bar.parts) > 1 for bar in figures)
    top = LEGEND if several else 0.0
    most = max((sum(part.value for part in bar.parts) for bar in figures), default=0.0) or 1.0
    scale = (WIDTH - LABELS - NUMBERS) / most
    drawn = _legend(figures[0]) if several else []
    for row, bar in enumerate(figures):
        drawn += _bar(bar, top + row * ROW, scale)
    rows = tuple(_row(bar, several=several) for bar in figures)
    return Chart(picture(about, WIDTH, top + ROW * len(figures), drawn), about.columns, rows)


def _row(bar: Bar, *, several: bool) -> tuple[str, ...]:
    parts = tuple(part.text for part in bar.parts) if several else ()
    return (bar.label, *parts, bar.text)


def _bar(bar: Bar, y: float, scale: float) -> list[Markup]:
    middle = y + ROW / 2 + 4
    drawn = [text(LABELS - 8, middle, bar.label, anchor="end")]
    x = LABELS
    for n, part in enumerate(bar.parts):
        width = part.value * scale
        if width > 0:
            tip = element("title", f"{bar.label}, {part.label}: {part.text}")
            drawn += [_block(x, y + (ROW - BAR) / 2, width, BAR, n, tip)]
        x += width
    return [*drawn, text(x + 6, middle, bar.text)]


def _block(x: float, y: float, width: float, height: float, n: int, tip: Markup) -> Markup:
    """A part: the n-th colour, with n lines across, evenly spaced."""
    place = {"x": x, "y": y, "width": width, "height": height}
    block = element("rect", tip, **place, fill=colour(n), stroke="var(--chart-paper)")
    across = " ".join(
        f"M{x:.1f} {y + height * i / (n + 1):.1f}h{width:.1f}" for i in range(1, n + 1)
    )
    if not across:
        return block
    lines = element("path", d=across, stroke="var(--chart-paper)", stroke_width=1)
    return element("g", block, lines)


def _legend(bar: Bar) -> list[Markup]:
    drawn, x = [], LABELS
    for n, part in enumerate(bar.parts):
        drawn.append(_block(x, (LEGEND - SWATCH) / 2, SWATCH, SWATCH, n, Markup("")))
        drawn.append(text(x + SWATCH + 5, LEGEND / 2 + 4, part.label))
        x += SWATCH + 20 + LETTER * len(part.label)
    return drawn
