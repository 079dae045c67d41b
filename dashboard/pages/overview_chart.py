"""The chart of open cases: a bar for each status, parted by urgency."""

from __future__ import annotations

from dashboard.charts import About, Bar, Chart, Part, bars
from dashboard.pages.words import Words
from projections.worklists import OPEN_STATUSES, URGENCIES, Figures


def cases_chart(figures: Figures, words: Words, title: str, description: str) -> Chart:
    """The figures of the table beside it."""

    def part(status: str, urgency: str) -> Part:
        count = figures.cases(status=status, urgency=urgency)
        return Part(words.title("Urgency", urgency), float(count), words.number(count))

    rows = [
        Bar(
            words.title("CaseStatus", status),
            tuple(part(status, urgency) for urgency in URGENCIES),
            words.number(figures.cases(status=status)),
        )
        for status in OPEN_STATUSES
    ]
    columns = (title, *(words.title("Urgency", one) for one in URGENCIES), "Σ")
    return bars(About("open-cases-bars", title, description, columns), rows)
