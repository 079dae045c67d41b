"""A report as one HTML page: no script, nothing from elsewhere, and made to be printed."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from audit.report.telling import Report, term


def html(report: Report) -> bytes:
    """The page, as UTF-8; the same report gives the same bytes."""
    return _template().render(report=report, term=term, qr=_qr(report.checkpoint or " ")).encode()


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2")


def _qr(text: str) -> Markup:
    """The text as a QR code in SVG, which holds nothing but its own lines."""
    drawn = BytesIO()
    plainly = {"xmldecl": False, "svgclass": None, "lineclass": None}
    segno.make(text, micro=False, error="l").save(drawn, kind="svg", border=4, scale=3, **plainly)
    return Markup(drawn.getvalue().decode())  # noqa: S704 numbers alone: the text is in its modules
