"""Lines over months: response times, commitments kept.

Made with altair and vl-convert, which know how to lay out axes, in a process of their own: they
take a tenth or two of a second of a core for each new set of figures, seconds for the first, and
meanwhile let nothing else run in theirs. What was made is kept: who asks gives months that have
ended, whose figures stay, and calls `trend` in a thread, which waits (docs/decisions/0240, 0267).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from dashboard.charts.drawing_process import DrawingProcess, Lines
from dashboard.charts.figures import About, Chart, Series
from dashboard.charts.svg import KEPT, picture
from runut.errors import BadInput

_ROOT: Final = re.compile(r'<svg [^>]*viewBox="0 0 (?P<width>[\d.]+) (?P<height>[\d.]+)"[^>]*>')
_TAG: Final = re.compile(r"<[^>]+>")
_IDLE: Final = re.compile(r' (role|aria-[a-z]+|class|pointer-events)="[^"]*"')
"""Names of parts, which the title and description of the whole tell better."""
_PROCESS: Final = DrawingProcess()


def warm_up() -> None:
    """Start what draws, where it never ran yet, without waiting for it."""
    _PROCESS.warm_up()


def trend(about: About, series: Sequence[Series], *, value: str, is_share: bool = False) -> Chart:
    """The lines. Columns of the table: period, then each series.

    Args:
        about: what the chart is called.
        series: the lines, six at most; a gap where a value is None.
        value: what the vertical axis measures, in the reader's language.
        is_share: values are shares from 0 to 1, shown in per cent.

    Raises:
        PlatformError: what draws ended, or takes too long.
    """
    return _drawn(about, Lines(tuple(series), value, is_share))


@lru_cache(maxsize=KEPT)
def _drawn(about: About, lines: Lines) -> Chart:
    return Chart(_wrapped(about, _PROCESS.draw(lines)), about.columns, tuple(_rows(lines.series)))


def _rows(series: Sequence[Series]) -> Iterator[tuple[str, ...]]:
    for points in zip(*(one.points for one in series), strict=True):
        yield (points[0].label, *(point.text for point in points))


def _wrapped(about: About, made: str) -> Markup:
    """The drawing under our own root, which names it and lets it be as wide as there is room."""
    root = _ROOT.search(made)
    if root is None:
        raise BadInput("chart", "an SVG with a viewBox", made[:80])
    inside = made[root.end() :].removesuffix("</svg>")
    bare = _TAG.sub(lambda tag: _IDLE.sub("", tag[0]), inside)
    drawn = Markup(bare)  # noqa: S704 vl-convert escapes what it was given
    return picture(about, float(root["width"]), float(root["height"]), [drawn])
