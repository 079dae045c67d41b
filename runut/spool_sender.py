"""Send what a spool holds, in order for each subject, for as long as it takes.

Owns when to try: at once when something came, after a growing pause when the ledger cannot be
reached. An event leaves the spool when it is in the log. One that is refused is parked with the
reason and holds up its subject, since what follows may build on it; all others go on. It is tried
again every minute: a key may have come, or a schema.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from runut.backoff import full_jitter
from runut.errors import BadFile, BadInput, LedgerMismatch, MissingKey, RunutError, Unreachable
from runut.lanes import Receipt
from runut.producer import Producer
from runut.spool import Entry, Spool
from runut.tracing import TRACE_HEADER, following

log = logging.getLogger(__name__)  # not structlog: an agency's program says where it goes

AT_ONCE: Final = 1000
POLL_S: Final = 1.0
"""How often we look for what other processes put into the spool."""
RETRY_PARKED_S: Final = 60.0
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0


class _Attempt(NamedTuple):
    """What became of some events; those in neither wait for another one of their subject."""

    sent: dict[int, asyncio.Future[Receipt]]
    refused: dict[int, str]
    failure: RunutError | None = None
    """Why the rest was not tried."""


class SpoolSender:
    """Sends from one spool."""

    def __init__(self, spool: Spool, make: Callable[[], Producer]) -> None:
        """Take what makes the producer, which is needed only when there is something to send."""
        self.sent = 0
        """Events that are in the log now."""
        self._spool = spool
        self._make = make
        self._news = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._is_stuck = False
        self._retry_at = 0.0
        # Sent and not let go of yet: a full disk must not have the same events sent for ever.
        self._in_the_log: set[int] = set()

    async def run(self) -> None:
        """Send until cancelled, whatever fails."""
        failures = 0
        while True:
            before = self.sent
            try:
                with self._spool.sole_sender() as is_ours:
                    if is_ours:
                        await self._send_whatever_comes()
                pause_s = POLL_S  # whoever is the sender sends ours too
            except RunutError as error:
                failures = failures + 1 if self.sent == before else 1
                pause_s = full_jitter(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
                log.warning("events wait in the spool: %s", error)
            self._is_stuck = True
            self._at_rest.set()
            await asyncio.sleep(pause_s)

    async def send_all(self) -> None:
        """Send until nothing is left but what is parked, and what waits behind that.

        Raises:
            Unreachable: the ledger cannot be reached, or another process sends from the spool.
            NotRecorded, LedgerMismatch: as `Producer`.
            BadFile: a key or the spool cannot be read.
        """
        with self._spool.sole_sender() as is_ours:
            if not is_ours:
                advice = "another process sends from it: leave that to it, or stop it"
                raise Unreachable("the spool", str(self._spool.path), advice)
            if await self._waiting():
                async with self._make() as producer:
                    while await self._send_some(producer):
                        pass

    def tell(self) -> None:
        """Something was kept."""
        self._news.set()
        if not self._is_stuck:
            self._at_rest.clear()

    async def rest(self) -> None:
        """Wait until all is sent that can be sent now."""
        await self._at_rest.wait()

    async def _send_whatever_comes(self) -> None:
        while not await self._waiting():
            await self._pause()
        async with self._make() as producer:
            while True:
                if not await self._send_some(producer):
                    await self._pause()

    async def _pause(self) -> None:
        self._is_stuck = False
        if not self._news.is_set():
            self._at_rest.set()
        try:
            async with asyncio.timeout(POLL_S):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    async def _waiting(self) -> list[Entry]:
        await self._let_go()
        now = asyncio.get_running_loop().time()
        if now >= self._retry_at:
            self._retry_at = now + RETRY_PARKED_S
            await asyncio.to_thread(self._spool.retry)
        return await asyncio.to_thread(self._spool.waiting, AT_ONCE)

    async def _send_some(self, producer: Producer) -> bool:
        """Send the next events; False where there are none."""
        entries = await self._waiting()
        attempt = await self._send(producer, entries)
        found = await asyncio.gather(*attempt.sent.values(), return_exceptions=True)
        receipts = zip(attempt.sent, found, strict=True)
        self._in_the_log.update(number for number, one in receipts if isinstance(one, Receipt))
        self.sent += len(self._in_the_log)
        await self._let_go()
        if attempt.refused:
            await asyncio.to_thread(self._spool.park, attempt.refused)
        for one in (*found, attempt.failure):
            if isinstance(one, BaseException):
                raise one
        return bool(entries)

    async def _send(self, producer: Producer, entries: Sequence[Entry]) -> _Attempt:
        attempt = _Attempt({}, {})
        held: set[str] = set()
        for entry in entries:
            if entry.subject in held:
                continue
            try:
                with following({TRACE_HEADER: (entry.traceparent or b"").decode()}):
                    attempt.sent[entry.number] = await producer.send(entry.event())
            except (Unreachable, BadFile) as error:  # such as the key store's: not the event's
                return attempt._replace(failure=error)
            except (BadInput, MissingKey, LedgerMismatch) as error:
                held.add(entry.subject)
                attempt.refused[entry.number] = str(error)
                log.warning("an event on %s is parked: %s", entry.subject, error)
        return attempt

    async def _let_go(self) -> None:
        if self._in_the_log:
            await asyncio.to_thread(self._spool.recorded, list(self._in_the_log))
            self._in_the_log.clear()
