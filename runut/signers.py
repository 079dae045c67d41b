"""Which key signs for an agency, as the directory says now.

Follows the directory for as long as it is open: a key that is published is found, one that is
revoked signs no more within `EVERY_S`. Owns one consumer; the keys are `runut.keystore`'s.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from runut.directory import Directory, Ledger, founded
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import MissingKey, Unreachable
from runut.event import AgencyCode
from runut.keystore import KeyStore
from runut.outgoing import Envelope, usable_key
from runut.settings import Settings
from runut.signing import Signer

log = logging.getLogger(__name__)  # not structlog: an agency's program says where it goes

EVERY_S: Final = 10.0
"""How often the directory is read on."""


class Signers:
    """The signers of the agencies whose keys are in a key store."""

    def __init__(
        self, settings: Settings, keys: KeyStore, *, require_keys: bool, every_s: float = EVERY_S
    ) -> None:
        """Take whether an agency must have a key here, where the ledger requires signatures."""
        self.known: dict[AgencyCode, Signer | None] = {}
        """Of the agencies that were asked for, as the directory says now."""
        self._keys = keys
        self._require_keys = require_keys
        self._every_s = every_s
        self._settings = settings
        self._reading = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Read the directory.

        Raises:
            Unreachable: no broker answers.
            LedgerMismatch: no ledger is founded there.
        """
        async with AsyncExitStack() as stack:
            self._follower = await stack.enter_async_context(DirectoryFollower(self._settings))
            self.envelope = Envelope.of(self._directory)
            self._require_keys = self._require_keys and self.ledger.require_signatures
            self._following = asyncio.create_task(self._follow())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._following.cancel()
        await asyncio.wait([self._following])
        await self._stack.aclose()

    @property
    def directories(self) -> DirectoryLog:
        """The directory as far as it was read."""
        return self._follower.log

    @property
    def ledger(self) -> Ledger:
        """The founding."""
        return founded(self._directory.ledger)

    async def of(self, agency: AgencyCode) -> Signer | None:
        """What signs an agency's events; None where they may go unsigned.

        Raises:
            MissingKey: the agency has no key here that the directory knows.
            BadFile: others have access to the key store, or a file in it is broken.
            Unreachable: no broker answers.
            LedgerMismatch: the directory is not the one that was read before.
        """
        if self._following.done():
            self._following.result()
        if agency in self.known and not self._require_keys:
            return self.known[agency]
        key = usable_key(self._keys, self._directory, agency)
        if key is None and self._keys.keys(agency):
            await self.read_on()  # it may have been published just now
            key = usable_key(self._keys, self._directory, agency)
        if key is None and self._require_keys:
            raise MissingKey(agency, self._keys.path)
        self.known[agency] = key.signer() if key else None
        return self.known[agency]

    async def read_on(self) -> bool:
        """Read the directory to its present end; says whether there was more of it.

        Raises as `of`.
        """
        async with self._reading:
            more = bool(await self._follower.catch_up())
            if more:
                self.known.clear()
                self.envelope = Envelope.of(self._directory)
            return more

    @property
    def _directory(self) -> Directory:
        return self._follower.log.latest

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.read_on()
            except Unreachable as error:
                log.warning("the directory cannot be read on: %s", error)
            except BaseException:
                self.known.clear()  # whoever asks next is told
                raise
