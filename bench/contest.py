"""Every consumer that others would use, one after the other, on the same events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bench import connect, outsiders, peers
from bench.connect_programs import connect_programs
from bench.connect_settings import Shape
from bench.ground import Ground
from bench.measured import Measured, NotMeasured
from bench.plan import PEERS, Plan
from bench.rows import Types
from runut.errors import RunutError

Peer = Callable[[Ground, Types, Plan], Awaitable[Measured]]


async def contest(
    ground: Ground, types: Types, plan: Plan, say: Callable[[str], None]
) -> tuple[dict[str, Measured], dict[str, str]]:
    """What each peer of the plan does, and why others could not be measured."""
    measured: dict[str, Measured] = {}
    missing: dict[str, str] = {}
    for name in PEERS:
        if not plan.has(name):
            continue
        say(f"peers: {name}")
        try:
            measured[name] = await _PEERS[name](ground, types, plan)
        except (NotMeasured, RunutError) as error:
            missing[name] = str(error)
    return measured, missing


async def _connect(ground: Ground, plan: Plan, shape: Shape) -> Measured:
    records = min(plan.events, plan.peer_events)
    return await connect.sunk(ground, await connect_programs(), shape, records)


async def _connect_full(ground: Ground, _types: Types, plan: Plan) -> Measured:
    return await _connect(ground, plan, Shape("full", meta_only=False))


async def _connect_meta(ground: Ground, _types: Types, plan: Plan) -> Measured:
    return await _connect(ground, plan, Shape("meta", meta_only=True))


async def _quix(ground: Ground, types: Types, plan: Plan) -> Measured:
    events = min(plan.events, plan.peer_events)
    return await outsiders.projected(ground, outsiders.QUIX, types, events)


async def _faust(ground: Ground, types: Types, plan: Plan) -> Measured:
    events = min(plan.events, plan.peer_events)
    return await outsiders.projected(ground, outsiders.FAUST, types, events)


async def _eventsourcing(ground: Ground, types: Types, plan: Plan) -> Measured:
    events = min(plan.events, plan.slow_events)
    return await outsiders.projected(ground, outsiders.EVENTSOURCING, types, events)


async def _executemany(ground: Ground, types: Types, plan: Plan) -> Measured:
    return await peers.batching(ground, types, plan.events)


async def _one_insert(ground: Ground, types: Types, plan: Plan) -> Measured:
    return await peers.one_by_one(ground, types, min(plan.events, plan.slow_events))


_PEERS: Final[Mapping[str, Peer]] = {
    "connect": _connect_full,
    "connect-meta": _connect_meta,
    "quix": _quix,
    "faust": _faust,
    "eventsourcing": _eventsourcing,
    "executemany": _executemany,
    "one-insert": _one_insert,
}
