"""Past moments: the slider through a subject's past, and the day and hour that somebody chooses.

A step of the slider is an event, in the order in which they were recorded or in which they
occurred; behind the last recorded one is the present.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator
from starlette.responses import RedirectResponse

from dashboard.asking import Time
from dashboard.pages.addresses import is_own_path, with_question
from dashboard.pages.frame import HEADERS, Reader
from dashboard.pages.routing import page_router
from projections.reading import By
from runut.errors import FieldError

CHOOSE: Final = "/as-of"
"""Leads to a page as of a moment."""
YEARS: Final = range(1900, 3000)


def _countable(moment: datetime) -> datetime:
    """A moment of which days before and after can be told."""
    if moment.year not in YEARS:
        raise ValueError(f"expected a moment from {YEARS.start} to {YEARS.stop - 1}")
    return moment


PastMoment = Annotated[Annotated[Time, AfterValidator(_countable)] | None, Query()]
"""For pages that can be asked for as of a past moment, by recorded time."""

Moments = Sequence[tuple[datetime, datetime]]
"""Of each event when it was recorded and when it occurred."""


def routes() -> APIRouter:
    """The route."""
    router = page_router()
    router.add_api_route(CHOOSE, choose)
    return router


async def choose(frame: Reader, to: str, at: datetime | None = None) -> Response:
    """Where a page is as of a time on the reader's clock: an address to be kept and passed on."""
    if not is_own_path(to):
        raise FieldError("query.to", "a path of this site", to)
    as_of = at and (at if at.tzinfo else at.replace(tzinfo=frame.zone))
    moment = as_of.isoformat() if as_of else None
    return RedirectResponse(with_question(to, as_of=moment), 303, HEADERS)


class Slider(NamedTuple):
    """Where somebody is in a subject's past."""

    by: By
    times: Sequence[datetime]
    """Of each step."""
    step: int
    """From 0, before everything, to the number of steps."""


def slider(moments: Moments, by: By, as_of: datetime | None) -> Slider:
    """The slider as of a moment, or at the present."""
    times = times_of(moments, by)
    step = len(times) if as_of is None else sum(one <= as_of for one in times)
    return Slider(by, times, step)


def moment_of(moments: Moments, by: By, step: int) -> datetime | None:
    """The moment of a step; None for the present, and where there is no such step."""
    times = times_of(moments, by)
    if not 0 < step <= len(times) or (by == "recorded" and step == len(times)):
        return None
    return times[step - 1]


def times_of(moments: Moments, by: By) -> list[datetime]:
    """The times of the steps, in order."""
    return sorted(recorded if by == "recorded" else occurred for recorded, occurred in moments)
