"""Recurring meetings: which occasions were kept, late or missed, and who came.

A missed one stands against its chair; it is derived from the protocol and the meetings held, and no
event says it (docs/decisions/0070). No clock is read: `now` is passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from projections.known import Known, ask_at, known_at
from projections.portraits import Document
from runut.adapters.postgres import Connection
from runut.errors import NotFound, shorten

_OF_OCCASION: Final = (
    *("n", "due_on", "next_on", "outcome", "chair", "subject", "title", "started_at"),
    *("attended", "absent", "protocol"),
)
_OF_SERIES: Final = ("every_days", "tolerance_days", "protocol")


async def meetings(
    connection: Connection,
    *,
    now: datetime,
    as_of: datetime | None = None,
    series: str | None = None,
) -> Document:
    """Every series of meetings, or one, with its occasions in order.

    `{as_of, moment, positions, directory_offset, model, measures, series}`; a series is `{series,
    title, every_days, tolerance_days, protocol, instrument, kept, late, missed, extra, members,
    occasions}` with what its latest occasion has, a member `{agency, attended, held}`.

    Raises:
        NotFound: neither a protocol nor a meeting that was held names the series.
        PlatformError: the read models were never made.
    """
    async with known_at(connection, now, as_of) as known:
        return await meetings_of(known, series=series)


async def meetings_of(known: Known, *, series: str | None = None) -> Document:
    """The same of what is known, or was."""
    found = await series_at(known.connection, known.moment, series)
    if series is not None and not found:
        raise NotFound(
            f"series {shorten(series)}", "expected one of a protocol or of a meeting that was held"
        )
    return {**known.provenance(), "series": found}


async def series_at(
    connection: Connection, moment: datetime, series: str | None = None
) -> list[Document]:
    """The series alone, by the tables of a moment; within a snapshot of the caller's."""
    rows = await ask_at(connection, moment, "occasions", series=series)
    grouped = groupby(rows, key=lambda row: str(row["series"]))
    return [_series(name, list(found)) for name, found in grouped]


def _series(name: str, occasions: Sequence[Document]) -> Document:
    latest = next((one for one in reversed(occasions) if one["n"] is not None), occasions[-1])
    outcomes = [one["outcome"] for one in occasions]
    return {
        "series": name,
        "title": latest["series_title"],
        **{field: latest[field] for field in _OF_SERIES},
        "instrument": latest["instrument"],
        "kept": outcomes.count("KEPT"),
        "late": outcomes.count("LATE"),
        "missed": outcomes.count("MISSED"),
        "extra": outcomes.count("EXTRA"),
        "members": [_member(agency, occasions) for agency in latest["members"]],
        "occasions": [{field: one[field] for field in _OF_OCCASION} for one in occasions],
    }


def _member(agency: str, occasions: Sequence[Document]) -> Document:
    """How often a member came to the meetings to which it should have come."""
    held = [one for one in occasions if one["subject"] and agency in one["members"]]
    return {
        "agency": agency,
        "attended": sum(agency in one["attended"] for one in held),
        "held": len(held),
    }
