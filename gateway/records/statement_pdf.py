"""A statement on paper: A4, Chinese and English, in a font that every reader of PDF brings along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from gateway.records.statement import Section

_FONT = "STSong-Light"
_MARGIN = 18 * mm
_TITLE = ParagraphStyle("title", fontName=_FONT, fontSize=16, leading=24)
_HEADING = ParagraphStyle("heading", fontName=_FONT, fontSize=11, leading=18, spaceBefore=8)
_CELL = ParagraphStyle("cell", fontName=_FONT, fontSize=9, leading=12, wordWrap="CJK")
_NUMBER = ParagraphStyle("number", parent=_CELL, alignment=2)
_STYLE = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.lightgrey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ]
)
_NUMBERS = {"units", "yuan", "fen a unit", "submits", "left", "fen left"}


def pdf(title: str, sections: Iterable[Section]) -> bytes:
    """The octets of the document."""
    registerFont(UnicodeCIDFont(_FONT))
    octets = BytesIO()
    document = SimpleDocTemplate(
        octets,
        pagesize=A4,
        title=title,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
    )
    story: list[Any] = [Paragraph(escape(title), _TITLE)]
    for section in sections:
        story += _flow(section, document.width)
    document.build(story, onFirstPage=_number_page, onLaterPages=_number_page)
    return octets.getvalue()


def _flow(section: Section, width: float) -> Iterator[Any]:
    if not section.rows:
        return
    yield Paragraph(escape(f"{section.chinese} {section.name}"), _HEADING)
    styles = [_NUMBER if heading in _NUMBERS else _CELL for heading in section.headings]
    rows = [section.headings, *section.rows] if any(section.headings) else section.rows
    cells = [
        [Paragraph(escape(text), style) for text, style in zip(row, styles, strict=True)] for row in rows
    ]
    # A table without headings tells of one thing: names on the left, and room for what they name.
    first = width * 0.25 if not any(section.headings) else width / len(section.headings)
    rest = (width - first) / (len(section.headings) - 1)
    yield Table(
        cells,
        colWidths=[first, *[rest] * (len(section.headings) - 1)],
        style=_STYLE,
        repeatRows=1 if any(section.headings) else 0,
    )
    yield Spacer(1, 2 * mm)


def _number_page(canvas: Any, document: Any) -> None:
    canvas.setFont(_FONT, 8)
    canvas.drawRightString(A4[0] - _MARGIN, _MARGIN / 2, f"{document.page}")
