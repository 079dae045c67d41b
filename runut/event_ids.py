"""New ids: by time for new events, by content for lines of files, by what they are about for the
ledger's own events and notices.

The only random numbers and the only clock near the contracts live here.
"""

from __future__ import annotations

import os
import time
from typing import Final
from uuid import UUID, uuid5

from runut.directory import Directory, founded
from runut.event import EventId

# Fixed for ever: changing it would make every file's events new ones.
_LINES: Final = UUID("5f0e4b9c-9a0f-5b36-8c55-6d7f2f0a1e11")


def new_event_id() -> EventId:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits."""
    stamp = time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF
    noise = int.from_bytes(os.urandom(10))
    high = noise >> 68 & 0xFFF
    low = noise & 0x3FFF_FFFF_FFFF_FFFF
    return EventId(str(UUID(int=stamp << 80 | 7 << 76 | high << 64 | 2 << 62 | low)))


def line_event_id(content: str) -> EventId:
    """The id of a file's line: the same content is always the same event (events.md §1)."""
    return EventId(str(uuid5(_LINES, content)))


class DerivedIds:
    """Ids that say what they are about, each ledger its own."""

    def __init__(self, ledger_id: bytes) -> None:
        self._namespace = UUID(bytes=ledger_id)

    def of(self, *about: str) -> str:
        """The same for the same words, in the same order (RFC 9562 §5.5)."""
        return str(uuid5(self._namespace, " ".join(about)))


def ids_of(directory: Directory) -> DerivedIds:
    """Those of the ledger that a directory founded."""
    return DerivedIds(founded(directory.ledger).ledger_id)
