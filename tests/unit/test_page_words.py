"""The page on reading the pages says what stands on them."""

from __future__ import annotations

import re

from tests.builders import ROOT
from tools import catalogues

PAGE = ROOT / "docs" / "howto" / "read-the-pages.md"
SIGNS = {"CSV", "JSON Lines"}
"""What is called so in every language."""


def test_every_word_in_bold_stands_on_the_pages() -> None:
    messages = (one if isinstance(one, str) else one[0] for one in catalogues.messages())
    # A label such as "As of (%(zone)s)" is named without what changes in it.
    texts = {re.sub(r" \(%\(\w+\)s\)$", "", one) for one in messages} | SIGNS
    bold = re.findall(r"\*\*(.+?)\*\*", PAGE.read_text(), re.DOTALL)
    named = {" ".join(words.split()) for words in bold}
    assert len(named) > 20
    assert named - texts == {"bold"}
