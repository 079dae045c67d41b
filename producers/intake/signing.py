"""The keys with which the gateway signs: agencies' that leave theirs here, and the ledger's.

Refuses to sign as an agency that keeps its key to itself, even where a copy lies in the key store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from runut import receipts
from runut.directory import Directory, founded
from runut.errors import MissingKey, RunutError
from runut.event import SYSTEM, AgencyCode, EventId
from runut.keystore import KeyStore, SigningKey
from runut.lanes import Receipt
from runut.outgoing import usable_key
from runut.receipts import SignedReceipt, statement

SIGNED_AT_ONCE: Final = 64
"""Receipts that share a signature at most: more would make each longer."""


LINGER_S: Final = 0.001


class _Waiting(msgspec.Struct, frozen=True):
    """A receipt that is to be signed."""

    agency: AgencyCode
    receipt: Receipt
    asked: list[asyncio.Future[SignedReceipt]]
    """Of each who asks one, since who goes away must not take it from the others."""


class GatewayKeys(KeyStore):
    """Of the keys in a key store those that the directory does not know as kept by the agency."""

    def __init__(self, path: Path, directory: Callable[[], Directory]) -> None:
        super().__init__(path)
        self._directory = directory

    def keys(self, agency: str) -> list[SigningKey]:
        """All keys of the agency with which a gateway may sign, oldest first."""
        directory = self._directory()
        return [
            key
            for key in super().keys(agency)
            if (known := directory.key(agency, key.key_id)) is None or known.custody != "SELF"
        ]


class ReceiptSigner:
    """Signs receipts with the newest key of the ledger's own agency."""

    def __init__(self, keys: KeyStore, directory: Callable[[], Directory]) -> None:
        """Find the key.

        Raises:
            MissingKey: none is here that the directory knows.
        """
        self._keys = keys
        self._directory = directory
        self._key = self._usable()
        self._ledger_id = founded(directory().ledger).ledger_id
        self._waiting: dict[tuple[AgencyCode, EventId], _Waiting] = {}

    def sign(self, stored: Sequence[tuple[AgencyCode, Receipt]]) -> list[SignedReceipt]:
        """The receipts of 1 to 1,024 events with their agencies, in order.

        Raises:
            MissingKey: the key was revoked, and no other is here.
        """
        if self._directory().is_revoked(SYSTEM, self._key.key_id):
            self._key = self._usable()
        return receipts.sign([self._statement(*one) for one in stored], self._key)

    async def sign_soon(self, agency: AgencyCode, receipt: Receipt) -> SignedReceipt:
        """One receipt, signed together with those that are asked for at about the same time.

        A signature costs more than anything else that happens to an event. One that is asked for
        alone is always the same.
        """
        loop = asyncio.get_running_loop()
        named = agency, receipt.event_id  # ids are each agency's own
        waiting = self._waiting.get(named)
        if waiting is None:
            waiting = _Waiting(agency, receipt, [])
            if not self._waiting:
                loop.call_later(LINGER_S, self._sign_waiting)
            self._waiting[named] = waiting
        signed: asyncio.Future[SignedReceipt] = loop.create_future()
        waiting.asked.append(signed)
        return await signed

    def _sign_waiting(self) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        for first in range(0, len(waiting), SIGNED_AT_ONCE):
            some = waiting[first : first + SIGNED_AT_ONCE]
            try:
                signed = self.sign([(one.agency, one.receipt) for one in some])
            except RunutError as error:
                for waiter in _waiters(some):
                    waiter.set_exception(error)
                continue
            for one, receipt in zip(some, signed, strict=True):
                for waiter in _waiters([one]):
                    waiter.set_result(receipt)

    def _usable(self) -> SigningKey:
        key = usable_key(self._keys, self._directory(), SYSTEM)
        if key is None:
            raise MissingKey(SYSTEM, self._keys.path)
        return key

    def _statement(self, agency: AgencyCode, receipt: Receipt) -> receipts.Statement:
        return statement(
            ledger_id=self._ledger_id,
            event_id=receipt.event_id,
            agency=agency,
            subject=receipt.subject,
            topic=receipt.topic,
            partition=receipt.partition,
            offset=receipt.offset,
            recorded_at=receipt.recorded_at,
            event_digest=receipt.event_digest,
        )


def _waiters(some: Sequence[_Waiting]) -> list[asyncio.Future[SignedReceipt]]:
    """Those who still wait for these."""
    return [asked for one in some for asked in one.asked if not asked.done()]
