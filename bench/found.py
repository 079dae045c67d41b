"""What one run found, by the names that the table explains."""

from __future__ import annotations

import msgspec

from bench.disk import Disk
from bench.end_to_end import Latencies, Latency
from bench.growth import Grown
from bench.http import Http
from bench.measured import Measured
from bench.pages import Pages
from bench.reads import Reads
from bench.rebuilding import Beside


class Machine(msgspec.Struct, frozen=True):
    """Where and when it was measured, and how busy others kept it."""

    measured_at: str
    """The day, and the time of day in UTC."""
    system: str
    cores: int
    memory_gb: float
    python: str
    versions: dict[str, str]
    load_before: float
    load_after: float
    seconds: float
    """That the run took."""


class Events(msgspec.Struct, frozen=True):
    """What it was measured with."""

    events: int
    cases: int
    partitions: int
    value_bytes: int
    """Of a Kafka value, on average."""
    verdicts: dict[str, int]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run measured. What was left out is empty or None."""

    machine: Machine
    given: Events
    measured: dict[str, Measured]
    missing: dict[str, str]
    """Why a peer could not be measured."""
    left_out: list[str]
    disk: Disk
    latencies: dict[int, Latencies]
    """By events a second."""
    reads: Reads | None = None
    beside_rebuild: Beside | None = None
    open_commitments: int = 0
    deadline_tick: Latency | None = None
    """Of a round that finds none of them due."""
    proof_leaves: int = 0
    proof: Latency | None = None
    """Of a record anywhere in a tree of so many."""
    http: Http | None = None
    pages: Pages | None = None
    growth: list[Grown] = []

    def ratio(self, name: str, ours: str = "ours") -> float | None:
        """How many times as fast as another measurement ours is; None where one is missing."""
        if name not in self.measured or ours not in self.measured:
            return None
        return self.measured[ours].per_second / self.measured[name].per_second

    def to_json(self) -> bytes:
        """One document with the ratios."""
        others = [name for name in self.measured if name != "ours"]
        document = {
            **msgspec.to_builtins(self, str_keys=True),
            "per_second": {name: one.per_second for name, one in self.measured.items()},
            "ours_times_as_fast_as": {name: self.ratio(name) for name in others},
        }
        return msgspec.json.format(msgspec.json.encode(document)) + b"\n"
