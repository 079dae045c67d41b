"""One run: fill the ledger once, then measure everything on the same events."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import Final, NamedTuple, Self

import msgspec

from bench import copying, deadlines, end_to_end, http, limits, peers, seals, stories
from bench.end_to_end import RATE, Latencies, Latency
from bench.ground import PARTITIONS, Ground, elsewhere, ground, workers
from bench.http import Http
from bench.measured import Measured
from bench.produce import fill
from bench.rebuilding import rebuilt
from bench.verifying import bare_ed25519, verify_full

EVENTS_A_CASE: Final = 30

Say = Callable[[str], None]


class Plan(NamedTuple):
    """What to measure with."""

    events: int
    cases: int
    one_by_one_events: int
    latency_seconds: int
    open_commitments: int
    proof_leaves: int
    http_events: int
    """0 leaves them out."""

    @classmethod
    def of(
        cls,
        events: int,
        cases: int,
        one_by_one_events: int,
        latency_seconds: int,
        open_commitments: int,
        proof_leaves: int,
        http_events: int,
    ) -> Self:
        """Fewer cases where there are too few events for so many."""
        at_most = max(1, events // EVENTS_A_CASE)
        few = min(cases, at_most)
        return cls(
            events,
            few,
            one_by_one_events,
            latency_seconds,
            open_commitments,
            proof_leaves,
            http_events,
        )


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured, and how busy others kept it."""

    cores: int
    python: str
    versions: dict[str, str]
    load_before: float
    load_after: float


class Events(msgspec.Struct, frozen=True):
    """What it was measured with."""

    events: int
    cases: int
    partitions: int
    value_bytes: int
    """Of a Kafka value, on average."""
    verdicts: dict[str, int]


class Found(msgspec.Struct, frozen=True):
    """Everything that one run measured, by the names that the table explains."""

    machine: Machine
    given: Events
    measured: dict[str, Measured]
    latencies: Latencies
    open_commitments: int
    deadline_tick: Latency
    """Of a round that finds none of them due."""
    proof_leaves: int
    proof: Latency
    """Of a record anywhere in a tree of so many."""
    http: Http | None
    """None where it was left out."""

    def ratio(self, name: str) -> float:
        """How many times as fast as another measurement ours is, end to end."""
        return self.measured["ours"].per_second / self.measured[name].per_second

    def to_json(self) -> bytes:
        """One document with the ratios."""
        others = [name for name in self.measured if name != "ours"]
        document = {
            **msgspec.to_builtins(self),
            "per_second": {name: one.per_second for name, one in self.measured.items()},
            "ours_times_as_fast_as": {name: self.ratio(name) for name in others},
        }
        return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


async def run(plan: Plan, say: Say) -> Found:
    """Start a platform, measure, and stop it.

    Raises:
        PlatformError: a part does not start.
    """
    load_before = os.getloadavg()[0]
    say("starting a platform of its own")
    async with ground() as place:
        measured, given = await _measure(place, plan, say)
        found = await _latencies(place, plan, say)
        say(f"deadlines: {plan.open_commitments:,} open commitments")
        tick = await deadlines.ticks(place, plan.open_commitments)
        say(f"proofs: a tree of {plan.proof_leaves:,} records")
        proof = await seals.proofs(place, plan.proof_leaves)
        over_http = await _http(place, plan, say)
    machine = Machine(
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        versions=place.versions,
        load_before=load_before,
        load_after=os.getloadavg()[0],
    )
    return Found(
        machine,
        given,
        measured,
        found,
        plan.open_commitments,
        tick,
        plan.proof_leaves,
        proof,
        over_http,
    )


async def _http(place: Ground, plan: Plan, say: Say) -> Http | None:
    """What the gateway takes, about the cases that are projected."""
    if not plan.http_events:
        return None
    say(f"HTTP: {plan.http_events:,} events one by one and in batches, ours and a minimal app")
    return await http.measure(place, plan.http_events, plan.cases)


async def _measure(place: Ground, plan: Plan, say: Say) -> tuple[dict[str, Measured], Events]:
    """Everything that is measured on the same events."""
    say(f"sending {plan.events:,} events of {plan.cases:,} cases")
    filled = await fill(place.settings, stories.events(plan.events, plan.cases))
    say("the projector catches up, in one process and in one a core")
    ends, cores = filled.ends, min(PARTITIONS, os.cpu_count() or 1)
    alone = elsewhere(place.settings, "alone")
    ours_alone = await end_to_end.catch_up(place, alone, 1, ends, plan.events)
    ours = await end_to_end.catch_up(place, place.settings, cores, ends, plan.events)
    say("rebuilding what it projected, in a process a core")
    rebuild = await rebuilt(place, place.settings, cores, plan.events)
    say("the same with a sealer beside it, and the sealer alone")
    sealed = await seals.catch_up_sealed(place, cores, ends, plan.events)
    sealing = await seals.catch_up_alone(place, ends)
    say("verifying all of it, and bare Ed25519")
    verifying = await verify_full(place, ends)
    ed25519 = await bare_ed25519(place.settings, ends)
    types = await limits.schema_types(place.settings)
    say("limits: reading, decoding")
    read = await limits.read(place, sum(offset + 1 for offset in filled.ends.values()))
    decoding = limits.decoding(read.sample, types)
    say("limits: COPY")
    copies = {
        "copy_bytes": await copying.copy_bytes(place),
        "copy_rows": await copying.copy_rows(place),
    }
    say("peers: the batching consumer")
    batching = await peers.batching(place, types, plan.events)
    some = min(plan.events, plan.one_by_one_events)
    say(f"peers: one INSERT and one UPSERT an event, {some:,} events")
    one_by_one = await peers.one_by_one(place, types, some)
    measured = {
        "ours": ours,
        "ours_alone": ours_alone,
        "ours_sealed": sealed,
        "rebuild": rebuild,
        "sealing": sealing,
        "verify": verifying,
        "ed25519": ed25519,
        "batching": batching,
        "one_by_one": one_by_one,
        "getmany": read.measured,
        **decoding,
        **copies,
        "produce": filled.measured,
    }
    verdicts = await end_to_end.verdicts(place.settings)
    return measured, Events(plan.events, plan.cases, PARTITIONS, round(read.value_bytes), verdicts)


async def _latencies(place: Ground, plan: Plan, say: Say) -> Latencies:
    """Of new cases, in a ledger that holds all the others."""
    events = RATE * plan.latency_seconds
    say(f"latency: {RATE} events/s for {plan.latency_seconds} s")
    cases = max(1, events // EVENTS_A_CASE)
    async with workers(place.settings):
        await end_to_end.until_claimed(place.settings)
        new = list(stories.events(events, cases, first=plan.cases))
        return await end_to_end.latencies(place.settings, new)
