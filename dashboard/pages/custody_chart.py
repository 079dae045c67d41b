"""The bar of who had a case from when to when."""

from __future__ import annotations

from dashboard.charts import About, Chart, Span, Tick, custody
from dashboard.pages.frame import Frame
from dashboard.pages.words import Words
from dashboard.reads import Reading
from projections.portraits import Document
from runut.rfc3339 import parse_time


def custody_chart(frame: Frame, reading: Reading, state: Document) -> Chart | None:
    """The bar up to the moment of the page, or to the end of the case; None of other subjects."""
    intervals = state.get("custody")
    if not intervals:
        return None
    words = frame.words(reading)
    spans = [_span(one, words) for one in intervals]
    ends = (spans[0].start, max(one.end for one in spans))
    about = About(
        "custody-bar",
        frame.translated("Who was responsible, over time"),
        "; ".join(f"{one.label}: {one.text}" for one in spans),
        (frame.translated("Agency"), frame.translated("Time")),
    )
    return custody(about, spans, [Tick(at, words.day_text(at)) for at in ends])


def _span(one: Document, words: Words) -> Span:
    start = parse_time(one["from"])
    end = parse_time(one["to"]) if one["to"] else max(words.moment, start)
    text = f"{words.day_text(start)} – {words.day_text(end) if one['to'] else '…'}"
    return Span(words.code(one["agency"]), start, end, text)
