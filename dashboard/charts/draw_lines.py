"""The program that draws lines: figures come in by standard input, SVG goes out.

`python -m dashboard.charts.draw_lines`, as `dashboard.charts.drawing_process` starts it: a line of
JSON for each drawing, and a line with its SVG back. Ends when its input does, which is when whoever
started it is gone.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import msgspec
import vl_convert

from dashboard.charts.drawing_process import Lines
from dashboard.charts.figures import Point, Series
from dashboard.charts.svg import DASHES, SERIES, colour

WIDTH: Final = 640
HEIGHT: Final = 220
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_PATTERNS: Final = tuple(
    [] if dash == "none" else [int(length) for length in dash.split()] for dash in DASHES
)
_INK: Final = "var(--chart-ink)"
_AXIS: Final = "var(--chart-axis)"
_LOOK: Final[dict[str, Any]] = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "titleFontWeight": "normal",
        "gridColor": "var(--chart-grid)",
        "domainColor": _AXIS,
        "tickColor": _AXIS,
        "labelFontSize": 12,
        "titleFontSize": 12,
    },
    "legend": {"labelColor": _INK, "labelFontSize": 12, "symbolSize": 90},
}
_SAMPLE: Final = Lines((Series("", (Point("", 1.0, ""),)),), "", is_share=False)


def main() -> None:
    """Draw until there is nothing more to draw."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started it
    draw(_SAMPLE)  # the first one starts a JavaScript engine, best before somebody waits
    for line in sys.stdin.buffer:
        made = draw(msgspec.json.decode(line, type=Lines))
        sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
        sys.stdout.buffer.flush()


def draw(lines: Lines) -> str:
    """The SVG of lines."""
    return vl_convert.vegalite_to_svg(specification(lines))


def specification(lines: Lines) -> dict[str, Any]:
    """The lines in the words of Vega-Lite."""
    series = lines.series
    rows = [
        {"period": point.label, "series": one.label, "value": point.value}
        for one in series
        for point in one.points
    ]
    periods = list(dict.fromkeys(point.label for one in series for point in one.points))
    names = [one.label for one in series]
    legend = alt.Legend(title=None, orient="top") if len(series) > 1 else None

    def told_by(marks: Sequence[Any]) -> dict[str, Any]:
        """Each series its own of these marks."""
        scale = alt.Scale(domain=names, range=list(marks[: len(names)]))
        return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}

    scale = alt.Scale(domain=[0, 1]) if lines.is_share else alt.Scale(zero=True)
    axis = alt.Axis(title=lines.value, format="%" if lines.is_share else alt.Undefined)
    base = alt.Chart(alt.InlineData(values=rows), width=WIDTH, height=HEIGHT).encode(
        x=alt.X("period:O", sort=periods, title=None, axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("value:Q", axis=axis, scale=scale),
        color=alt.Color(**told_by([colour(n) for n in range(SERIES)])),
    )
    strokes = base.mark_line().encode(strokeDash=alt.StrokeDash(**told_by(_PATTERNS)))
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        shape=alt.Shape(**told_by(SHAPES))
    )
    # Its own `configure` knows no custom properties among the colours.
    return {**alt.layer(strokes, points).to_dict(validate=False), "config": _LOOK}


if __name__ == "__main__":
    main()
