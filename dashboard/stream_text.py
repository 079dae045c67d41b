"""What listeners hear, as server-sent events (WHATWG HTML §9.2), and where they go on later.

Pure. An event's id is how far the read models were behind it, partition by partition, so that
whoever comes back with it misses nothing. A line says that something happened, to what and with
which verdict; what the event says in words has to be asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import orjson

from projections.following import Added, Positions
from runut.errors import FieldError
from runut.rfc3339 import format_time

MAX_ID: Final = 32_000
_ONE: Final = "[0-9]{1,4}:[0-9]{1,18}"
_ID: Final = re.compile(rf"{_ONE}(?:,{_ONE})*")


def id_text(at: Mapping[int, int]) -> str:
    """`0:17,3:4`: of each partition the offset of the next record."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(at.items()) if offset)


def parse_id(text: str, place: str = "header.last-event-id") -> Positions:
    """The positions in the id of an event, which was given in some place of a request.

    Raises:
        FieldError: it is no such id.
    """
    if len(text) > MAX_ID or not _ID.fullmatch(text):
        raise FieldError(place, "the id of an event of this stream", text)
    pairs = (one.partition(":") for one in text.split(","))
    return {int(partition): int(offset) for partition, _, offset in pairs}


def entry_text(line: Added, at: Mapping[int, int]) -> bytes:
    """That something was added; `at` is how far the read models are behind it."""
    said = {
        **line._asdict(),
        "occurred_at": format_time(line.occurred_at),
        "recorded_at": format_time(line.recorded_at),
    }
    return _event("entry", orjson.dumps(said), at)


def resync_text(at: Mapping[int, int]) -> bytes:
    """That more was added than is told line by line: whatever was read has to be read again."""
    return _event("resync", b"{}", at)


def ready_text(at: Mapping[int, int]) -> bytes:
    """From where on everything is told."""
    return _event("ready", b"{}", at)


def _event(name: str, said: bytes, at: Mapping[int, int]) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (id_text(at).encode(), name.encode(), said)
