"""Write SVG that needs neither style nor script, and says what it shows.

Source: SVG Accessibility API Mappings; WCAG 2.2, 1.1.1 and 1.4.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup, escape

from dashboard.charts.figures import About

SERIES: Final = 6
"""Colours that can be told apart; what comes after begins anew, with another pattern."""
DASHES: Final = ("none", "7 3", "2 3", "9 3 2 3", "4 5", "1 5", "12 4", "9 2 2 2 2 2")
"""Patterns of lines, told apart without colour."""
KEPT: Final = 256
"""Charts of each kind that are kept: a page asked for again with the same figures is not drawn
again. They are some 10 KB each."""


def colour(n: int) -> str:
    """The n-th colour of `static/charts.css`, counted from 0."""
    return f"var(--chart-{n % SERIES + 1})"


def element(name: str, *inside: str, **attributes: object) -> Markup:
    """`<name …>inside</name>`, everything escaped that is not markup.

    `_` in a name stands for `-`, at its end for nothing, so that `class_` is `class`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
    )
    body = "".join(escape(part) for part in inside)
    return Markup(f"<{name}{written}>{body}</{name}>")  # noqa: S704 all of it is escaped


def picture(about: About, width: float, height: float, inside: Iterable[Markup]) -> Markup:
    """The whole drawing with its text alternative, as wide as there is room."""
    title, description = f"{about.ident}-title", f"{about.ident}-description"
    return element(
        "svg",
        element("title", about.title, id=title),
        element("desc", about.description, id=description),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        class_="chart",
        viewBox=f"0 0 {_short(width)} {_short(height)}",
        role="img",
        aria_labelledby=f"{title} {description}",
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", **more: object) -> Markup:
    """Words at a place."""
    ink = {"fill": "var(--chart-ink)", "font_size": 12, **more}
    return element("text", words, x=x, y=y, text_anchor=anchor, **ink)


def _short(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
