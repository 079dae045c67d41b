"""A report as PDF, A4: the same content as the page, for files and courts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import reportlab
import segno
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    Flowable,
    LongTable,
    Paragraph,
    Preformatted,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from audit.report.telling import Both, Report, Table, term

PLAIN, BOLD, ITALIC = "Vera", "Vera-Bold", "Vera-Italic"
_FILES: Final = {PLAIN: "Vera.ttf", BOLD: "VeraBd.ttf", ITALIC: "VeraIt.ttf"}
_MARGIN: Final = 15 * mm
_WIDTH: Final = A4[0] - 2 * _MARGIN
_QR_SIZE: Final = 52 * mm
_LINE: Final = 100
"""Characters of the checkpoint in a line."""
_INK, _SOFT = colors.HexColor("#1b1f24"), colors.HexColor("#57606a")
_RULE, _FLAG = colors.HexColor("#c9d1d9"), colors.HexColor("#fdf1f0")
# Shares of the width, by the number of columns.
_SHARES: Final = {
    3: (0.4, 0.3, 0.3),
    5: (0.32, 0.18, 0.18, 0.16, 0.16),
    7: (0.05, 0.13, 0.13, 0.15, 0.3, 0.13, 0.11),
}


def pdf(report: Report) -> bytes:
    """The document; the same report gives the same bytes."""
    _register_fonts()
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        invariant=True,  # no time, no random id
        pageCompression=0,  # releases of zlib compress in different ways
        title=f"{report.title.id} – {report.kind.id}",
        lang="id",
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 6 * mm,
    )
    footer = _footer(report)
    document.build(list(_story(report)), onFirstPage=footer, onLaterPages=footer)
    return buffer.getvalue()


def _story(report: Report) -> list[Flowable]:
    story: list[Flowable] = [
        _paragraph(report.kind, _style(8, color=_SOFT)),
        _paragraph(report.title, _style(16, BOLD)),
        Spacer(1, 3 * mm),
        _paragraph(report.intro, _style(9)),
        Spacer(1, 3 * mm),
        _facts(report.facts),
    ]
    if report.standing:
        story += [_heading(term("standing")), _facts(report.standing)]
    for table in report.tables:
        story += [_heading(table.title), _table(table)]
    if report.checkpoint:
        story += _checkpoint(report)
    return [
        *story,
        _heading(term("verify")),
        _paragraph(report.how, _style(8)),
        Preformatted(_legible(report.command), _style(8)),
        _paragraph(report.remark, _style(8)),
    ]


def _checkpoint(report: Report) -> list[Flowable]:
    lines = "\n".join(
        line[at : at + _LINE]
        for line in report.checkpoint.splitlines()
        for at in range(0, max(1, len(line)), _LINE)
    )
    return [
        _heading(term("checkpoint")),
        _paragraph(term("checkpoint_says"), _style(8)),
        Spacer(1, 2 * mm),
        _Code(report.checkpoint),
        Preformatted(_legible(lines), _style(6.5)),
    ]


class _Code(Flowable):  # type: ignore[misc]
    """A QR code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._rows = [list(row) for row in segno.make(text, micro=False, error="l").matrix]
        self.width = self.height = _QR_SIZE

    def draw(self) -> None:
        """Draw each dark module as a square, with a quiet zone of four around all."""
        size = _QR_SIZE / (len(self._rows) + 8)
        self.canv.setFillColor(colors.black)
        for y, row in enumerate(reversed(self._rows)):
            for x, dark in enumerate(row):
                if dark:
                    self.canv.rect((x + 4) * size, (y + 4) * size, size, size, stroke=0, fill=1)


def _heading(text: Both) -> Flowable:
    return _paragraph(text, _style(11, BOLD, before=5 * mm, after=1.5 * mm, keep=True))


def _facts(pairs: Sequence[tuple[Both, Both]]) -> Flowable:
    bold, plain = _style(8, BOLD), _style(8)
    rows = [[_paragraph(name, bold), _paragraph(value, plain)] for name, value in pairs]
    return LongTable(rows, colWidths=(_WIDTH * 0.3, _WIDTH * 0.7), style=_RULED)


def _table(table: Table) -> Flowable:
    head = [_paragraph(one, _style(7, BOLD)) for one in table.columns]
    rows = [[_paragraph(cell, _style(7)) for cell in row] for row in table.rows]
    shares = table.shares or _SHARES[len(table.columns)]
    widths = [share * _WIDTH for share in shares]
    flags = [("BACKGROUND", (0, n + 1), (-1, n + 1), _FLAG) for n in sorted(table.flagged)]
    return LongTable([head, *rows], colWidths=widths, repeatRows=1, style=TableStyle(flags, _RULED))


def _paragraph(text: Both, style: ParagraphStyle) -> Paragraph:
    said = escape(_legible(text.id))
    if text.en != text.id:
        said += f' <font name="{ITALIC}" color="#57606a">{escape(_legible(text.en))}</font>'
    return Paragraph(said, style)


@cache
def _style(
    size: float,
    font: str = PLAIN,
    *,
    color: Any = _INK,
    before: float = 0,
    after: float = 0,
    keep: bool = False,
) -> ParagraphStyle:
    return ParagraphStyle(
        f"{font} {size}",
        fontName=font,
        fontSize=size,
        leading=size * 1.35,
        textColor=color,
        spaceBefore=before,
        spaceAfter=after,
        keepWithNext=keep,
        splitLongWords=True,
    )


def _footer(report: Report) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(PLAIN, 7)
        canvas.setFillColor(_SOFT)
        about = " · ".join(value.id for _, value in report.facts[:3])
        canvas.drawString(_MARGIN, _MARGIN * 0.7, _legible(about))
        page = f"{term('page')} {document.page}"
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN * 0.7, page)
        canvas.restoreState()

    return draw


def _legible(text: str) -> str:
    """The text with its code point in place of every character that the font lacks."""
    glyphs = pdfmetrics.getFont(PLAIN).face.charToGlyph
    known = {*map(chr, glyphs), "\n"}
    return "".join(one if one in known else f"[U+{ord(one):04X}]" for one in text)


@cache
def _register_fonts() -> None:
    folder = Path(reportlab.__file__).parent / "fonts"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))


_RULED: Final = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)
