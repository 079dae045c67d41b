"""Indicators of coordination as one document, now or as of a past moment.

Each indicator is a list of rows, tagged with the instrument from which it comes; what each counts
stands in measures.toml and goes with the document, for the measures are our own operationalisation
(domain.md). No clock is read: `now` is passed in.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from projections.known import Known, known_at
from projections.portraits import Document, time_text
from projections.wording import Lang
from runut.adapters.postgres import Connection

INDICATORS: Final = (
    *("response_time", "commitments", "transfers", "movement", "meetings", "decisions", "network"),
)
"""Queries of sql/indicators.sql, in the order in which they are shown."""

Words = dict[Lang, str]


async def indicators(
    connection: Connection,
    *,
    now: datetime,
    as_of: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    agency: str | None = None,
) -> Document:
    """All indicators, of a period (`since` included, `until` not) and of one agency or of all.

    `{as_of, moment, positions, directory_offset, model, measures, from, to, agency, remark,
    counts}` and a list of rows for each of INDICATORS. Shares are from 0 to 1, hours on the clock;
    `counts` says in both languages what each counts. With `as_of` exactly what it would have been
    then.

    Raises:
        PlatformError: the read models were never made.
    """
    async with known_at(connection, now, as_of) as known:
        return await indicators_of(known, since=since, until=until, agency=agency)


async def indicators_of(
    known: Known,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    agency: str | None = None,
) -> Document:
    """The same of what is known, or was."""
    asked = {"since": since, "until": until, "agency": agency}
    found = {name: await known.ask(name, **asked) for name in INDICATORS}
    return {
        **known.provenance(),
        "from": time_text(since),
        "to": time_text(until),
        "agency": agency,
        "remark": explanation("remark"),
        "counts": {name: explanation(name) for name in INDICATORS},
        **found,
    }


def explanation(name: str) -> Words:
    """What an indicator counts; `remark`: what holds for all of them."""
    return _explanations()[name]


@cache
def _explanations() -> dict[str, Words]:
    found: dict[str, Any] = tomllib.loads((Path(__file__).parent / "measures.toml").read_text())
    return found
