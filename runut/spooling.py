"""Emit without waiting for the ledger: into a spool, from which events go when it can be reached.

`async with SpoolingProducer(settings, "events.spool") as p: kept = await p.emit(LetterSent(…), …)`.
Owns how events come into the spool; `runut.spool` keeps them and `runut.spool_sender` sends them.
Neither a broker nor a directory is needed to begin, or to go on.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypedDict

from runut.emitting import Closed, Emitter
from runut.event import Event
from runut.keystore import KeyStore
from runut.producer import Producer
from runut.settings import Settings
from runut.spool import MAX_BYTES, Kept, Row, Spool, row_of
from runut.spool_sender import SpoolSender

DELIVERY_TIMEOUT_S: Final = 30.0
LEAVE_S: Final = 10.0
"""How long the end waits for what can be sent at once."""


class SpoolingOptions(TypedDict, total=False):
    """What `SpoolingProducer` takes by name, for those who hand it on."""

    require_keys: bool
    max_bytes: int


class _Arrival(NamedTuple):
    """A checked event that is not on the disk yet."""

    row: Row
    kept: asyncio.Future[Kept]


class SpoolingProducer(Emitter[Kept]):
    """Keeps events on this machine's disk, and sends them in order as soon as that is possible."""

    def __init__(
        self,
        settings: Settings,
        spool: Path | str,
        keys: KeyStore | None = None,
        *,
        require_keys: bool = True,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Take the spool's file, which is made where there is none, and how large it may become.

        Several processes may use one file, each its own SpoolingProducer: one of them sends.
        """
        self._path = spool
        self._max_bytes = max_bytes
        self._make = lambda: Producer(
            settings, keys, require_keys=require_keys, delivery_timeout_s=DELIVERY_TIMEOUT_S
        )
        self._arrived: list[_Arrival] = []
        self._writing: asyncio.Task[None] | None = None
        self._close()

    def _close(self) -> None:
        """Have everything refused that needs it to be open."""
        closed: Any = Closed(self)
        self._spool: Spool = closed

    async def __aenter__(self) -> Self:
        """Open the spool and begin to send from it.

        Raises:
            BadFile: the file is no spool, is damaged, or cannot be read and written.
        """
        self._spool = await asyncio.to_thread(Spool, self._path, max_bytes=self._max_bytes)
        self._sender = SpoolSender(self._spool, self._make)
        self._sending = asyncio.create_task(self._sender.run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Wait a while for what can be sent at once, unless cancelled; the rest stays kept."""
        try:
            if self._writing is not None:
                await self._writing
            if kind is None or not issubclass(kind, asyncio.CancelledError):
                await self._rest()
        finally:
            self._sending.cancel()
            await asyncio.wait([self._sending])
            spool = self._spool
            self._close()
            await asyncio.to_thread(spool.close)

    async def emit_event(self, event: Event) -> Kept:
        """Keep one event: when this returns it is on the disk, and will be sent.

        Events of one subject are sent in the order in which they were kept.

        Raises:
            BadInput: it is no well-formed event of an agency, naming the field.
            SpoolFull: there is no room for it.
            BadFile: the spool cannot be written any more.
        Whether its agency has a key is found out when it is sent; where it has none, the event is
        parked (`runut spool status`).
        """
        kept: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._arrived.append(_Arrival(row_of(event), kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        """Put what arrived meanwhile on the disk together: it can sync only so often."""
        try:
            while self._arrived:
                some, self._arrived = self._arrived, []
                try:
                    kept = await asyncio.to_thread(self._spool.keep_rows, [one.row for one in some])
                except Exception as error:
                    _tell(some, error)
                else:
                    _tell(some, kept)
                    self._sender.tell()
        finally:
            self._writing = None

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._sender.rest()
        except TimeoutError:
            pass


def _tell(arrivals: list[_Arrival], found: list[Kept] | Exception) -> None:
    for index, one in enumerate(arrivals):
        if one.kept.done():  # whoever asked has gone
            continue
        if isinstance(found, Exception):
            one.kept.set_exception(found)
        else:
            one.kept.set_result(found[index])
