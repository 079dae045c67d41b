"""The slider through a subject's past: from its steps to moments, and back.

Pure. A step is an event, in the order in which they were recorded or in which they occurred; behind
the last recorded one is the present.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from projections.reading import By

Moments = Sequence[tuple[datetime, datetime]]
"""Of each event when it was recorded and when it occurred."""


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
