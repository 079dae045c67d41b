"""Who had a case, over time: one bar, a stretch for each interval of custody.

Drawn by hand: no two cases have the same bar, so none would ever be found among those kept, and
making one with altair costs a hundred times as much (docs/decisions/0240).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from markupsafe import Markup

from dashboard.charts.figures import About, Chart, Span, Tick
from dashboard.charts.svg import colour, element, picture, text

WIDTH: Final = 720.0
BAR_TOP: Final = 8.0
BAR: Final = 34.0
AXIS: Final = 24.0
LETTER: Final = 7.0
"""Room that a letter takes, about."""


def custody(about: About, spans: Sequence[Span], ticks: Sequence[Tick] = ()) -> Chart:
    """The bar; `spans` in order of time. Columns of the table: agency, time in words.

    A stretch that is wide enough bears its agency's label; an agency keeps its colour.
    """
    start, end = spans[0].start, max(span.end for span in spans)
    length = max((end - start).total_seconds(), 1.0)

    def place(moment: datetime) -> float:
        share = (moment - start).total_seconds() / length
        return min(max(share, 0.0), 1.0) * WIDTH

    agencies = list(dict.fromkeys(span.label for span in spans))
    drawn = [
        stretch
        for span in spans
        for stretch in _stretch(
            span, place(span.start), place(span.end), agencies.index(span.label)
        )
    ]
    drawn += [mark for tick in ticks for mark in _tick(tick, place(tick.at))]
    height = BAR_TOP + BAR + (AXIS if ticks else BAR_TOP)
    rows = tuple((span.label, span.text) for span in spans)
    return Chart(picture(about, WIDTH, height, drawn), about.columns, rows)


def _stretch(span: Span, left: float, right: float, n: int) -> list[Markup]:
    width = max(right - left, 1.0)
    tip = element("title", f"{span.label}: {span.text}")
    place = {"x": left, "y": BAR_TOP, "width": width, "height": BAR}
    drawn = [element("rect", tip, **place, fill=colour(n), stroke="var(--chart-paper)")]
    if width > LETTER * (len(span.label) + 2):
        middle = BAR_TOP + BAR / 2 + 4
        ink = {"fill": "var(--chart-on-colour)", "font_weight": "bold"}
        drawn.append(text(left + LETTER, middle, span.label, **ink))
    return drawn


def _tick(tick: Tick, x: float) -> list[Markup]:
    bottom = BAR_TOP + BAR
    line = {"x1": x, "x2": x, "y1": bottom, "y2": bottom + 5, "stroke": "var(--chart-axis)"}
    anchor = "start" if x < WIDTH / 8 else "end" if x > WIDTH * 7 / 8 else "middle"
    return [element("line", **line), text(x, bottom + AXIS - 5, tick.text, anchor=anchor)]
