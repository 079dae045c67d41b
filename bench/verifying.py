"""Verifying: `runut verify --full` of the whole ledger beside bare Ed25519 on the same records."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Final

from nacl.bindings import crypto_sign_open

from audit.live import verify_ledger
from bench.end_to_end import STANDSTILL_S
from bench.ground import Ground, sealer
from bench.measured import Measured, Stopwatch, machine_cpu_s
from bench.seals import POLL_S, own_seals
from projections.seals.figures import seal_figures
from runut import merkle
from runut.adapters import kafka, postgres
from runut.adapters.postgres import Connection
from runut.directory_follower import DirectoryFollower
from runut.log_reader import PartitionReader
from runut.settings import Settings
from runut.signing import Signature, VerifiedBatches

SAMPLE: Final = 20_000
"""Records whose signatures are verified one by one."""
OFTEN_S: Final = 0.1
_BATCH_CONTEXT: Final = b"runut/batch/v1\n"


async def verify_full(ground: Ground, ends: Mapping[int, int]) -> Measured:
    """Every leaf, signature, seal and map from the first record on, a process a core."""
    settings = await own_seals(ground, "sealer")  # that has read all of it already
    await _seal_all(settings.model_copy(update={"seal_interval_s": OFTEN_S}), ends)
    seconds, machine, own = time.perf_counter(), machine_cpu_s(), _cpu_with_children_s()
    found = await verify_ledger(settings, None, full=True)
    client = _cpu_with_children_s() - own
    others = max(0.0, machine_cpu_s() - machine - client)
    records = sum(one.records for one in found.trees)
    return Measured(records, time.perf_counter() - seconds, client, others_cpu_s=others)


async def bare_ed25519(settings: Settings, ends: Mapping[int, int]) -> Measured:
    """One verification for each record of a sample, what signs and is signed being at hand."""
    asked = _Asked()
    async with DirectoryFollower(settings) as follower:
        directories = follower.log
    for partition, last in ends.items():
        reader = PartitionReader(partition, directories, verified=asked)
        records = kafka.records_of(settings, settings.events_topic, partition, last + 1)
        async for some in records:
            for record in some:
                reader.read(record)
            if len(asked.found) >= SAMPLE:
                break
        if len(asked.found) >= SAMPLE:
            break
    sample, watch = asked.found[:SAMPLE], Stopwatch()
    with watch.running():
        for signed, public_key in sample:
            crypto_sign_open(signed, public_key)
    return watch.measured(len(sample))


class _Asked(VerifiedBatches):
    """Remembers of each record what a reader asks: the signature with what it signs, the key."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[bytes, bytes]] = []

    def holds(self, public_key: bytes, signature: Signature, digest: bytes) -> bool:
        """As ever."""
        way = merkle.way_up(digest, signature.index, signature.size, signature.path)
        if way is not None:
            message = _BATCH_CONTEXT + signature.size.to_bytes(4) + way.root
            self.found.append((signature.signed_root + message, public_key))
        return super().holds(public_key, signature, digest)


async def _seal_all(settings: Settings, ends: Mapping[int, int]) -> None:
    async with (
        sealer(settings),
        postgres.connected(settings, name="bench", autocommit=True) as connection,
        asyncio.timeout(STANDSTILL_S),
    ):
        while not await _covers(connection, settings, ends):
            await asyncio.sleep(POLL_S)


async def _covers(connection: Connection, settings: Settings, ends: Mapping[int, int]) -> bool:
    """Whether a seal covers the last record of each partition."""
    sealed = (await seal_figures(connection)).sealed or {}
    return all(sealed.get(f"{settings.events_topic}/{one}", 0) > end for one, end in ends.items())


def _cpu_with_children_s() -> float:
    """Of this process and of those that it started and that have ended."""
    found = os.times()
    return found.user + found.system + found.children_user + found.children_system
