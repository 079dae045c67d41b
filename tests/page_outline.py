"""What a page consists of, read as a strict browser would: elements, ids, scripts, text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"meta", "link", "input", "br", "img", "hr"})
CODE: Final = frozenset({"script", "style", "iframe", "object", "embed"})


class Outline(HTMLParser):
    """A page; whatever does not close, or may do something by itself, is a fault."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.faults: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self._note(tag, given)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def _note(self, tag: str, given: dict[str, str | None]) -> None:
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag == "label" and given.get("for"):
            self.labelled.add(given["for"] or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        self.faults += [f"{tag} has {name}" for name in given if name.startswith("on")]
        if "style" in given:
            self.faults.append(f"{tag} has a style of its own")
        if tag in CODE and not (
            tag == "script" and (given.get("src") or "").startswith("/static/")
        ):
            self.faults.append(f"{tag} that is not ours")

    @property
    def words(self) -> str:
        """All of its text."""
        return "".join(self.text)


def faults(text: str) -> list[str]:
    """What is wrong with a page: nothing of a good one."""
    page = Outline(text)
    found = list(page.faults)
    for tag, wanted in (("main", 1), ("h1", 1), ("html", 1), ("title", 1), ("footer", 1)):
        if page.tags.count(tag) - (_titles_of_drawings(page) if tag == "title" else 0) != wanted:
            found.append(f"{page.tags.count(tag)} {tag}")
    repeated = {one for one in page.ids if page.ids.count(one) > 1}
    return [*found, *(f"id {one} is there more than once" for one in sorted(repeated))]


def _titles_of_drawings(page: Outline) -> int:
    """An SVG has titles, too."""
    return page.tags.count("title") - 1 if "svg" in page.tags else 0
