"""The calendars that a new ledger begins with: Indonesia's days off, as `holidays` has them.

Only founding asks here, and writes the answer into the directory: which days are worked is read
there alone, so that another release of the library changes no verdict. Late decrees are
published as calendars of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from runut.calendar import DayKind

FIRST_YEAR: Final = 2019
LAST_YEAR: Final = 2027
BASIS: Final = "SKB 3 Menteri tentang hari libur nasional dan cuti bersama, as in holidays {}"
_CATEGORIES: Final[tuple[tuple[DayKind, str], ...]] = (
    ("PUBLIC", "public"),
    ("JOINT", "government"),
)


def calendars(without: frozenset[int]) -> Iterator[dict[str, Any]]:
    """Payload of a CalendarPublished for each year from 2019 to 2027 but those in `without`."""
    import holidays  # of the server extra: only who founds a ledger needs it

    basis = BASIS.format(holidays.__version__)
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        if year not in without:
            yield {"year": year, "days": list(_days(holidays, year)), "basis": basis}


def _days(holidays: Any, year: int) -> Iterator[dict[str, date | str]]:
    for kind, category in _CATEGORIES:
        found = holidays.country_holidays("ID", years=year, categories=(category,), language="id")
        for day, name in sorted(found.items()):
            yield {"date": day, "name": name, "kind": kind}
