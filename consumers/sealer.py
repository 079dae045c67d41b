"""Seal the ledger: grow the trees of its log, and sign what they are.

Plain aiokafka like the projector, in a process of its own. Owns when a seal is made and that none
is signed twice in two ways: what is to be signed is committed first, what was published is
reproduced before anything is added, and whoever cannot do so stops (integrity.md §4). One process
seals; another waits to take over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import psycopg
import structlog

from consumers.leadership import leading
from consumers.log_check import check_log
from consumers.published_seals import PublishedSeal, PublishedSeals
from consumers.sealing import Sealing, seal_log
from consumers.signature_checks import SignatureChecker
from consumers.tree_reading import TreeReading
from projections.seals.install import install_seals
from projections.seals.known import StoredTree
from projections.seals.store import SealStore, StoredSeal, Tip
from projections.seals.trees import SEAL_LOG
from runut.adapters import kafka
from runut.directory import Ledger, founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadFile, BadInput, MissingKey, SealMismatch, Unreachable
from runut.keystore import KeyStore
from runut.notes import Checkpoint, Note, NoteSigner, VerifierKey, parse_checkpoint, parse_note
from runut.seal_key import seal_signer
from runut.seals import Seal
from runut.settings import Settings

log = structlog.get_logger(__name__)

TASK: Final = "sealer"
HEARTBEAT_S: Final = 3600.0
"""A quiet ledger is sealed so often: that nothing was added is worth a witness's word, too."""
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
KEY_PAUSE_S: Final = 60.0
"""A key comes by hand."""


class Sealer:
    """The service: seals when nobody else does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failures = 0

    async def run(self) -> None:
        """Seal until cancelled; while Kafka, PostgreSQL or the key is away, wait for it.

        Raises:
            SealMismatch: log or tables do not give the seals that were made.
            LedgerMismatch: the log is not the one that was read, or there is no ledger.
            FencedOut: somebody else seals.
        """
        while True:
            try:
                await self._seal()
            except (psycopg.OperationalError, Unreachable) as error:
                pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
                self._failures += 1
                await _pause(error, pause_s)
            except MissingKey as error:
                await _pause(error, KEY_PAUSE_S)

    async def _seal(self) -> None:
        async with terms(self._settings) as term:
            await term.reproduce()
            log.info("seals", next_seal=term.next_index)
            while True:
                await term.turn()
                self._failures = 0


async def _pause(error: Exception, pause_s: float) -> None:
    log.warning("the sealer waits, trying again", reason=str(error).strip(), pause_s=pause_s)
    await asyncio.sleep(pause_s)


@asynccontextmanager
async def terms(settings: Settings) -> AsyncIterator[Term]:
    """Everything that the one sealer works with, connected, once what is stored was checked.

    Raises as `Sealer.run`, and:
        Unreachable: Kafka or PostgreSQL does not answer.
        MissingKey: the key of the seals is not here.
    """
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(leading(settings, TASK, install_seals))
        follower = await stack.enter_async_context(DirectoryFollower(settings))
        ledger = founded(follower.log.latest.ledger)
        signer = seal_signer(KeyStore(settings.keys), ledger.name)
        reader, consumer = kafka.consumer(settings), kafka.consumer(settings)
        producer = kafka.producer(settings)
        for client in (reader, consumer, producer):
            await stack.enter_async_context(kafka.connected(settings, client))
        store = await SealStore.claim(connection, trees_of(settings, ledger))
        await _check_logs(settings, await store.tips())
        sealing = await Sealing.open(store, ledger)
        known = await store.signature_checks()
        checker = SignatureChecker(follower.log, ledger.ledger_id, known)
        reading = TreeReading(settings, reader, follower, store, sealing.trees, checker)
        published = PublishedSeals(settings, consumer, producer, signer.key)
        yield Term(settings, store, sealing, reading, published, signer)


def trees_of(settings: Settings, ledger: Ledger) -> list[StoredTree]:
    """All trees of a ledger by their numbers, that of the log of seals first."""
    topics = [
        (settings.directory_topic, 0),
        *((settings.events_topic, partition) for partition in range(ledger.partitions)),
    ]
    return [seal_log(ledger), *(StoredTree(n, *one) for n, one in enumerate(topics, SEAL_LOG + 1))]


async def _check_logs(settings: Settings, tips: list[Tip]) -> None:
    for topic in (settings.directory_topic, settings.events_topic):
        await check_log(settings, [tip for tip in tips if tip.tree.topic == topic], topic)


class Term:
    """One sealer's time."""

    def __init__(
        self,
        settings: Settings,
        store: SealStore,
        sealing: Sealing,
        reading: TreeReading,
        published: PublishedSeals,
        signer: NoteSigner,
    ) -> None:
        self._settings = settings
        self._store = store
        self._sealing = sealing
        self._reading = reading
        self._published = published
        self._signer = signer
        self._interval = Interval(settings.seal_interval_s)

    @property
    def next_index(self) -> int:
        """Of the seal to be made next."""
        return self._sealing.next_index

    async def reproduce(self) -> None:
        """Bring stored and published seals together; then sign what was committed and is not yet.

        Raises:
            SealMismatch: they are not of one log, or lack what a witness has; nothing was signed.
        """
        stored = await self._store.last_seal()
        async for one in self._published.since(stored.index if stored else 0):
            stored = await self._agree(stored, one)
        if self._settings.seal_witnessed is not None:
            await self._demand_witnessed(self._settings.seal_witnessed)
        await self._publish_missing()
        self._interval.go_on(self._sealing.last)

    async def turn(self) -> None:
        """Read for a moment; seal where it is time."""
        await self._reading.read()
        unsealed = self._sealing.unsealed
        is_due = unsealed >= self._settings.seal_count or self._interval.is_over(bool(unsealed))
        if is_due and self._reading.is_whole and await self._reading.is_up_to_date():
            stored = await self._sealing.seal(datetime.now(UTC))
            await self._publish(stored)
            self._interval.go_on(self._sealing.last)
            log.info("sealed", seal=stored.index, records=unsealed)

    async def _agree(self, stored: StoredSeal | None, one: PublishedSeal) -> StoredSeal:
        """The stored seal that a published one is, made now if it is not there."""
        if stored is None or stored.index < one.seal.index:
            await self._reading.read_up_to(one.seal)
            stored = await self._sealing.reproduce(one.seal)
        if (stored.entry, stored.checkpoint) != (one.entry, one.checkpoint):
            raise SealMismatch(
                stored.index, "checkpoint", repr(one.checkpoint), repr(stored.checkpoint)
            )
        if stored.signature is None:
            await self._store.save_signature(stored.index, one.signature.line())
        return stored

    async def _demand_witnessed(self, file: Path) -> None:
        """That the log has a checkpoint which a witness knows."""
        known = witnessed(file, self._signer.key)
        if known.size >= self._sealing.next_index + 1:
            found = f"a log of {self._sealing.next_index} seals"
            raise SealMismatch(known.size - 1, f"checkpoint in {file}", "to be published", found)
        root = await self._sealing.root(known.size)
        if root != known.root:
            thing = f"checkpoint in {file}"
            raise SealMismatch(known.size - 1, thing, known.root.hex(), root.hex())

    async def _publish_missing(self) -> None:
        """Publish what was committed, or was lost from the topic: the same bytes as before."""
        last = await self._published.last()
        for index in range(last.seal.index + 1 if last else 0, self._sealing.next_index):
            stored = await self._store.seal(index)
            if stored.signature is not None:
                log.warning("a seal is no more in its topic, publishing it again", seal=index)
            await self._publish(stored)

    async def _publish(self, stored: StoredSeal) -> None:
        """Sign a committed seal, publish it and keep the signature."""
        signature = self._signer.sign(stored.checkpoint)
        if stored.signature not in {None, signature.line()}:
            found = f"another key's: {stored.signature}"
            raise SealMismatch(stored.index, "signature", f"that of {self._signer.key}", found)
        await self._published.publish(stored.entry, Note(stored.checkpoint, (signature,)))
        if stored.signature is None:
            await self._store.save_signature(stored.index, signature.line())


class Interval:
    """When the next seal is due, by a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sealed_at: float | None = None

    def go_on(self, last: Seal | None) -> None:
        """Count from the seal made last; by its time, where that is not ahead of ours."""
        if last is not None:
            age_s = datetime.now(UTC).timestamp() - last.sealed_at_ms / 1000
            self._sealed_at = monotonic() - max(0.0, age_s)

    def is_over(self, is_waited_for: bool) -> bool:
        """Whether a seal is due: soon where a record waits for it, else as a sign of life."""
        if self._sealed_at is None:
            return is_waited_for
        return monotonic() - self._sealed_at >= (self._seconds if is_waited_for else HEARTBEAT_S)


def witnessed(file: Path, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a file, as a witness keeps it.

    Raises:
        BadFile: there is none that this key signed.
    """
    try:
        note = parse_note(file.read_bytes())
        if any(key.verified(note.text, one) for one in note.signatures):
            return parse_checkpoint(note.text)
    except (OSError, BadInput) as error:
        raise BadFile(str(file), f"a checkpoint signed by {key}", error) from None
    raise BadFile(str(file), f"a checkpoint signed by {key}", note.text)
