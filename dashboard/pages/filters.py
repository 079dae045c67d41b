"""What filters of lists have in common."""

from __future__ import annotations

from dashboard.pages.frame import Frame
from dashboard.reads import Reading
from runut.event import SYSTEM


def is_set(frame: Frame, name: str) -> bool:
    """Whether a box was ticked."""
    return name in frame.request.query_params


def agency_codes(reading: Reading) -> list[str]:
    """Agencies to choose from, by code; the ledger itself is none that does anything."""
    codes = (one.code for one in reading.moment.log.latest.agencies())
    return sorted(code for code in codes if code != SYSTEM)
