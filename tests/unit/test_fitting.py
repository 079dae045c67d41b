"""Tables of commands: what they are about is told and copied whole, at any width."""

from __future__ import annotations

from io import StringIO
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from cli import tables
from cli.fitting import Fitting
from projections.portraits import Document
from projections.sentences import LOCAL_ZONE
from projections.wording import LANGS, Lang, Voice
from tests.builders import directory_log

SUBJECTS = ("case/KP2MI-2025-0001", "case/BP3MI-NTT-2025-0002")


def printed(what: RenderableType, width: int) -> str:
    out = StringIO()
    Console(file=out, width=width).print(what)
    return out.getvalue()


def owed(subject: str) -> Document:
    return {
        "subject": subject,
        "kind": "LETTER_REPLY",
        "what": "Menyerahkan berkas lengkap kepada perwakilan",
        "debtor": "pemprov-ntt",
        "creditor": "kbri-kl",
        "due_at": "2025-06-12T02:30:00Z",
        "status": "OPEN",
        "late": False,
        "overdue": True,
        "breached_at": None,
    }


def commitments(width: int, lang: Lang = "en") -> str:
    voice = Voice(lang, directory_log().latest, LOCAL_ZONE)
    return printed(tables.commitments([*map(owed, SUBJECTS)], voice, "commitments"), width)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("width", [40, 80, 100, 120, 160])
def test_what_is_owed_says_of_which_case_at_any_width(width: int, lang: Lang) -> None:
    page = commitments(width, lang)
    assert max(map(cell_len, page.splitlines())) <= width
    for said in (*SUBJECTS, "pemprov-ntt", "kbri-kl", "2025-06-12 09:30 WIB"):
        assert said in page, said
    assert "…" not in page


def test_what_is_too_wide_for_a_table_stands_row_by_row_with_its_columns_names() -> None:
    narrow, wide = commitments(80), commitments(160)
    assert narrow.startswith("Commitments\n" + SUBJECTS[0])
    assert "│" not in narrow
    assert narrow.count("Owed by") == len(SUBJECTS)
    assert "│" in wide
    assert wide.count("Owed by") == 1


def test_columns_are_broken_between_words_before_any_table_is_given_up() -> None:
    row = [Text("case/X"), Text("one two three four five six"), Text("2025-06-12 09:30 WIB")]
    fitting = Fitting("T", ("about", "said", "due"), [row], ["due"])
    pages = [printed(fitting, width) for width in range(20, 90)]
    for page in pages:
        assert "2025-06-12 09:30 WIB" in page or max(map(cell_len, page.splitlines())) < 30
    is_table = ["│" in page for page in pages]
    assert [one for one, later in pairwise(is_table) if one and not later] == []
    assert all("three" in page for page in pages)


def test_words_longer_than_a_line_are_folded_and_not_cut() -> None:
    page = printed(Fitting("T", ("a", "b"), [[Text("x" * 50), Text("y" * 50)]], []), 30)
    assert (page.count("x"), page.count("y")) == (50, 50)


def test_nothing_of_a_cell_is_read_as_markup() -> None:
    assert "[bold]X" in printed(Fitting("T", ("a",), [[Text("[bold]X")]], []), 30)
