"""What this gateway is recording or recorded lately, so that a repeat joins it.

Pure but for the futures it holds. A caller who got no answer sends again: the first attempt may
still be on its way, or be in the log and not projected yet. What is older, and what other gateways
recorded, the read models know; whatever slips between is a DUPLICATE in the log and changes
nothing (events.md §3).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

import msgspec

from runut.errors import AlreadyRecorded
from runut.event import AgencyCode, Event, EventId
from runut.lanes import Receipt
from runut.receipts import SignedReceipt

SIZE: Final = 32_768
"""How many are remembered; more than may be under way at once."""


class Known(msgspec.Struct):
    """An event that is on its way to the log, or there."""

    content: bytes
    receipt: asyncio.Future[Receipt]
    signed: SignedReceipt | None = None
    """As it was answered, so that a repeat gets the same."""


class Recent:
    """Receipts, come or to come, by who emitted which event."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        # Of a plain dict the first would be sought among all that were there before it.
        self._known: OrderedDict[tuple[AgencyCode, EventId], Known] = OrderedDict()

    def find(self, event: Event, content: bytes) -> Known | None:
        """What is known here of this very event.

        Raises:
            AlreadyRecorded: another event of the agency has its id.
        """
        known = self._known.get((event.agency, event.event_id))
        if known is None or _failed(known.receipt):
            return None
        if known.content != content:
            raise AlreadyRecorded(event.agency, event.event_id)
        return known

    def keep(self, event: Event, content: bytes, receipt: asyncio.Future[Receipt]) -> Known:
        """Remember an event, unless its recording fails, until others are more recent."""
        if len(self._known) >= self._size:
            self._known.popitem(last=False)
        known = self._known[event.agency, event.event_id] = Known(content, receipt)
        return known


def _failed(receipt: asyncio.Future[Receipt]) -> bool:
    return receipt.cancelled() or (receipt.done() and receipt.exception() is not None)
