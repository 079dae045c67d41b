"""The way in for programs: emit events, and get receipts when they are in the log.

`async with Producer(settings) as p: receipt = await p.emit(LetterSent(…), …)`. Owns encoding,
signing in batches (integrity.md §1), the order of events per subject and the limit on what is
under way. Refuses what is no well-formed event; whether an event counts is a verdict of the
folds and not asked here. Sending an event again is harmless as long as its event_id stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from types import TracebackType
from typing import Any, Final, Self, TypedDict

import msgspec
from msgspec import structs

from runut.delivery import Delivery
from runut.directory import Ledger
from runut.directory_log import DirectoryLog
from runut.emitting import Closed, Emitter
from runut.errors import BadInput, NotOpen
from runut.event import Event
from runut.gathering import Gathering
from runut.keystore import KeyStore
from runut.lanes import Lane, Receipt, Room, Sent
from runut.outgoing import Draft, Outgoing, demand_agencys
from runut.partitioner import partition_of
from runut.settings import Settings
from runut.signers import EVERY_S, Signers
from runut.signing import MAX_BATCH, Signer
from runut.tracing import Emissions

LINGER_S: Final = 0.002
GATHERED: Final = 4 * MAX_BATCH
"""Events at most that wait to be signed together, each agency's with a signature."""
DELIVERY_TIMEOUT_S: Final = 120.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class _Waiting(msgspec.Struct, frozen=True):
    """An event between `send` and its signature."""

    draft: Draft
    partition: int
    signer: Signer | None
    timestamp_ms: int | None
    receipt: asyncio.Future[Receipt]


class Options(TypedDict, total=False):
    """What `Producer` takes by name, for those who hand it on."""

    require_keys: bool
    linger_s: float
    delivery_timeout_s: float
    directory_every_s: float


class Producer(Emitter[Receipt]):
    """Emits events of the agencies whose keys are in a key store."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyStore | None = None,
        *,
        require_keys: bool = True,
        linger_s: float = LINGER_S,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
        directory_every_s: float = EVERY_S,
    ) -> None:
        """Take the key store, that of the data directory by default.

        Args:
            require_keys: False lets events of agencies without a usable local key go unsigned;
                what they are worth is for the verdict to say.
            linger_s: how long an event waits for others to share a signature with, which costs
                more than all else that happens to it. It waits only while others are under way,
                and some times as long while more keep coming.
            delivery_timeout_s: how long an event is tried while no broker answers.
            directory_every_s: how often the directory is read on. A key that is revoked there
                signs so long at most.
        """
        self._settings = settings
        self._own_signers = Signers(
            settings,
            keys or KeyStore(settings.keys),
            require_keys=require_keys,
            every_s=directory_every_s,
        )
        self._delivery = Delivery(settings, settings.events_topic, delivery_timeout_s)
        self._room = Room()
        self._waiting: list[_Waiting] = []
        self._gathering = Gathering(self._waiting, linger_s, self._sign)
        self._close()

    def _close(self) -> None:
        """Have everything refused that needs it to be open."""
        self._is_open = False
        closed: Any = Closed(self)
        self._signers: Signers = closed
        self._loop: asyncio.AbstractEventLoop = closed
        self._lanes: list[Lane] = closed

    async def __aenter__(self) -> Self:
        """Read the directory and connect.

        Raises:
            Unreachable: no broker answers.
            LedgerMismatch: no ledger is founded there, or the events topic is not its own.
        """
        async with AsyncExitStack() as stack:
            ledger = (await stack.enter_async_context(self._own_signers)).ledger
            stack.push_async_callback(self._delivery.stop)
            await self._delivery.start(ledger.partitions)
            self._stack = stack.pop_all()
        self._open(ledger)
        return self

    def _open(self, ledger: Ledger) -> None:
        self._is_open = True
        self._partitions = ledger.partitions
        self._own_times = ledger.clock == "TEST"
        self._emissions = Emissions(self._settings.events_topic)
        self._signers = self._own_signers
        self._loop = asyncio.get_running_loop()
        self._lanes = [
            Lane(self._delivery, self._settings.events_topic, partition, self._room)
            for partition in range(ledger.partitions)
        ]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Wait for what was sent, unless cancelled; disconnect."""
        try:
            if kind is None or not issubclass(kind, asyncio.CancelledError):
                await self.flush()
        finally:
            await self._stop()

    @property
    def directories(self) -> DirectoryLog:
        """The directory, which is read on while the producer is open."""
        return self._signers.directories

    async def read_directory(self) -> bool:
        """Read the directory on at once; says whether there was more of it.

        Raises:
            Unreachable: no broker answers.
            LedgerMismatch: the directory is not the one that was read before.
        """
        return await self._signers.read_on()

    async def emit_event(self, event: Event) -> Receipt:
        """Send one event and wait until it is in the log.

        Raises:
            BadInput, LedgerMismatch, MissingKey: as `send`.
            Unreachable: no broker took it in time; it may still be in the log.
            NotRecorded: Kafka refuses it.
        """
        return await (await self.send(event))

    async def send(
        self, event: Event, *, recorded_at: datetime | None = None
    ) -> asyncio.Future[Receipt]:
        """Accept an event; the receipt comes when it is in the log.

        Waits while too much is under way. Events of one subject keep the order in which they
        were accepted. An event is sent even if its future is cancelled. In a ledger with a TEST
        clock, `recorded_at` is the record's time, `occurred_at` by default.

        Raises:
            BadInput: it is no well-formed event of an agency, naming the field.
            LedgerMismatch: the ledger does not know this release's schema of it.
            MissingKey: its agency has no key here that the directory knows.
        The future raises Unreachable or NotRecorded: what waits behind a failed event in its
        partition fails with it, so that nothing overtakes.
        """
        return await self.send_draft(self.draft(event), recorded_at=recorded_at)

    def draft(self, event: Event, *, is_checked: bool = False) -> Draft:
        """Encode an event, for who looks at it before it is sent. Raises as `send`.

        What came from JSON (`runut.json_form`) has had its ids checked.
        """
        draft = self._signers.envelope.draft(event, is_checked=is_checked)
        demand_agencys(draft)
        return draft

    async def send_draft(
        self, draft: Draft, *, recorded_at: datetime | None = None
    ) -> asyncio.Future[Receipt]:
        """Accept an event that `draft` made; otherwise as `send`."""
        event = draft.event
        signer = self._signers.known.get(event.agency) or await self._signers.of(event.agency)
        timestamp_ms = self._timestamp(event, recorded_at)
        if not self._room.entered(len(draft.body)):
            await self._enter(len(draft.body))
        receipt: asyncio.Future[Receipt] = self._loop.create_future()
        partition = partition_of(event.subject.encode(), self._partitions)
        if trace := self._emissions.begin(event, partition, receipt):
            draft = structs.replace(draft, trace=trace)
        self._waiting.append(_Waiting(draft, partition, signer, timestamp_ms, receipt))
        if len(self._waiting) == GATHERED:
            self._sign()
        elif self._gathering.due is None:
            self._gathering.begin(is_alone=self._room.events == 1)
        if len(self._waiting) % MAX_BATCH == 0:
            await asyncio.sleep(0)  # who sends many must not starve those who carry them
        return receipt

    async def forward(self, record: Outgoing) -> asyncio.Future[Receipt]:
        """Accept a record that its agency signed itself and that was checked; else as `send`."""
        receipt: asyncio.Future[Receipt] = self._loop.create_future()
        await self._enter(len(record.value))
        self._sign()  # what was accepted before goes first
        partition = partition_of(record.key, self._partitions)
        timestamp_ms = self._timestamp(record.event, None)
        self._lanes[partition].put(Sent(record, timestamp_ms, len(record.value), receipt))
        return receipt

    async def flush(self) -> None:
        """Wait until everything that was accepted has its receipt or its error."""
        self._sign()
        while busy := [lane.task for lane in self._lanes if lane.task is not None]:
            await asyncio.wait(busy)

    async def _enter(self, size: int) -> None:
        """Wait for room, which nobody keeps who is let in after the end."""
        await self._room.enter(size)
        if not self._is_open:
            self._room.leave(1, size)
            raise NotOpen(type(self).__name__)

    async def _stop(self) -> None:
        """Drop what is under way, and disconnect."""
        lanes = self._lanes
        self._close()  # first: others may be about to send while this waits
        self._gathering.done()
        for one in self._waiting:
            one.receipt.cancel()
        self._room.leave(len(self._waiting), sum(len(one.draft.body) for one in self._waiting))
        self._waiting.clear()
        for lane in lanes:
            await lane.stop()
        await self._stack.aclose()

    def _sign(self) -> None:
        """Sign what waits, an agency's events together, and put it on its way in order."""
        self._gathering.done()
        # Neighbours in a batch's tree share most of their way to its root: who reads a partition
        # is to find its events side by side. Within a partition they stay in order.
        waiting = sorted(self._waiting, key=attrgetter("partition"))
        self._waiting.clear()
        groups: dict[Signer | None, list[Draft]] = {}
        for one in waiting:
            groups.setdefault(one.signer, []).append(one.draft)
        sealed = {signer: self._sealed(drafts, signer) for signer, drafts in groups.items()}
        for one in waiting:
            self._lanes[one.partition].put(
                Sent(next(sealed[one.signer]), one.timestamp_ms, len(one.draft.body), one.receipt)
            )

    def _sealed(self, drafts: list[Draft], signer: Signer | None) -> Iterator[Outgoing]:
        seal = self._signers.envelope.seal
        batches = (drafts[at : at + MAX_BATCH] for at in range(0, len(drafts), MAX_BATCH))
        return iter([one for batch in batches for one in seal(batch, signer)])

    def _timestamp(self, event: Event, recorded_at: datetime | None) -> int | None:
        if not self._own_times:
            if recorded_at is not None:
                expected = "none: in this ledger the broker's clock sets it"
                raise BadInput("recorded_at", expected, recorded_at)
            return None
        # Kafka knows no time before 1970.
        return max(0, ((recorded_at or event.occurred_at) - _EPOCH) // _MILLISECOND)
