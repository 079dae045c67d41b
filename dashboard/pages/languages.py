"""In which language and time zone somebody reads: as they chose, else as their browser says.

Owns the catalogues. English stands in the templates and in the code; locale/id.po says it in
Indonesian, which is the default. It is compiled when the process starts: nothing is out of date.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

from projections.wording import LANGS, Lang

CATALOGUES: Final = Path(__file__).parent.parent / "locale"
DEFAULT: Final[Lang] = "id"
LANG_COOKIE: Final = "runut_lang"
ZONE_COOKIE: Final = "runut_zone"
NAMES: Final[dict[Lang, str]] = {"id": "Bahasa Indonesia", "en": "English"}
ZONES: Final = (
    *("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Asia/Kuala_Lumpur", "Asia/Hong_Kong"),
    *("Asia/Taipei", "Asia/Seoul", "Asia/Tokyo", "Asia/Dubai", "Asia/Riyadh", "UTC"),
)
"""Zones to choose from: Indonesia's three, and where most missions are."""


def language_of(request: Request) -> Lang:
    """The language asked for by `?lang=`, else chosen before, else the browser's first of ours."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE)):
        if chosen in LANGS:
            return chosen
    for name in _accepted(request.headers.get("accept-language", "")):
        if name in LANGS:
            return name
    return DEFAULT


def zone_of(request: Request, usual: ZoneInfo) -> ZoneInfo:
    """The time zone asked for by `?zone=`, else chosen before, else the usual one."""
    for chosen in (request.query_params.get("zone"), request.cookies.get(ZONE_COOKIE)):
        if chosen in ZONES:
            return ZoneInfo(chosen)
    return usual


@cache
def translations(lang: Lang) -> NullTranslations:
    """The catalogue of a language."""
    source = CATALOGUES / f"{lang}.po"
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as file:
        catalogue = read_po(file, locale=lang)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _accepted(header: str) -> list[str]:
    """Primary subtags of Accept-Language (RFC 9110 §12.5.4), the most wanted first."""
    weighed = []
    for one in header.split(","):
        tag, _, parameter = one.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        weighed.append((-weight, tag.partition("-")[0].lower()))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if weight < 0]
