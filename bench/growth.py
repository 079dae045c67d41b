"""How cost grows: ledgers of different sizes, each on a platform of its own, one worker each.

A machine drifts by more than what is looked for. So the smallest ledger of several cases is caught
up with anew right before and right after each of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import count
from typing import Final

import msgspec

from bench import end_to_end, stories
from bench.disk import Disk, disk
from bench.ground import Ground, elsewhere, ground
from bench.measured import Measured, together
from bench.produce import fill

Sizes = tuple[tuple[int, int], ...]

SMALL: Final[Sizes] = (
    *((10_000, 300), (30_000, 300), (100_000, 300)),
    *((30_000, 30), (30_000, 3_000)),
    (2_000, 1),
)
"""Events and cases: more events, more cases, a single case."""
FULL: Final[Sizes] = (
    *((100_000, 10_000), (1_000_000, 10_000), (3_000_000, 10_000)),
    *((1_000_000, 1_000), (1_000_000, 100_000)),
    (20_000, 1),
)


class Grown(msgspec.Struct, frozen=True):
    """One ledger, caught up with from its beginning."""

    events: int
    cases: int
    caught_up: Measured
    disk: Disk
    beside: Measured
    """The smallest ledger of several cases, before and after."""

    @property
    def times(self) -> float:
        """How many times an event's processor time is that of one of the smallest ledger."""
        return cpu_us(self.caught_up) / cpu_us(self.beside)

    @property
    def disk_bytes(self) -> float:
        """Of the log and the read models, an event."""
        return (self.disk.log + self.disk.models) / self.events


async def grow(sizes: Sizes, say: Callable[[str], None]) -> list[Grown]:
    """Measure each size."""
    grown = []
    async with AsyncExitStack() as stack:
        again = await _again(_smallest(sizes), stack)
        for events, cases in sizes:
            say(f"growth: {events:,} events of {cases:,} cases")
            async with ground() as place:
                filled = await fill(place.settings, stories.events(events, cases))
                before = await again()
                caught_up = await end_to_end.catch_up(place, place.settings, 1, filled.ends, events)
                beside = together([before, await again()])
                found = await disk(place, place.settings, events)
                grown.append(Grown(events, cases, caught_up, found, beside))
    return grown


def _smallest(sizes: Sizes) -> tuple[int, int]:
    """Of several cases, where there is such a one."""
    return min([size for size in sizes if size[1] > 1] or sizes)


async def _again(size: tuple[int, int], stack: AsyncExitStack) -> Callable[[], Awaitable[Measured]]:
    """Catches up with one ledger as often as it is called."""
    events, cases = size
    place: Ground = await stack.enter_async_context(ground())
    filled = await fill(place.settings, stories.events(events, cases))
    numbers = count()

    async def again() -> Measured:
        settings = elsewhere(place.settings, f"again_{next(numbers)}")
        return await end_to_end.catch_up(place, settings, 1, filled.ends, events)

    return again


def cpu_us(measured: Measured) -> float:
    """Processor time of the worker and PostgreSQL, an event."""
    return (measured.client_cpu_s + measured.postgres_cpu_s) / measured.events * 1e6


def verdict(grown: Sequence[Grown], one: Grown) -> str:
    """How much an event costs beside one of the smallest ledger with several cases.

    A fifth more is within what a machine drifts.
    """
    sizes = tuple((other.events, other.cases) for other in grown)
    least = grown[sizes.index(_smallest(sizes))]
    times = max(one.times, one.disk_bytes / least.disk_bytes)
    return "linear or better" if times <= 1.2 else f"an event costs {times:.1f} times as much"
