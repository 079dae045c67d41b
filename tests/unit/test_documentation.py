"""The documentation says what the program does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from projections.install import VIEWS
from projections.queries import script
from runut.settings import Settings
from tests.builders import ROOT
from tools import reference_commands, reference_events

ROOMS = ("runut", "producers", "projections", "consumers", "audit", "dashboard", "embedded", "cli")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text()


def test_the_reference_of_events_is_that_of_the_schemas() -> None:
    page = reference_events.PAGE.read_text()
    assert page == reference_events.page(), "run: python tools/reference_events.py"


def test_the_reference_of_commands_is_that_of_the_program() -> None:
    page = reference_commands.PAGE.read_text()
    assert page == reference_commands.page(), "run: python tools/reference_commands.py"


def documented_settings() -> dict[str, str]:
    """Variables of the first table, with the default that it names."""
    table = SETTINGS.partition("Only of the command line")[0]
    rows = re.findall(r"^\| `(RUNUT_\w+)` \|.*\| (\S+) \|$", table, re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


def test_the_reference_of_settings_has_each_with_its_default() -> None:
    fields: dict[str, Any] = Settings.model_fields
    assert documented_settings() == {
        f"RUNUT_{name.upper()}": "none" if field.default is None else str(field.default)
        for name, field in fields.items()
    }


def test_every_variable_that_the_program_reads_is_in_the_reference() -> None:
    found = {
        name
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        for name in re.findall(r"\bRUNUT_[A-Z_]*[A-Z]\b", file.read_text())
    }
    assert {name for name in found if f"`{name}`" not in SETTINGS} == set()


def test_every_view_is_in_the_page_on_sql() -> None:
    page = (ROOT / "docs" / "howto" / "read-with-sql.md").read_text()
    views = re.findall(r"VIEW \{views\}\.(\w+) AS", "".join(map(script, VIEWS)))
    assert views
    assert {view for view in views if f"| `{view}` |" not in page} == set()


def links(page: Path) -> Iterator[str]:
    """Where a page's links and pictures point within the repository."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"", text):
        link = "".join(target)
        if "://" not in link:
            yield link


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            waiting += target.glob("*.md") if target.is_dir() else [target]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []
