"""The how-to pages, followed by a reader on a running ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.pages import Reader
from tests.acceptance.running import Running
from tests.builders import ROOT

PAGES = (
    "emit-from-python",
    "emit-over-http",
    "import-a-file",
    "import-a-spreadsheet",
    "watch-a-drop-folder",
    "look-into-the-quarantine",
    "agree-on-a-protocol",
    "read-over-http",
    "read-with-sql",
    "measure-coordination",
    "receive-notices",
    "give-access",
    "witness",
    "operate",
)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_can_be_followed_as_it_stands(ledger: Running, tmp_path: Path, page: str) -> None:
    reader = Reader(tmp_path / "reader", {**ledger.environment, "RUNUT_LANG": "en"})
    reader.follow(ROOT / "docs" / "howto" / f"{page}.md")
    assert reader.leave() == 0
