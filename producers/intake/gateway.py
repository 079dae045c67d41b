"""The gateway: takes events for agencies, and answers for each with a receipt.

Owns what stands between a caller and the log: a repeat is known, and what would be irregular is
told before it is sent. Encoding and sending is `runut.producer`'s, verdicts are the folds', which
the read models pass on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Final, Self

import msgspec

from producers.intake.given import Given
from producers.intake.patience import Patience
from producers.intake.places import Places
from producers.intake.read_models import Foreseen, ReadModels
from producers.intake.recent import Known, Recent
from producers.intake.signed import as_record, judge
from producers.intake.signing import GatewayKeys, ReceiptSigner
from producers.intake.unprojected import Unprojected
from runut.adapters import kafka
from runut.directory import Directory
from runut.encoded import EncodedRecord
from runut.errors import AlreadyRecorded, BadInput, Busy, Refused, Unreachable
from runut.event import AgencyCode, Event, Recorded
from runut.event_ids import DerivedIds, ids_of
from runut.keystore import KeyStore
from runut.lanes import Receipt
from runut.log_reader import content_of
from runut.outgoing import Draft, Outgoing, known_schema_ids
from runut.producer import Producer
from runut.receipts import SignedReceipt
from runut.settings import Settings

WAIT_S: Final = 15.0
"""How long a caller waits for the log before being told to come back."""
LINGER_S: Final = 0.0006
"""How long an event waits for others to share a signature with, eight times that at most: whoever
sent it waits too, and may send nothing before."""
AGAIN_S: Final = 1.0
NOT_RECORDED: Final = -1
UNKNOWN: Final = "UNKNOWN_AGENCY"
_ADVICE: Final = "it may be recorded all the same: send it again with the same event_id"


class Ready(msgspec.Struct, frozen=True, gc=False):
    """An event that can be sent: to be signed here, or signed already."""

    event: Event
    content: bytes
    """Tells two events with one id apart."""
    unsigned: Draft | None
    signed: Outgoing | None
    recorded: Recorded | None
    """As it would be read from the log; None where nobody has asked yet."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """An event that is in the log."""

    receipt: SignedReceipt
    foreseen: Foreseen | None
    """Its verdict in advance; None where it was in the log before."""


class Gateway:
    """Takes events as long as it is open."""

    def __init__(
        self, settings: Settings, read_models: ReadModels, *, wait_s: float = WAIT_S
    ) -> None:
        """Take what tells verdicts in advance, and how long a caller waits for the log."""
        self._settings = settings
        self._read_models = read_models
        self._wait_s = wait_s
        keys = GatewayKeys(settings.keys, self._directory)
        self._producer = Producer(settings, keys, linger_s=LINGER_S, delivery_timeout_s=2 * wait_s)
        self._places = Places(settings)
        self._recent = Recent()
        self._unprojected = Unprojected()

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            Unreachable: no broker answers.
            LedgerMismatch: no ledger is founded there.
            MissingKey: the ledger's own key, which signs receipts, is not here.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._producer)
            await stack.enter_async_context(self._places)
            self._signer = ReceiptSigner(KeyStore(self._settings.keys), self._directory)
            directory = self._directory()
            self.ids: DerivedIds = ids_of(directory)
            self._schema_ids = directory, known_schema_ids(directory)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for what was sent; disconnect."""
        await self._stack.__aexit__(kind, error, trace)

    def prepare(self, given: Given | EncodedRecord) -> Ready:
        """Encode an event, or check the record in which its agency signed it.

        Raises:
            BadInput: it is no event of an agency.
            Refused: its signature is not its agency's.
            LedgerMismatch: the ledger does not know this release's schema of it.
        """
        if isinstance(given, Given):
            draft = self._producer.draft(given.event, is_checked=True)
            if given.signature is None:
                content = content_of(given.event.type, draft.body)
                return Ready(given.event, content, draft, None, None)
            given = as_record(draft, self._schema_id(draft), given.signature)
        signed = judge(
            given, self._producer.directories, self._settings.events_topic, datetime.now(UTC)
        )
        event, content = signed.recorded.event, signed.recorded.content
        return Ready(event, content, None, signed.outgoing, signed.recorded)

    async def take(self, ready: Ready, *, force: bool, by_key: str | None = None) -> Taken:
        """Record an event unless it would be irregular, and wait until it is in the log.

        An event that is in the log already is not written again. `by_key` is the Idempotency-Key
        that gave the event its id.

        Raises:
            Refused: it would be irregular, and `force` is not set.
            AlreadyRecorded: another event of the agency has its id.
            BadInput: the same, where the id comes from the Idempotency-Key.
            MissingKey: its agency signs itself, or has left no key here.
            Unreachable, NotRecorded, Busy: not now; it may be sent again.
        """
        try:
            return await self._take(ready, force=force, search=by_key is not None)
        except AlreadyRecorded:
            if by_key is None:
                raise
            expected = "a key of its own for each event"
            raise BadInput("Idempotency-Key", expected, f"{by_key}, used before") from None
        except TimeoutError:
            address = kafka.bootstrap(self._settings)
            raise Unreachable("Kafka", address, _ADVICE, f"{self._wait_s:g} s") from None

    async def put(self, ready: Ready) -> tuple[asyncio.Future[Receipt], bool]:
        """Send an event whatever its verdict; its receipt comes when it is in the log.

        Waits while too much is under way. The receipt of a repeat that is known here is the first
        one's; the other value says whether the event was sent now.

        Raises:
            AlreadyRecorded, MissingKey: as `take`.
        """
        known = self._recent.find(ready.event, ready.content)
        if known is not None:
            return known.receipt, False
        receipt = await self._send(ready)
        self._recent.keep(ready.event, ready.content, receipt)
        return receipt, True

    def receipts(self, stored: Sequence[tuple[AgencyCode, Receipt]]) -> list[SignedReceipt]:
        """Signed receipts of at most 1,024 events, which share a signature; in order."""
        for _, receipt in stored:
            self._unprojected.note(receipt)
        return self._signer.sign(stored)

    async def _take(self, ready: Ready, *, force: bool, search: bool) -> Taken:
        known = self._recent.find(ready.event, ready.content)
        if known is not None:
            return Taken(await self._joined(ready.event, known), None)
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        known = self._recent.keep(ready.event, ready.content, receipt)
        with Patience(self._wait_s):
            try:
                foreseen = await self._foresee(ready, patient=not force)
                repeated = search or foreseen.verdict == "DUPLICATE"
                before = await self._recorded_before(ready) if repeated else None
                if before is None:
                    _demand_regular(ready.event, foreseen, force=force)
                    sent = await self._send(ready)
            except BaseException:
                receipt.cancel()
                raise
            if before is not None:
                receipt.set_result(before)
                return Taken(await self._signed(ready.event, known), None)
            # From here on it is on its way, whether the caller waits or not.
            sent.add_done_callback(partial(_pass_on, receipt))
            self._unprojected.note(await _shared(receipt))
            return Taken(await self._signed(ready.event, known), foreseen)

    async def _joined(self, event: Event, known: Known) -> SignedReceipt:
        """The receipt of an event that somebody else is recording, or has recorded."""
        done, _ = await asyncio.wait({known.receipt}, timeout=self._wait_s)
        if not done:
            raise TimeoutError
        if known.receipt.cancelled():
            raise Busy("the same event was given up just now", AGAIN_S)
        return await self._signed(event, known)

    async def _signed(self, event: Event, known: Known) -> SignedReceipt:
        """The signed receipt of an event in the log; the same however often it is asked for."""
        if known.signed is None:
            known.signed = await self._signer.sign_soon(event.agency, known.receipt.result())
        return known.signed

    async def _foresee(self, ready: Ready, *, patient: bool) -> Foreseen:
        """The verdict in advance; being patient, nothing that we wrote ourselves speaks against it.

        What was recorded a moment ago may not be projected yet: then its successor looks irregular.
        """
        recorded = ready.recorded or self._would_be(ready)
        foreseen = await self._read_models.foresee(recorded, self._producer.directories)
        if UNKNOWN in foreseen.codes and await self._producer.read_directory():
            return await self._foresee(ready, patient=patient)  # it was registered just now
        written = self._unprojected.last(ready.event.subject)
        if foreseen.verdict != "IRREGULAR" or written is None or not patient:
            return foreseen
        if not await self._read_models.is_projected(*written):
            raise Busy("the read models have not come to the subject's last event", AGAIN_S)
        self._unprojected.forget(ready.event.subject, written)
        return await self._read_models.foresee(recorded, self._producer.directories)

    async def _recorded_before(self, ready: Ready) -> Receipt | None:
        event = ready.event
        place = await self._read_models.find(event)
        if place is None:
            return None
        if place.content != ready.content:
            raise AlreadyRecorded(event.agency, event.event_id)
        directories = self._producer.directories
        return await self._places.receipt_at(place.partition, place.offset, directories)

    async def _send(self, ready: Ready) -> asyncio.Future[Receipt]:
        if ready.signed is not None:
            return await self._producer.forward(ready.signed)
        assert ready.unsigned is not None  # noqa: S101 - one of the two is there
        return await self._producer.send_draft(ready.unsigned)

    def _would_be(self, ready: Ready) -> Recorded:
        """An event that the gateway signs, as it would be read from the log."""
        assert ready.unsigned is not None  # noqa: S101 - what is signed was read already
        directory = self._directory()
        known = directory.agency(ready.event.agency) is not None
        return Recorded(
            event=ready.event,
            partition=NOT_RECORDED,
            offset=NOT_RECORDED,
            recorded_at=datetime.now(UTC),
            directory_offset=directory.offset,
            signature="VALID" if known else "UNKNOWN_AGENCY",
            schema_id=self._schema_id(ready.unsigned),
            body=ready.unsigned.body,
            content=ready.content,
        )

    def _schema_id(self, draft: Draft) -> int:
        directory = self._directory()
        if self._schema_ids[0] is not directory:
            self._schema_ids = directory, known_schema_ids(directory)
        return self._schema_ids[1][draft.event.type]

    def _directory(self) -> Directory:
        return self._producer.directories.latest


def _demand_regular(event: Event, foreseen: Foreseen, *, force: bool) -> None:
    if foreseen.verdict == "IRREGULAR" and not force:
        raise Refused(event.type, event.subject, foreseen.codes)


async def _shared(receipt: asyncio.Future[Receipt]) -> Receipt:
    """A receipt that others may wait for: who goes away does not take it from them.

    As asyncio.shield, for a fourth of what that costs.
    """
    come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    receipt.add_done_callback(partial(_wake, come))
    await come
    return receipt.result()


def _wake(waiting: asyncio.Future[None], _come: object) -> None:
    if not waiting.done():  # who waited may have gone
        waiting.set_result(None)


def _pass_on(receipt: asyncio.Future[Receipt], sent: asyncio.Future[Receipt]) -> None:
    if sent.cancelled():
        receipt.cancel()
    elif (error := sent.exception()) is not None:
        receipt.set_exception(error)
        receipt.exception()  # looked at: the caller may have gone
    else:
        receipt.set_result(sent.result())
