"""The outbox relay: whatever an agency's database committed goes to the ledger, in order.

Any number of relays share one outbox: each takes shards that no other one has. A position moves
after Kafka's acknowledgement, so that a row goes at least once; the same row is always the same
event, so that it counts once. Loses nothing when it, Kafka or the database is killed: it waits and
goes on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final, TypeVar

import msgspec
import structlog

from producers.outbox import positions
from producers.outbox.positions import Shard
from producers.outbox.publishing import Published, Publisher
from producers.outbox.source import Source, connected
from runut import Producer
from runut.backoff import full_jitter
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadInput, MissingKey, NotRecorded, Unreachable
from runut.event import AGENCY_PATTERN, AgencyCode
from runut.keystore import KeyStore
from runut.outgoing import usable_key
from runut.settings import Settings

log = structlog.get_logger(__name__)
T = TypeVar("T")

NAME: Final = "runut outbox relay"
POLL_S: Final = 1.0
"""How often we look without being told, since a row may have to wait for another transaction."""
DELIVERY_TIMEOUT_S: Final = 30.0
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
GRACE_S: Final = 10.0
"""How long what is under way may take when the relay is told to stop."""
REPORT_EVERY_S: Final = 5.0


class Relayed(msgspec.Struct):
    """What a relay did so far."""

    sent: int = 0
    """Events written to the log."""
    refused: int = 0
    """Rows that can be no event, each time one was tried."""


class Relay:
    """Carries rows of one agency's outbox until it is cancelled."""

    def __init__(self, settings: Settings, url: str, agency: str, *, at_once: int) -> None:
        """Take the database's URL, the agency that emits, and how many shards to work on at once.

        Raises:
            BadInput: no agency can have that code.
        """
        if not AGENCY_PATTERN.fullmatch(agency):
            raise BadInput("agency", f"a code that matches {AGENCY_PATTERN.pattern}", agency)
        self.relayed = Relayed()
        self._settings = settings
        self._url = url
        self._at_once = at_once
        self._agency = AgencyCode(agency)
        self._publisher = Publisher(self._agency)
        self._batches = 0
        self._reported = (0.0, 0)

    async def run(self, *, once: bool = False) -> None:
        """Relay until cancelled; with `once`, until there is nothing to send.

        What is under way when it is cancelled is finished first, within `GRACE_S`.

        Raises:
            BadInput: the database has no outbox, or we no rights on it.
            LedgerMismatch: no ledger is founded, or it does not know this release's schemas.
            MissingKey, BadFile: the agency has no key here that the directory knows, or a bad one.
            Unreachable, NotRecorded: with `once`, Kafka or the database fails.
        """
        failures = 0
        while True:
            before = self._batches
            try:
                await self._connect_and_relay(once=once)
            except (Unreachable, NotRecorded) as error:
                if once:
                    raise
                failures = failures + 1 if self._batches == before else 1
                pause_s = full_jitter(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
                log.warning("trying again", reason=str(error), pause_s=pause_s)
                await asyncio.sleep(pause_s)
            else:
                return

    async def _connect_and_relay(self, *, once: bool) -> None:
        keys = KeyStore(self._settings.keys)
        await self._demand_key(keys)
        async with AsyncExitStack() as stack:
            sources = [
                await stack.enter_async_context(connected(self._url, name=NAME))
                for _ in range(self._at_once + 1)
            ]
            producer = await stack.enter_async_context(
                Producer(self._settings, keys, delivery_timeout_s=DELIVERY_TIMEOUT_S)
            )
            log.info("connected", at_once=self._at_once)
            watch, *workers = sources
            await watch.listen()
            while True:
                is_moving = await self._round(producer, workers, await positions.due(watch))
                if once and not is_moving:
                    return
                self._report()
                # Also when there is more to do: what PostgreSQL told us must not pile up.
                await watch.news(0 if is_moving else POLL_S)

    async def _demand_key(self, keys: KeyStore) -> None:
        """Stop now rather than at the first row, which may come at night."""
        async with DirectoryFollower(self._settings) as follower:
            directory = follower.log.latest
        must_sign = founded(directory.ledger).require_signatures
        if must_sign and usable_key(keys, directory, self._agency) is None:
            raise MissingKey(self._agency, keys.path)

    async def _round(self, producer: Producer, workers: Sequence[Source], due: list[Shard]) -> bool:
        """One batch of each shard; False where none was ours."""
        random.shuffle(due)  # several relays begin with different ones
        done: list[bool] = []

        async def work(source: Source) -> None:
            while due:
                done.append(await self._batch(producer, source, due.pop()))

        # Those that can still finish do, also when one fails: what is in the log is written down.
        working = asyncio.gather(*(work(one) for one in workers), return_exceptions=True)
        for failed in await _finished(working):
            if failed is not None:
                raise failed
        return any(done)

    async def _batch(self, producer: Producer, source: Source, shard: Shard) -> bool:
        """Send the next rows of a shard; False when another relay has it."""
        async with source.transaction():
            if not await positions.lock(source, shard):
                return False
            after = await positions.position(source, shard)
            if after is None:
                log.warning("another cluster: looking at all rows", shard=shard)
                await positions.restart(source, shard)
                return True
            window = await positions.read_window(source, shard, after)
            if window is None:
                return True
            ready = await positions.read_ready(source, window)
            published = await self._publisher.publish(producer, shard, ready.rows)
            await positions.record(source, window, published.passed, published.refusals)
            if not ready.is_cut:
                await positions.advance(source, shard, window.end)
        self._publisher.settle(shard)
        self._count(published)
        return True

    def _count(self, published: Published) -> None:
        self._batches += 1
        self.relayed.sent += published.events
        self.relayed.refused += len(published.refusals)

    def _report(self) -> None:
        at, sent = self._reported
        now = asyncio.get_running_loop().time()
        if self.relayed.sent > sent and now >= at + REPORT_EVERY_S:
            self._reported = now, self.relayed.sent
            log.info("relayed", **msgspec.structs.asdict(self.relayed))


async def _finished(work: asyncio.Future[T]) -> T:
    """The result of some work, which a cancellation leaves a while to come to its end."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([work], timeout=GRACE_S)
        finally:
            work.cancel()
            await asyncio.wait([work])
        raise
