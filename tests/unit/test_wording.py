"""Values in words that no sentence has: names of events, and money."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from projections.wording import LANGS, Lang, Voice, event_name
from runut.catalogue import catalogue
from tests.builders import directory_log


@pytest.mark.parametrize(
    ("lang", "currency", "said"),
    [
        ("id", "IDR", "Rp1.500.000"),
        ("en", "IDR", "IDR 1,500,000"),
        ("id", "MYR", "MYR 1.500.000"),
        ("en", None, "1,500,000"),
    ],
)
def test_money_is_written_as_in_the_readers_language(
    lang: Lang, currency: str | None, said: str
) -> None:
    voice = Voice(lang, directory_log().latest, ZoneInfo("Asia/Jakarta"))
    assert voice.money(Decimal("1500000.00"), currency) == said


def test_every_event_has_a_name_of_its_own_in_either_language() -> None:
    assert event_name("LetterSent", "id") == "surat keluar"
    assert event_name("LetterSent", "en") == "letter sent"
    for lang in LANGS:
        names = {event_name(one.name, lang) for one in catalogue()}
        assert len(names) == len(catalogue())
        assert all(name and name == name.strip() for name in names)
