"""What filters of lists have in common."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from markupsafe import Markup

from dashboard.pages.frame import Frame
from dashboard.reads import Reading
from projections.wording import Voice
from runut.event import SYSTEM

KEPT: Final = 16
"""Lists of all agencies: they change with the directory, and each page of a list has one."""
_OPTION: Final = Markup('<option value="{}">{}</option>')


def is_set(frame: Frame, name: str) -> bool:
    """Whether a box was ticked."""
    return name in frame.request.query_params


def agency_options(frame: Frame, reading: Reading) -> Markup:
    """Agencies to choose from, by code; the ledger itself is none that does anything."""
    return _agency_options(frame.words(reading).voice)


@lru_cache(maxsize=KEPT)
def _agency_options(voice: Voice) -> Markup:
    codes = [one.code for one in voice.directory.agencies() if one.code != SYSTEM]
    return Markup().join(_OPTION.format(code, voice.agency(code)) for code in codes)
