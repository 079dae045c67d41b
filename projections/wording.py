"""Values as people read them, in Indonesian or English: words, names, times, amounts, lists.

Pure. Owns how a value is worded; which values make up a sentence says `projections.sentences`.
Names of agencies come from the directory, words for enumerations from words.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from runut.calendar import local_time
from runut.catalogue import catalogue
from runut.directory import Directory
from runut.event import subject_id, subject_kind

Lang = Literal["id", "en"]
LANGS: Final[tuple[Lang, ...]] = ("id", "en")

_MONTHS: Final[dict[Lang, tuple[str, ...]]] = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
_AND: Final[dict[Lang, str]] = {"id": " dan ", "en": " and "}


class Voice(msgspec.Struct, frozen=True):
    """A language, the time zone in which times are told, and the directory that knows names."""

    lang: Lang
    directory: Directory
    zone: ZoneInfo

    def word(self, table: str, symbol: str) -> str:
        """The word for a value of an enumeration; the symbol itself where there is none."""
        return word(table, symbol, self.lang)

    def agency(self, code: str) -> str:
        """An agency's name; its code where the directory does not know it."""
        found = self.directory.agency(code)
        name = code if found is None else found.name_id if self.lang == "id" else found.name_en
        return plain(name) or plain(code)

    def subject(self, text: str) -> str:
        """`kasus X` of `case/X`; an agency by its name; other text as it is."""
        kind, ident = subject_kind(text), subject_id(text)
        if kind == "agency":
            return self.agency(ident)
        is_known = ident and kind in _words()["Kind"]
        return plain(f"{self.word('Kind', kind)} {ident}" if is_known else text)

    def time(self, moment: datetime) -> str:
        """`13 Juni 2025 pukul 23.59 WIB`; `13 June 2025 at 23:59 WIB`."""
        local = local_time(moment, self.zone)
        clock = f"{local:%H.%M}" if self.lang == "id" else f"{local:%H:%M}"
        at = " pukul " if self.lang == "id" else " at "
        return f"{self.date(local)}{at}{clock} {zone_name(local)}"

    def date(self, day: date) -> str:
        """`13 Juni 2025`; `13 June 2025`."""
        return f"{day.day} {_MONTHS[self.lang][day.month - 1]} {day.year}"

    def amount(self, value: Decimal) -> str:
        """`1.500.000,50`; `1,500,000.50`; no decimals where they are zero."""
        text = f"{value:,.2f}".removesuffix(".00")
        return text.translate(_SWAPPED) if self.lang == "id" else text

    def money(self, value: Decimal, currency: str | None) -> str:
        """`Rp1.500.000` and `MYR 950`; `IDR 1,500,000` in English; `950` where it is of none."""
        if (self.lang, currency) == ("id", "IDR"):
            return f"Rp{self.amount(value)}"
        return f"{currency or ''} {self.amount(value)}".lstrip()

    def duration(self, seconds: int) -> str:
        """Whole minutes, or seconds below one."""
        if seconds < 60:
            return f"{seconds} {'detik' if self.lang == 'id' else 's'}"
        return f"{seconds // 60} {'menit' if self.lang == 'id' else 'min'}"

    def listed(self, items: Sequence[str]) -> str:
        """`a, b dan c`; `a, b and c`; semicolons where an item holds a comma itself."""
        *first, last = [item for item in items if item] or [""]
        if not first:
            return last
        comma = ";" if any("," in item for item in items) else ""
        separator = f"{comma or ','} "
        return f"{separator.join(first)}{comma}{_AND[self.lang]}{last}"


def word(table: str, symbol: str, lang: Lang) -> str:
    """The word for a symbol of an enumeration; the symbol itself where there is none."""
    words = _words()
    found = words.get(table, {}).get(symbol) or words["Any"].get(symbol)
    return found[lang] if found else symbol


def event_name(event_type: str, lang: Lang) -> str:
    """What a type of event is called: `surat keluar`, as its schema says; `letter sent`."""
    if lang == "id":
        doc: str = catalogue().by_name(event_type).schema["doc"]
        return doc.partition(" (")[2].partition(")")[0]
    return " ".join(re.findall("[A-Z][a-z]+", event_type)).lower()


def has_words(table: str) -> bool:
    """Whether words.toml has a table of this name."""
    return table in _words()


def words_of(table: str, lang: Lang) -> list[tuple[str, str]]:
    """The symbols of an enumeration with their words, to choose from."""
    return [(symbol, found[lang]) for symbol, found in _words()[table].items()]


def yes_or_no(table: str, value: bool, lang: Lang) -> str:
    """The word for a boolean field; empty where it says nothing."""
    found = _words().get(table, {}).get("true" if value else "false")
    return found[lang] if found else ""


def plain(text: str) -> str:
    """Free text made fit for one line of a sentence.

    Line ends become spaces and characters that do not print are left out: a terminal or a page
    must not be steered by what an event says. A lone dash or the like says nothing.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(char for char in line if char.isprintable())
    if not any(map(str.isalnum, line)):
        return ""
    return line.strip().rstrip(".").rstrip()


def zone_name(local: datetime) -> str:
    """`WIB`, `WITA`, `WIT`; for zones without letters `UTC+08`."""
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


@cache
def _words() -> dict[str, dict[str, dict[Lang, str]]]:
    found: dict[str, Any] = tomllib.loads((Path(__file__).parent / "words.toml").read_text())
    return found


_SWAPPED: Final = str.maketrans(",.", ".,")
