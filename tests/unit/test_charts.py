"""Charts: the same figures drawn, told and tabled, in any colours, safe in any page."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

from dashboard import charts
from dashboard.charts import (
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
from dashboard.charts.drawing_process import DrawingProcess, Lines
from dashboard.charts.network import KINDS, MOST

SHEET = Path(charts.__file__).parents[1] / "static" / "charts.css"
NASTY = "<script>alert('x')</script>\"&"
START = datetime(2025, 6, 10, 1, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def about(*columns: str) -> About:
    return About("who-had-it", f"Penanggung jawab {NASTY}", f"Dua instansi {NASTY}", columns)


def custody() -> Chart:
    spans = [
        Span(NASTY, START, START + timedelta(days=9), "9 hari"),
        Span("kp2mi", START + timedelta(days=9), START + timedelta(days=90), "81 hari"),
    ]
    return charts.custody(about("Instansi", "Waktu"), spans, [Tick(START, NASTY)])


def bars() -> Chart:
    parts = (Part("segera", 3, "3"), Part(NASTY, 4, "4"))
    figures = [Bar(NASTY, parts, "7"), Bar("Selesai", (Part("segera", 0, "0"), *parts[1:]), "4")]
    return charts.bars(about("Status", "Segera", "Biasa", "Jumlah"), figures)


def trend() -> Chart:
    first = Series(NASTY, (Point("2025-01", 0.5, "50 %"), Point("2025-02", None, "–")))
    second = Series("kemlu", (Point("2025-01", 0.25, "25 %"), Point("2025-02", 1, "100 %")))
    figures = [first, second]
    return charts.trend(about("Bulan", "kp2mi", "kemlu"), figures, value=NASTY, is_share=True)


def network() -> Chart:
    nodes = [Node("kp2mi", "KP2MI"), Node("kemlu", NASTY)]
    edges = [
        Edge("kp2mi", "kemlu", "LETTER", NASTY, 12, "6 jam"),
        Edge("kemlu", "kp2mi", "DATA", "Data", 1, "–"),
    ]
    return charts.network(about("Dari", "Ke", "Jenis", "Jumlah", "Waktu jawab"), nodes, edges)


def occasions() -> Chart:
    figures = [Occasion(f"{n} Jan {NASTY}", outcome, outcome) for n, outcome in enumerate(OUTCOMES)]
    return charts.occasions(about("Hari", "Hasil"), figures)


OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
EVERY = (custody, bars, trend, network, occasions)
every_chart = pytest.mark.parametrize("made", EVERY, ids=[make.__name__ for make in EVERY])


def custom_properties(scheme: str) -> dict[str, str]:
    """Colours of light or dark."""
    light, _, dark = SHEET.read_text().partition("@media")
    return dict(re.findall(r"--(chart-[\w-]+): (#\w{6})", light if scheme == "light" else dark))


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@every_chart
def test_a_chart_is_an_image_with_a_title_and_a_description(made: type[Chart]) -> None:
    root = ElementTree.fromstring(made().svg)
    title, description = root.get("aria-labelledby", "").split()
    assert root.get("role") == "img"
    told = {element.get("id"): element.text for element in root}
    assert told[title] == f"Penanggung jawab {NASTY}"
    assert told[description] == f"Dua instansi {NASTY}"


@every_chart
def test_what_stands_in_a_chart_stands_there_as_text(made: type[Chart]) -> None:
    root = ElementTree.fromstring(made().svg)
    assert "script" not in {element.tag.removeprefix(SVG) for element in root.iter()}
    assert NASTY in "".join(root.itertext())


@every_chart
def test_a_chart_needs_no_style_and_takes_its_colours_from_the_page(made: type[Chart]) -> None:
    known = {f"var(--{name})" for name in custom_properties("light")}
    for element in ElementTree.fromstring(made().svg).iter():
        assert "style" not in element.attrib
        assert element.tag != f"{SVG}style"
        colours = {element.get("fill", "none"), element.get("stroke", "none")}
        assert colours <= known | {"none", "transparent"}


@every_chart
def test_a_table_has_as_many_columns_as_headings(made: type[Chart]) -> None:
    chart = made()
    assert chart.rows
    assert {len(row) for row in chart.rows} == {len(chart.columns)}


@every_chart
def test_the_same_figures_give_the_same_chart(made: type[Chart]) -> None:
    assert made() == made()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_stands_out_from_the_page(scheme: str) -> None:
    colours = custom_properties(scheme)
    paper = colours["chart-paper"]
    for n in range(1, 7):
        assert contrast(colours[f"chart-{n}"], paper) >= 3
        assert contrast(colours[f"chart-{n}"], colours["chart-on-colour"]) >= 4.5
    assert contrast(colours["chart-ink"], paper) >= 4.5


def test_light_and_dark_have_the_same_names() -> None:
    assert custom_properties("light").keys() == custom_properties("dark").keys()


def test_custody_is_as_long_as_it_lasted() -> None:
    root = ElementTree.fromstring(custody().svg)
    first, second = (float(rect.get("width", 0)) for rect in root.iter(f"{SVG}rect"))
    assert second / first == pytest.approx(81 / 9, rel=0.01)


def test_a_bar_is_as_long_as_its_number() -> None:
    root = ElementTree.fromstring(bars().svg)
    widths = [float(rect.get("width", 0)) for rect in root.iter(f"{SVG}rect")][2:]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 4 / 3, 4 / 3], rel=0.01)


def test_a_month_without_a_measure_leaves_a_gap() -> None:
    months = (Point("1", 0.5, "a"), Point("2", None, "–"), Point("3", 0.75, "b"))
    chart = charts.trend(about("Bulan", "kp2mi"), [Series("kp2mi", months)], value="v")
    root = ElementTree.fromstring(chart.svg)
    lines = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("stroke-width")]
    assert max(line.count("M") for line in lines) == 2
    assert chart.rows == (("1", "a"), ("2", "–"), ("3", "b"))


def test_lines_are_drawn_in_a_process_that_ends_with_its_input_and_is_started_anew() -> None:
    lines = Lines((Series("kp2mi", (Point("1", 0.5, "a"), Point("2", 1, "b"))),), "v", True)
    drawing = DrawingProcess()
    drawn = drawing.draw(lines)
    assert "vl_convert" not in sys.modules
    first = drawing.start()
    assert first.stdin is not None
    first.stdin.close()
    assert first.wait(60) == 0
    assert drawing.draw(lines) == drawn
    assert drawing.start().pid != first.pid
    drawing.close()


def test_every_outcome_has_a_shape_of_its_own() -> None:
    root = ElementTree.fromstring(occasions().svg)
    assert len({path.get("d") for path in root.iter(f"{SVG}path")}) == len(OUTCOMES)


def test_a_kind_of_tie_keeps_its_marks_whichever_are_shown() -> None:
    def marks(*kinds: str) -> dict[str, tuple[str | None, str | None]]:
        nodes = [Node("kp2mi", "KP2MI"), Node("kemlu", "Kemlu")]
        edges = [Edge("kp2mi", "kemlu", kind, kind, 1, "–") for kind in kinds]
        chart = charts.network(about("1", "2", "3", "4", "5"), nodes, edges)
        found = {}
        for path in ElementTree.fromstring(chart.svg).iter(f"{SVG}path"):
            kind = "".join(path.itertext()).split(", ")[1].partition(":")[0]
            found[kind] = (path.get("stroke"), path.get("stroke-dasharray"))
        return found

    every = marks(*KINDS)
    assert len(set(every.values())) == len(KINDS)
    assert marks("DATA") == {"DATA": every["DATA"]}


def test_only_the_strongest_ties_are_drawn_and_all_are_tabled() -> None:
    nodes = [Node(f"a{n}", f"A{n}") for n in range(40)]
    edges = [
        Edge(f"a{n}", f"a{m}", "LETTER", "Surat", n + m, "–") for n in range(40) for m in range(n)
    ]
    chart = charts.network(about("1", "2", "3", "4", "5"), nodes, edges)
    drawn = list(ElementTree.fromstring(chart.svg).iter(f"{SVG}path"))
    assert len(drawn) == MOST
    assert len(chart.rows) == len(edges)
    assert chart.left_out == len(edges) - MOST


def test_a_tie_with_an_agency_that_is_not_shown_is_in_the_table_alone() -> None:
    edges = [Edge("kp2mi", "gone", "LETTER", "Surat", 1, "–")]
    chart = charts.network(about("1", "2", "3", "4", "5"), [Node("kp2mi", "KP2MI")], edges)
    assert chart.rows == (("KP2MI", "gone", "Surat", "1", "–"),)
    assert chart.left_out == 1
