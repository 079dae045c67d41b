"""How regularly a meeting was held: a mark for each occasion, in order of time.

Every outcome has a shape of its own, so that a strip can be read without its colours. Drawn by
hand (docs/decisions/0240).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from dashboard.charts.figures import About, Chart, Occasion, Outcome
from dashboard.charts.svg import KEPT, colour, element, picture, text

CELL: Final = 26.0
SIDE: Final = 9.0
"""Half the width of a mark."""
ACROSS: Final = 24
"""Occasions in a row."""
LABEL: Final = 18.0
LEGEND: Final = 26.0
LETTER: Final = 7.0

_PATHS: Final[dict[Outcome, str]] = {
    "KEPT": "M-9 -9h18v18h-18z",
    "LATE": "M0 -10L10 9h-20z",
    "MISSED": "M-8 -8L8 8M8 -8L-8 8",
    "DUE": "M0 -10L10 0L0 10L-10 0z",
    "UPCOMING": "M-9 0a9 9 0 1 0 18 0a9 9 0 1 0 -18 0",
    "EXTRA": "M-9 0h18M0 -9v18",
}
_FILLED: Final = frozenset({"KEPT", "LATE", "DUE"})
_COLOURS: Final[dict[Outcome, int]] = {
    "KEPT": 0,
    "LATE": 3,
    "MISSED": 1,
    "DUE": 4,
    "UPCOMING": 2,
    "EXTRA": 5,
}


def occasions(about: About, figures: Sequence[Occasion]) -> Chart:
    """The strip, with a legend of its shapes. Columns of the table: day, outcome in words."""
    return _drawn(about, tuple(figures))


@lru_cache(maxsize=KEPT)
def _drawn(about: About, figures: tuple[Occasion, ...]) -> Chart:
    rows = max(1, -(-len(figures) // ACROSS))
    drawn = [
        _mark(one, CELL * (n % ACROSS + 0.5), CELL * (n // ACROSS + 0.5))
        for n, one in enumerate(figures)
    ]
    width = CELL * ACROSS
    if figures:
        drawn.append(text(0, rows * CELL + LABEL - 5, figures[0].label))
        drawn.append(text(width, rows * CELL + LABEL - 5, figures[-1].label, anchor="end"))
    height = rows * CELL + LABEL + LEGEND
    drawn += _legend(figures, height - LEGEND / 2)
    table = tuple((one.label, one.text) for one in figures)
    return Chart(picture(about, width, height, drawn), about.columns, table)


def _legend(figures: Sequence[Occasion], y: float) -> list[Markup]:
    """The shapes that stand there, each with the words of the first that has it."""
    told: dict[Outcome, Occasion] = {}
    for one in figures:
        told.setdefault(one.outcome, one)
    drawn, x = [], CELL / 2
    for one in told.values():
        drawn += [_mark(one, x, y), text(x + CELL / 2 + 2, y + 4, one.text)]
        x += CELL + 14 + LETTER * len(one.text)
    return drawn


def _mark(one: Occasion, x: float, y: float) -> Markup:
    ink = colour(_COLOURS[one.outcome])
    return element(
        "path",
        element("title", f"{one.label}: {one.text}"),
        d=_PATHS[one.outcome],
        transform=f"translate({x:g} {y:g})",
        fill=ink if one.outcome in _FILLED else "none",
        stroke=ink,
        stroke_width=2.5,
    )
