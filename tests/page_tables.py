"""The figures and tables of a page, as text, for tests that count again what it says."""

from __future__ import annotations

from collections import defaultdict
from html.parser import HTMLParser

Row = list[str]


class PageTables(HTMLParser):
    """Texts by the id of their element, and tables by the name of their group."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, str] = defaultdict(str)
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self._ids: list[str | None] = []
        self._group = ""
        self._row: Row | None = None
        self._in_cell = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in {"meta", "link", "input", "br", "img", "hr"}:
            self._ids.append(given.get("id"))
        if given.get("role") == "group":
            self._group = given.get("aria-labelledby") or given.get("aria-label") or ""
        if tag == "tr":
            self._row = []
        self._in_cell = tag in {"td", "th"} or (self._in_cell and self._row is not None)
        if tag in {"td", "th"} and self._row is not None:
            self._row.append("")

    def handle_endtag(self, tag: str) -> None:
        self._ids.pop()
        if tag == "tr" and self._row is not None:
            self.tables[self._group].append([" ".join(cell.split()) for cell in self._row])
            self._row = None
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        for ident in self._ids:
            if ident:
                self.texts[ident] += data
        if self._in_cell and self._row:
            self._row[-1] += data

    def rows(self, group: str) -> list[Row]:
        """A table's rows without its head."""
        return self.tables[group][1:]

    def text(self, ident: str) -> str:
        """What stands in an element."""
        return " ".join(self.texts[ident].split())


def number(text: str) -> int:
    """`1,234`."""
    return int(text.replace(",", ""))


def hours(text: str) -> float | None:
    """`36 h`, `3.5 days`; a dash for none."""
    if text == "–":
        return None
    value, unit = text.replace(",", "").split()
    return float(value) * (1 if unit == "h" else 24)
