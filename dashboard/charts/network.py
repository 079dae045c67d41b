"""Who works with whom: agencies on a circle, a curve for each kind of tie from one to another.

The circle keeps the order given, so that the same agencies stand in the same places whatever the
period. A curve bends to the left of its direction: those there and those back lie apart. Kinds are
told apart by colour and by pattern, the number of ties by width. Drawn by hand
(docs/decisions/0240): there is no such chart among those of Vega-Lite.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import atan2, cos, degrees, log2, pi, sin
from typing import Final

from markupsafe import Markup

from dashboard.charts.figures import About, Chart, Edge, Node
from dashboard.charts.svg import DASHES, KEPT, colour, element, picture, text

SIZE: Final = 720.0
LABELS: Final = 120.0
"""Room outside of the circle."""
DOT: Final = 5.0
HALO: Final = {"stroke": "var(--chart-paper)", "stroke_width": 4, "paint_order": "stroke"}
"""Around a label, so that it is read where curves pass below it."""
LEGEND: Final = 22.0
IN_A_ROW: Final = 4
"""Kinds in a row of the legend."""
KINDS: Final = (
    "LETTER",
    "TRANSFER",
    "ASSISTANCE",
    "CONTACT",
    "DATA",
    "PROMISE",
    "MEETING",
    "AGREEMENT",
)
"""Ties by kind (`agency_tie.kind`): each keeps its colour and pattern, whichever are shown."""
BEND: Final = 0.14
"""How far a curve leaves the straight line, as a share of its length."""
BEND_MORE: Final = 0.04
"""So much more for each kind, so that kinds between the same two lie apart."""
MOST: Final = 150
"""Curves that can still be told apart, and a page of modest size."""

Place = tuple[float, float]


def network(about: About, nodes: Sequence[Node], edges: Sequence[Edge]) -> Chart:
    """The drawing, with the strongest `MOST` edges; the table has them all.

    Columns of the table: from, to, kind, how many, answer time in words. An edge between agencies
    that are no nodes is in the table alone.
    """
    return _drawn(about, tuple(nodes), tuple(edges))


@lru_cache(maxsize=KEPT)
def _drawn(about: About, nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> Chart:
    places = _circle(nodes)
    names = {node.code: node.label for node in nodes}
    labels = {edge.kind: edge.kind_label for edge in edges}
    marks = {kind: n for n, kind in enumerate(sorted({*KINDS, *labels}, key=_place_of_kind))}
    kinds = [kind for kind in marks if kind in labels]
    known = [edge for edge in edges if edge.source in places and edge.target in places]
    strongest = sorted(known, key=lambda edge: (-edge.count, edge.source, edge.target, edge.kind))
    shown = strongest[:MOST]
    drawn = [_curve(edge, places, marks[edge.kind]) for edge in reversed(shown)]
    drawn += [mark for node in nodes for mark in _dot(node, places[node.code])]
    drawn += [mark for n, kind in enumerate(kinds) for mark in _key(n, marks[kind], labels[kind])]
    height = SIZE + LEGEND * -(-len(kinds) // IN_A_ROW)
    rows = tuple(
        (
            names.get(edge.source, edge.source),
            names.get(edge.target, edge.target),
            edge.kind_label,
            str(edge.count),
            edge.text,
        )
        for edge in edges
    )
    svg = picture(about, SIZE, height, drawn)
    return Chart(svg, about.columns, rows, left_out=len(edges) - len(shown))


def _circle(nodes: Sequence[Node]) -> dict[str, Place]:
    radius = SIZE / 2 - LABELS
    turn = 2 * pi / max(1, len(nodes))
    return {
        node.code: (
            SIZE / 2 + radius * sin(n * turn),
            SIZE / 2 - radius * cos(n * turn),
        )
        for n, node in enumerate(nodes)
    }


def _curve(edge: Edge, places: dict[str, Place], n: int) -> Markup:
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    bend = BEND + n * BEND_MORE
    middle = (x1 + x2) / 2 + (y2 - y1) * bend, (y1 + y2) / 2 - (x2 - x1) * bend
    return element(
        "path",
        element("title", f"{edge.source} → {edge.target}, {edge.kind_label}: {edge.count}"),
        d=f"M{x1:.0f} {y1:.0f}Q{middle[0]:.0f} {middle[1]:.0f} {x2:.0f} {y2:.0f}",
        fill="none",
        stroke=colour(n),
        stroke_width=1 + log2(max(1, edge.count)) / 2,
        stroke_dasharray=DASHES[n % len(DASHES)],
    )


def _dot(node: Node, place: Place) -> list[Markup]:
    x, y = place
    is_right = x >= SIZE / 2 - 1
    away = 10 if is_right else -10
    dot = element(
        "circle", element("title", node.label), cx=x, cy=y, r=DOT, fill="var(--chart-ink)"
    )
    # Along the radius: beside each other, labels would lie upon their neighbours.
    right, down = x - SIZE / 2, y - SIZE / 2
    angle = degrees(atan2(down, right) if is_right else atan2(-down, -right))
    turned = f"rotate({angle:.1f} {x:.1f} {y:.1f})"
    anchor = "start" if is_right else "end"
    return [dot, text(x + away, y + 4, node.code, anchor=anchor, transform=turned, **HALO)]


def _place_of_kind(kind: str) -> tuple[int, str]:
    return (KINDS.index(kind) if kind in KINDS else len(KINDS), kind)


def _key(n: int, mark: int, label: str) -> list[Markup]:
    """The n-th entry of the legend."""
    x = 20 + n % IN_A_ROW * (SIZE - 40) / IN_A_ROW
    y = SIZE + LEGEND * (n // IN_A_ROW) + LEGEND / 2
    line = {"stroke": colour(mark), "stroke_width": 3}
    pattern = {**line, "stroke_dasharray": DASHES[mark % len(DASHES)]}
    return [element("line", x1=x, x2=x + 30, y1=y, y2=y, **pattern), text(x + 36, y + 4, label)]
