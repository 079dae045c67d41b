"""How regularly a meeting was held: a mark for each occasion, in order of time.

Every outcome has a shape of its own, so that a strip can be read without its colours. Drawn by
hand (docs/decisions/0240).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from dashboard.charts.figures import About, Chart, Occasion, Outcome
from dashboard.charts.svg import colour, element, picture, text

CELL: Final = 26.0
SIDE: Final = 9.0
"""Half the width of a mark."""
ACROSS: Final = 24
"""Occasions in a row."""
LABEL: Final = 18.0

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
    """The strip. Columns of the table: day, outcome in words."""
    rows = max(1, -(-len(figures) // ACROSS))
    drawn = [_mark(one, *divmod(n, ACROSS)) for n, one in enumerate(figures)]
    width = CELL * ACROSS
    if figures:
        drawn.append(text(0, rows * CELL + LABEL - 5, figures[0].label))
        drawn.append(text(width, rows * CELL + LABEL - 5, figures[-1].label, anchor="end"))
    table = tuple((one.label, one.text) for one in figures)
    return Chart(picture(about, width, rows * CELL + LABEL, drawn), about.columns, table)


def _mark(one: Occasion, row: int, column: int) -> Markup:
    ink = colour(_COLOURS[one.outcome])
    return element(
        "path",
        element("title", f"{one.label}: {one.text}"),
        d=_PATHS[one.outcome],
        transform=f"translate({CELL * (column + 0.5):g} {CELL * (row + 0.5):g})",
        fill=ink if one.outcome in _FILLED else "none",
        stroke=ink,
        stroke_width=2.5,
    )
