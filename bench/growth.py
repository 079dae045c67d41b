"""How cost grows: ledgers of different sizes, each on a platform of its own, one worker each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bench import end_to_end, stories
from bench.disk import Disk, disk
from bench.ground import ground
from bench.measured import Measured
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

    @property
    def cpu_us(self) -> float:
        """Processor time of the worker and PostgreSQL, an event."""
        return (self.caught_up.client_cpu_s + self.caught_up.postgres_cpu_s) / self.events * 1e6

    @property
    def disk_bytes(self) -> float:
        """Of the log and the read models, an event."""
        return (self.disk.log + self.disk.models) / self.events


async def grow(sizes: Sizes, say: Callable[[str], None]) -> list[Grown]:
    """Measure each size."""
    grown = []
    for events, cases in sizes:
        say(f"growth: {events:,} events of {cases:,} cases")
        async with ground() as place:
            filled = await fill(place.settings, stories.events(events, cases))
            caught_up = await end_to_end.catch_up(place, place.settings, 1, filled.ends, events)
            grown.append(Grown(events, cases, caught_up, await disk(place, place.settings, events)))
    return grown


def verdict(grown: Sequence[Grown], one: Grown) -> str:
    """How much an event costs beside one of the smallest ledger with several cases.

    A fifth more is within what a machine drifts.
    """
    several = [other for other in grown if other.cases > 1] or list(grown)
    least = min(several, key=lambda other: (other.events, other.cases))
    times = max(one.cpu_us / least.cpu_us, one.disk_bytes / least.disk_bytes)
    return "linear or better" if times <= 1.2 else f"an event costs {times:.1f} times as much"
