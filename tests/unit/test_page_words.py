"""The page on reading the pages says what stands on them."""

from __future__ import annotations

import re

from tests.builders import ROOT
from tools import catalogues

PAGE = ROOT / "docs" / "howto" / "read-the-pages.md"
SIGNS = {"CSV", "JSON Lines"}
"""What is called so in every language."""


def test_every_word_in_bold_stands_on_the_pages() -> None:
    texts = {one if isinstance(one, str) else one[0] for one in catalogues.messages()} | SIGNS
    named = {
        " ".join(words.split())
        for words in re.findall(r"\*\*(.+?)\*\*", PAGE.read_text(), re.DOTALL)
    }
    assert len(named) > 20
    assert named - texts == {"bold"}
