"""One run: fill the ledger once, then measure everything on the same events."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from bench import (
    copying,
    deadlines,
    end_to_end,
    growth,
    http,
    limits,
    pages,
    reads,
    seals,
    stories,
)
from bench.connect_programs import read_connect_lock
from bench.contest import contest
from bench.disk import Disk, disk
from bench.end_to_end import Latencies
from bench.found import Events, Found, Machine
from bench.ground import PARTITIONS, Ground, elsewhere, ground, workers
from bench.measured import Measured, together, written_down
from bench.outsiders import peer_versions
from bench.plan import EVENTS_A_CASE, PARTS, RATES, Plan
from bench.produce import Filled, fill, signed_and_not
from bench.rebuilding import read_beside, rebuilt
from bench.rows import Types
from bench.verifying import bare_ed25519, verify_full
from runut import native

Say = Callable[[str], None]

SIGNED: Final = 100_000
"""Events at most that are sent signed and unsigned."""


class Stage(NamedTuple):
    """A ledger with its events, to be measured."""

    place: Ground
    plan: Plan
    say: Say
    filled: Filled
    types: Types

    @property
    def cores(self) -> int:
        """Workers, one each."""
        return min(PARTITIONS, os.cpu_count() or 1)

    async def catch_up(self, name: str, count: int) -> Measured:
        """So many workers, into models of their own or (with no name) the ledger's."""
        settings = elsewhere(self.place.settings, name) if name else self.place.settings
        ends, events = self.filled.ends, self.plan.events
        return await end_to_end.catch_up(self.place, settings, count, ends, events)


async def run(plan: Plan, say: Say) -> Found:
    """Start a platform, measure, and stop it; more platforms where growth is asked for.

    Raises:
        PlatformError: a part does not start.
    """
    begun, load_before = time.monotonic(), os.getloadavg()[0]
    plan = plan.fitting()
    say("starting a platform of its own")
    async with ground() as place:
        say(f"sending {plan.events:,} events of {plan.cases:,} cases")
        filled = await fill(place.settings, stories.events(plan.events, plan.cases))
        stage = Stage(place, plan, say, filled, await limits.schema_types(place.settings))
        measured, missing, taken = await _measured(stage)
        given, allowed = await _limits(stage)
        measured |= allowed | await _signing(stage) | {"produce": filled.measured}
        some = await _some(stage)
    wanted = pages.Wanted(plan.page_cases, plan.seconds, plan.listeners)
    read = await pages.measure(wanted, say) if plan.has("pages") else None
    grown = await growth.grow(plan.growth, say) if plan.has("growth") else []
    machine = _machine(place, load_before, time.monotonic() - begun)
    return Found(
        machine=machine,
        given=given,
        measured=measured,
        missing=missing,
        left_out=[part for part in PARTS if not plan.has(part)],
        disk=taken,
        pages=read,
        growth=grown,
        **some,
    )


async def _measured(stage: Stage) -> tuple[dict[str, Measured], dict[str, str], Disk]:
    """Ours, the peers, and ours again: what drifts meanwhile falls on both."""
    place, plan, say = stage.place, stage.plan, stage.say
    say("the projector catches up, in one process and in one a core")
    alone = [await stage.catch_up("alone", 1)]
    ours = [await stage.catch_up("", stage.cores)]
    taken = await disk(place, place.settings, plan.events)
    measured = await _rebuild_and_seal(stage)
    found, missing = await contest(place, stage.types, plan, say)
    if plan.has("again"):
        say("the projector once more")
        alone.append(await stage.catch_up("alone_again", 1))
        ours.append(await stage.catch_up("again", stage.cores))
    return (
        {"ours": together(ours), "ours_alone": together(alone)} | measured | found,
        missing,
        taken,
    )


async def _rebuild_and_seal(stage: Stage) -> dict[str, Measured]:
    place, plan, ends = stage.place, stage.plan, stage.filled.ends
    measured: dict[str, Measured] = {}
    if plan.has("rebuild"):
        stage.say("rebuilding what was projected, in a process a core")
        measured["rebuild"] = await rebuilt(place, place.settings, stage.cores, plan.events)
    if plan.has("sealing"):
        stage.say("catching up with a sealer beside it, and the sealer alone")
        sealed = await seals.catch_up_sealed(place, stage.cores, ends, plan.events)
        measured |= {"ours_sealed": sealed, "sealing": await seals.catch_up_alone(place, ends)}
    if plan.has("sealing") and plan.has("rebuild"):
        stage.say("rebuilding what was projected beside the sealer, which verified the signatures")
        beside = await seals.finish_beside(place, ends)
        measured["rebuild_known"] = await rebuilt(place, beside, stage.cores, plan.events)
    if plan.has("sealing") and plan.has("verify"):
        stage.say("verifying all of it, and bare Ed25519")
        measured["verify"] = await verify_full(place, ends)
        measured["ed25519"] = await bare_ed25519(place.settings, ends)
    return measured


async def _limits(stage: Stage) -> tuple[Events, dict[str, Measured]]:
    """What the events are, and what the parts do with them."""
    place, plan = stage.place, stage.plan
    stage.say("limits: reading, decoding, COPY")
    read = await limits.read(place, sum(offset + 1 for offset in stage.filled.ends.values()))
    verdicts = await end_to_end.verdicts(place.settings)
    given = Events(plan.events, plan.cases, PARTITIONS, round(read.value_bytes), verdicts)
    if not plan.has("limits"):
        return given, {}
    return given, {
        "getmany": read.measured,
        **limits.decoding(read.sample, stage.types),
        "copy_bytes": await copying.copy_bytes(place),
        "copy_rows": await copying.copy_rows(place),
    }


async def _signing(stage: Stage) -> dict[str, Measured]:
    plan = stage.plan
    if not plan.has("signing"):
        return {}
    stage.say("sending the same events signed and unsigned")
    some = stories.events(min(SIGNED, plan.events), plan.cases)
    return await signed_and_not(stage.place.settings, some)


async def _some(stage: Stage) -> dict[str, Any]:
    """Fields of Found that stand alone: what is asked of a ledger that is projected."""
    place, plan, say = stage.place, stage.plan, stage.say
    found: dict[str, Any] = {"latencies": await _latencies(stage) if plan.has("latency") else {}}
    if plan.has("reads"):
        say(f"reads: {reads.RATE} a second, over HTTP and by SELECT")
        found["reads"] = await reads.measure(place, plan.seconds)
    if plan.has("reads") and plan.has("rebuild"):
        say("reads while all of it is rebuilt and swapped")
        found["beside_rebuild"] = await read_beside(place.settings, stage.cores)
    if plan.has("deadlines"):
        say(f"deadlines: {plan.open_commitments:,} open commitments")
        found["open_commitments"] = plan.open_commitments
        found["deadline_tick"] = await deadlines.ticks(place, plan.open_commitments)
    if plan.has("proofs"):
        say(f"proofs: a tree of {plan.proof_leaves:,} records")
        found["proof_leaves"] = plan.proof_leaves
        found["proof"] = await seals.proofs(place, plan.proof_leaves)
    if plan.has("http"):
        say(f"HTTP: {plan.http_events:,} events one by one and in batches, ours and a minimal app")
        found["http"] = await http.measure(place, plan.http_events)
    return found


async def _latencies(stage: Stage) -> dict[int, Latencies]:
    """Of new cases, in a ledger that holds all the others."""
    settings, plan, found = stage.place.settings, stage.plan, {}
    first = plan.cases
    async with workers(settings):
        await end_to_end.until_claimed(settings)
        for rate in RATES:
            stage.say(f"latency: {rate:,} events/s for {plan.seconds} s")
            events = rate * (end_to_end.RUN_IN_S + plan.seconds)
            cases = max(1, events // EVENTS_A_CASE)
            new = list(stories.events(events, cases, first=first))
            await written_down()
            found[rate] = await end_to_end.latencies(settings, new, rate)
            first += cases
    return found


def _machine(place: Ground, load_before: float, seconds: float) -> Machine:
    return Machine(
        measured_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        python=platform.python_version(),
        versions=_own_version() | place.versions | read_connect_lock().versions | peer_versions(),
        load_before=load_before,
        load_after=os.getloadavg()[0],
        seconds=seconds,
    )


def _own_version() -> dict[str, str]:
    how = "compiled" if native.IS_USED else "nothing compiled"
    return {"runut": f"{version('runut')} ({how})"}
