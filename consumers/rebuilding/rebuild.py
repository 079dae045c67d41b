"""Rebuild all read models beside the live ones, and swap them.

Owns the order of things: load, indexes, comparison, catch-up, swap. Whatever ends it before the
swap leaves the live read models as they were, and the next call goes on where this one was.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from typing import Final, Literal

import msgspec
import psycopg
from aiokafka.structs import TopicPartition

from consumers.rebuilding.catching_up import CatchingUp
from consumers.rebuilding.share import REBUILDER, load_shares
from projections import rebuilding
from projections.comparing_models import Comparison, Models, RowDiffers, positions_in
from projections.install import installed_version, model_version
from projections.processes import Pool, count, pool_of
from projections.several_connections import several
from projections.swapping import TRY_AGAIN_S, swapping
from projections.waiting import is_claimed
from runut.adapters import kafka, postgres
from runut.adapters.postgres import Connection
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.errors import Busy, PlatformError, Unreachable
from runut.records import RawRecord
from runut.settings import Settings

Phase = Literal["load", "index", "compare", "swap"]
Tell = Callable[[Phase, int, int], None]
"""Told what goes on: how many records are done of how many, where it is a matter of records."""

SWAP_ATTEMPTS: Final = 60
CLOSE: Final = 5_000
"""Records that may be left to catch up while writers wait."""
STANDSTILL_S: Final = 30.0
"""For which a worker that is behind is waited for, though it does not move."""
POLL_S: Final = 0.1
ROUNDS: Final = 20
"""After which the rest, however long, is caught up while they wait."""


class Wanted(msgspec.Struct, frozen=True):
    """How to rebuild."""

    processes: int
    accept_differences: bool = False
    drop_old: bool = False
    verify_signatures: bool = False
    """All of them, also those that the sealer verified."""


class Rebuilt(msgspec.Struct):
    """What a rebuild did."""

    version: str
    """Of the read models that were made."""
    continued: bool
    """An earlier rebuild that was interrupted."""
    records: int = 0
    """In the log, up to the swap."""
    load_s: float = 0.0
    index_s: float = 0.0
    compare_s: float = 0.0
    """With gathering what the planner is to know."""
    swap_s: float = 0.0
    """With catching up, and with waiting for others."""
    compared: bool = False
    """With the live ones: they are of the same version."""
    differing: int = 0
    differences: list[RowDiffers] = msgspec.field(default_factory=list)
    swapped: bool = False
    old: str | None = None
    """Schema of the read models that were live before, if they are still there."""


async def rebuild(settings: Settings, wanted: Wanted, tell: Tell) -> Rebuilt:
    """Make all read models again and have them take the place of the live ones.

    They do not where the comparison finds differences that were not accepted.

    Raises:
        PlatformError: another rebuild is under way, or somebody reads for too long for a swap.
        LedgerMismatch: Kafka's log is not what it was, or needs a newer release.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    try:
        return await _rebuild(settings, wanted, tell)
    except psycopg.OperationalError as error:
        address = postgres.address_of(settings.postgres_url or "")
        reason = str(error).strip()
        raise Unreachable("PostgreSQL", address, "call it again: it goes on", reason) from None
    except BrokenProcessPool:
        raise PlatformError(
            "rebuild: expected its processes to live, found one killed, perhaps for want of "
            "memory; call it again, with fewer --processes: it goes on"
        ) from None


async def _rebuild(settings: Settings, wanted: Wanted, tell: Tell) -> Rebuilt:
    made = rebuilding.beside(settings)
    async with alone(settings) as watching, following(made) as (follower, directory):
        with pool_of(wanted.processes) as pool:
            pool.start(_come_in)
            ends = await _ends(made, founded(follower.log.latest.ledger).partitions)
            is_verifying = wanted.verify_signatures
            continued = await rebuilding.plan(watching, settings, ends, is_verifying=is_verifying)
            found = Rebuilt(model_version(), continued)
            await _load(made, found, wanted.processes, pool, tell)
        async with CatchingUp(made, follower) as catching_up:
            await asyncio.gather(
                _make_indexes(made, found, wanted.processes, tell),
                catching_up.begin(directory, list(ends)),
            )
            taking_place = TakingPlace(settings, watching, catching_up, found)
            await taking_place.run(wanted, tell)
        if found.swapped and wanted.drop_old:
            await rebuilding.remove(watching, rebuilding.before(settings))
            found.old = None
    return found


async def clean(settings: Settings) -> list[str]:
    """Drop what an interrupted rebuild left, and what was live before the last one; gives schemas.

    Raises:
        PlatformError: a rebuild is under way.
    """
    async with alone(settings) as connection:
        schemas = (rebuilding.beside(settings).model_schema, rebuilding.before(settings))
        return await rebuilding.remove(connection, *schemas)


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[Connection]:
    """A connection that says that a rebuild is under way; one at a time.

    Raises:
        PlatformError: another one is.
    """
    key = sha256(f"{settings.model_schema} rebuild".encode()).digest()[:8]
    async with postgres.connected(settings, name=REBUILDER, autocommit=True) as connection:
        asked = (int.from_bytes(key, signed=True),)
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", asked)
        if await cursor.fetchone() != (True,):
            raise PlatformError(
                f"read models in schema {settings.model_schema}: expected to be alone in "
                "rebuilding them, found another rebuild under way"
            )
        yield connection


@asynccontextmanager
async def following(
    settings: Settings,
) -> AsyncIterator[tuple[DirectoryFollower, list[RawRecord]]]:
    """The directory, and its records until now."""
    follower = DirectoryFollower(settings)
    records = await follower.start()
    try:
        yield follower, records
    finally:
        await follower.stop()


async def _ends(settings: Settings, partitions: int) -> dict[int, int]:
    consumer = kafka.consumer(settings)
    async with kafka.connected(settings, consumer):
        places = [TopicPartition(settings.events_topic, one) for one in range(partitions)]
        ends = await kafka.end_offsets(settings, consumer, places)
    return {place.partition: end for place, end in ends.items()}


def _come_in() -> None:
    """Nothing: a process imports this module, and all that it loads with, while that is planned."""


async def _load(made: Settings, found: Rebuilt, processes: int, pool: Pool, tell: Tell) -> None:
    since = time.monotonic()
    async with postgres.connected(made, name=REBUILDER, autocommit=True) as connection:
        while (done := await rebuilding.done(connection)).shares_left:
            calls = [(made,)] * min(processes, done.shares_left)
            told = partial(_tell_loaded, tell, done)
            told(0)
            await pool.run(_load_in_process, calls, told)
    found.load_s = time.monotonic() - since


def _tell_loaded(tell: Tell, done: rebuilding.Done, records: int) -> None:
    tell("load", done.records + records, done.total)


def _load_in_process(made: Settings) -> None:
    # What a share holds in memory holds no cycles: they are looked for when it is let go.
    gc.disable()
    asyncio.run(load_shares(made, count))


async def _make_indexes(made: Settings, found: Rebuilt, connections: int, tell: Tell) -> None:
    tell("index", 0, 0)
    since = time.monotonic()
    async with several(made, connections, REBUILDER) as opened:
        await rebuilding.make_indexes(opened)
    found.index_s = time.monotonic() - since


class TakingPlace:
    """From the moment when new read models are complete to the one when they are live."""

    def __init__(
        self, settings: Settings, watching: Connection, catching_up: CatchingUp, found: Rebuilt
    ) -> None:
        self._settings = settings
        self._watching = watching
        self._catching_up = catching_up
        self._found = found
        self._made = rebuilding.beside(settings).model_schema
        self._models = Models(settings.model_schema, self._made)

    async def run(self, wanted: Wanted, tell: Tell) -> None:
        """Compare, catch up and swap; not where something differs that is not accepted."""
        live = await installed_version(self._watching, self._settings.model_schema)
        self._found.compared = live == model_version()
        compared_at = await positions_in(self._watching, self._made)
        since = time.monotonic()
        compared = await self._compare(wanted.processes, tell)
        self._found.compare_s = time.monotonic() - since
        if self._takes(compared, wanted):
            tell("swap", 0, 0)
            await self._take_place(compared, compared_at, wanted)
            self._found.swap_s = time.monotonic() - since - self._found.compare_s

    async def _take_place(
        self, compared: Comparison, compared_at: Mapping[int, int], wanted: Wanted
    ) -> None:
        await self._catch_up()
        for attempt in range(SWAP_ATTEMPTS):
            try:
                await self._swap(compared, compared_at, wanted)
            except Busy as busy:
                if attempt == SWAP_ATTEMPTS - 1:
                    raise PlatformError(f"{busy}; nothing was changed; call it again") from None
                await asyncio.sleep(TRY_AGAIN_S)
            else:
                return

    async def _compare(self, connections: int, tell: Tell) -> Comparison:
        """With the live ones, where that is to be; the planner gets to know the new ones beside."""
        made = rebuilding.beside(self._settings)
        async with several(made, 1 + connections, REBUILDER) as (beside, *comparing):
            analyzing = rebuilding.analyze(beside)
            if not self._found.compared:
                await analyzing
                return Comparison()
            tell("compare", 0, 0)
            _, compared = await asyncio.gather(analyzing, self._models.compare(comparing))
            return compared

    async def _catch_up(self) -> None:
        """Come close to where the live ones are; to the log's end where they are no measure."""
        if self._found.compared:
            await self._let_workers_come()
        for _ in range(ROUNDS):
            if self._found.compared:
                goal = await positions_in(self._watching, self._settings.model_schema)
            else:
                goal = await self._catching_up.ends()
            if await self._catching_up.to(goal) < CLOSE:
                return

    async def _let_workers_come(self) -> None:
        """Wait for workers that are not as far as was loaded: a swap would fence them out."""
        moved_at, before = time.monotonic(), -1
        while await is_claimed(self._watching, 1):
            live = await positions_in(self._watching, self._settings.model_schema)
            at = self._catching_up.positions.values()
            behind = sum(max(0, one.next_offset - live.get(one.partition, 0)) for one in at)
            if behind != before:
                moved_at, before = time.monotonic(), behind
            if not behind or time.monotonic() - moved_at > STANDSTILL_S:
                return
            await asyncio.sleep(POLL_S)

    async def _swap(
        self, compared: Comparison, compared_at: Mapping[int, int], wanted: Wanted
    ) -> None:
        """Swap, or not, where something differs of what came since they were compared."""
        async with (
            postgres.connected(self._settings, name=REBUILDER, autocommit=True) as connection,
            swapping(connection, self._settings, self._made) as swap,
        ):
            has_live = await installed_version(connection, self._models.live) is not None
            if has_live:
                await self._catching_up.to(await swap.lock_writers())
            await self._catching_up.save_directory([])
            if self._found.compared:
                subjects = await self._models.subjects_since(self._watching, compared_at)
                since = await self._models.compare_some(self._watching, subjects)
                if not self._takes(compared + since, wanted):
                    return
            await swap.wait_for_snapshots(self._watching)
            are_same = self._found.compared and not self._found.differing
            await swap.rename(has_live=has_live, are_same=are_same)
        self._found.swapped = True
        self._found.old = rebuilding.before(self._settings) if has_live else None
        at = self._catching_up.positions.values()
        self._found.records = sum(position.next_offset for position in at)

    def _takes(self, compared: Comparison, wanted: Wanted) -> bool:
        """Whether the new ones may take the place of those that they were compared with."""
        self._found.differing = compared.differing
        self._found.differences = compared.differences
        return wanted.accept_differences or not compared.differing
