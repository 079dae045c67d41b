"""Lines over months: response times, commitments kept.

Made with altair and vl-convert, which know how to lay out axes. That costs a tenth or two of a
second of a core for each new set of figures, so what was made is kept: who asks gives months that
have ended, whose figures stay, and calls `trend` in a thread, where it does not hold up other
requests (docs/decisions/0240).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from markupsafe import Markup

from dashboard.charts.figures import About, Chart, Series
from dashboard.charts.svg import DASHES, KEPT, SERIES, colour, picture
from runut.errors import BadInput

WIDTH: Final = 640
HEIGHT: Final = 220
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_ROOT: Final = re.compile(r'<svg [^>]*viewBox="0 0 (?P<width>[\d.]+) (?P<height>[\d.]+)"[^>]*>')
_TAG: Final = re.compile(r"<[^>]+>")
_IDLE: Final = re.compile(r' (role|aria-[a-z]+|class|pointer-events)="[^"]*"')
"""Names of parts, which the title and description of the whole tell better."""
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


def trend(about: About, series: Sequence[Series], *, value: str, is_share: bool = False) -> Chart:
    """The lines. Columns of the table: period, then each series.

    Args:
        about: what the chart is called.
        series: the lines, six at most; a gap where a value is None.
        value: what the vertical axis measures, in the reader's language.
        is_share: values are shares from 0 to 1, shown in per cent.
    """
    return _drawn(about, tuple(series), value, is_share)


@lru_cache(maxsize=KEPT)
def _drawn(about: About, series: tuple[Series, ...], value: str, is_share: bool) -> Chart:
    import vl_convert  # it starts a JavaScript engine, and only here

    made = vl_convert.vegalite_to_svg(_specification(series, value, is_share=is_share))
    return Chart(_wrapped(about, made), about.columns, tuple(_rows(series)))


def _rows(series: Sequence[Series]) -> Iterator[tuple[str, ...]]:
    for points in zip(*(one.points for one in series), strict=True):
        yield (points[0].label, *(point.text for point in points))


def _specification(series: Sequence[Series], value: str, *, is_share: bool) -> dict[str, Any]:
    import altair as alt  # takes a second to import, and only here

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

    scale = alt.Scale(domain=[0, 1]) if is_share else alt.Scale(zero=True)
    axis = alt.Axis(title=value, format="%" if is_share else alt.Undefined)
    base = alt.Chart(alt.InlineData(values=rows), width=WIDTH, height=HEIGHT).encode(
        x=alt.X("period:O", sort=periods, title=None, axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("value:Q", axis=axis, scale=scale),
        color=alt.Color(**told_by([colour(n) for n in range(SERIES)])),
    )
    lines = base.mark_line().encode(strokeDash=alt.StrokeDash(**told_by(_PATTERNS)))
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        shape=alt.Shape(**told_by(SHAPES))
    )
    # Its own `configure` knows no custom properties among the colours.
    return {**alt.layer(lines, points).to_dict(validate=False), "config": _LOOK}


def _wrapped(about: About, made: str) -> Markup:
    """The drawing under our own root, which names it and lets it be as wide as there is room."""
    root = _ROOT.search(made)
    if root is None:
        raise BadInput("chart", "an SVG with a viewBox", made[:80])
    inside = made[root.end() :].removesuffix("</svg>")
    bare = _TAG.sub(lambda tag: _IDLE.sub("", tag[0]), inside)
    drawn = Markup(bare)  # noqa: S704 vl-convert escapes what it was given
    return picture(about, float(root["width"]), float(root["height"]), [drawn])
