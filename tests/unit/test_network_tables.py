"""What people see of indicators and of recurring meetings."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from cli.network_tables import indicators, meetings
from projections.indicators import INDICATORS, explanation
from projections.portraits import Document
from projections.sentences import LOCAL_ZONE
from projections.wording import LANGS, Lang, Voice
from tests.builders import directory_log

ROWS: dict[str, Document] = {
    "response_time": {
        "from_agency": "kp2mi",
        "to_agency": "polri",
        "kind": "TRANSFER",
        "instrument": "LETTER",
        "asked": 3,
        "answered": 2,
        "median_hours": 1024.5,
        "p90_hours": None,
    },
    "commitments": {
        "agency": "kp2mi",
        "instrument": None,
        "kept": 2,
        "late": 1,
        "broken": 0,
        "share_kept": 0.6667,
    },
    "transfers": {
        "from_agency": None,
        "to_agency": None,
        "instrument": "LETTER",
        "accepted": 1,
        "refused": 1,
        "lapsed": 0,
        "bounce_rate": 0.5,
    },
    "movement": {
        "agency": "kp2mi",
        "instrument": None,
        "open_cases": 1,
        "median_hours": 24.0,
        "longest_hours": 24.0,
        "longest": "case/[bold]X",
    },
}


def shown(document: Document, lang: Lang, draw: Any) -> str:
    out = StringIO()
    voice = Voice(lang, directory_log().latest, LOCAL_ZONE)
    page: RenderableType = draw(document, voice)
    Console(file=out, width=220).print(page)
    return out.getvalue()


def document(**more: Any) -> Document:
    """Indicators with a row each, where ROWS has one."""
    return {
        "moment": "2026-04-20T02:00:00Z",
        "from": None,
        "to": None,
        "agency": None,
        "remark": explanation("remark"),
        "counts": {name: explanation(name) for name in INDICATORS},
        **{name: [ROWS[name]] if name in ROWS else [] for name in INDICATORS},
        **more,
    }


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("id", ("Waktu jawaban", "pelimpahan", "surat", "1.024,50", "67 %", "semua", "09:00 WIB")),
        ("en", ("Response time", "transfer", "letter", "1,024.50", "67 %", "all", "09:00 WIB")),
    ],
)
def test_indicators_are_told_in_the_readers_words(lang: Lang, words: tuple[str, ...]) -> None:
    page = shown(document(), lang, indicators)
    assert [word for word in words if word not in page] == []
    assert "case/[bold]X" in page


@pytest.mark.parametrize("lang", LANGS)
def test_each_indicator_says_what_it_counts_and_that_it_is_our_own(lang: Lang) -> None:
    page = " ".join(shown(document(), lang, indicators).split())
    for name in ("remark", *INDICATORS):
        assert " ".join(explanation(name)[lang].split()) in page


def test_the_period_and_the_agency_asked_for_stand_above() -> None:
    asked = document(agency="kp2mi", to="2026-01-31T17:00:00Z")
    page = shown(asked, "en", indicators)
    assert "… – 2026-02-01 00:00 WIB" in page
    assert "Ministry of Indonesian Migrant Worker Protection" in page


def test_a_series_shows_its_occasions_and_who_came_how_often() -> None:
    occasion = {
        "n": 1,
        "due_on": "2026-01-15",
        "next_on": "2026-02-14",
        "outcome": "MISSED",
        "chair": "kp2mi",
        "subject": None,
        "title": None,
        "started_at": None,
        "attended": [],
        "absent": [],
        "protocol": "pmi-1",
    }
    series = {
        "series": "rakor-pusat",
        "title": "Rapat koordinasi",
        "every_days": 30,
        "tolerance_days": 0,
        "protocol": "pmi-1",
        "instrument": "MEETING",
        "kept": 0,
        "late": 0,
        "missed": 1,
        "extra": 0,
        "members": [{"agency": "polri", "attended": 0, "held": 2}],
        "occasions": [occasion],
    }
    page = shown({"series": [series]}, "id", meetings)
    assert [
        word
        for word in ("rakor-pusat", "15 Januari 2026", "terlewat", "kp2mi", "polri 0/2")
        if word not in page
    ] == []


def test_where_nothing_recurs_it_is_said() -> None:
    assert "tidak ada" in shown({"series": []}, "id", meetings)
