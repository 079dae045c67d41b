"""A rebuild of all read models beside the live ones: load, indexes, comparison, swap."""

from __future__ import annotations

import os
import time

from bench.ground import Ground
from bench.measured import Measured, cpu_with_children_s, machine_cpu_s
from consumers.rebuilding.rebuild import Wanted, rebuild
from projections.rebuilding import before
from runut.adapters import postgres
from runut.settings import Settings


async def rebuilt(ground: Ground, settings: Settings, processes: int, events: int) -> Measured:
    """Rebuild what a worker projected, in so many processes, from the call to the swap."""
    begun = _now(ground)
    found = await rebuild(settings, Wanted(processes), lambda _phase, _done, _total: None)
    if not found.swapped:
        raise AssertionError(f"expected what the worker projected, found {found.differences[:5]}")
    seconds, client, database, machine = (
        after - earlier for after, earlier in zip(_now(ground), begun, strict=True)
    )
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        cursor = await connection.execute("SELECT count(*) FROM history")
        [(rows,)] = await cursor.fetchall()
        await connection.execute(f"DROP SCHEMA {before(settings)} CASCADE")
    others = max(0.0, machine - client - database)
    return Measured(events, seconds, client, database, others, rows)


def _now(ground: Ground) -> tuple[float, float, float, float]:
    spent = os.times()
    client = spent.user + spent.system + spent.children_user + spent.children_system
    return time.perf_counter(), client, cpu_with_children_s(ground.postgres), machine_cpu_s()
