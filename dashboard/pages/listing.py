"""Lists that are turned over part by part, each with the number of all its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Query

from dashboard.pages.frame import Frame
from dashboard.reads import Reading
from projections.past_tables import VIEWS_THEN
from projections.portraits import Document
from projections.rights import all_visible
from projections.worklists import Rows, Worklists

PART: Final = 50
FARTHEST: Final = 2_000
"""Parts of a list; whoever wants more downloads it."""

WORDLESS: Final = frozenset({"cases"})
"""Lists whose rows hold nothing that an event says in words: nothing of them can be guarded."""

PartNumber = Annotated[int, Query(alias="page", ge=1, le=FARTHEST)]


class Part(NamedTuple):
    """A part of a list."""

    items: list[Document]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many parts there are."""
        return -(-self.total // PART)


async def worklists(frame: Frame, reading: Reading) -> Worklists:
    """Questions for who asks, of the moment that is asked for."""
    if reading.then is None:
        return Worklists(reading.connection, frame.site.reads.views_schema, reading.asker.sight)
    seen = await all_visible(reading.connection, reading.asker.sight)
    return Worklists(reading.tables, VIEWS_THEN, reading.asker.sight, seen)


async def part_of(
    frame: Frame, reading: Reading, name: str, wanted: Mapping[str, Any], page: int
) -> Part:
    """A part of the list of a name, without what may not be told to who asks."""
    lists = await worklists(frame, reading)
    found: Rows = await lists.listed(name, wanted, limit=PART, offset=(page - 1) * PART)
    items = list(found.items)
    if name not in WORDLESS:
        items = await reading.told(items, {one["subject"] for one in items})
    return Part(items, found.total, page)
