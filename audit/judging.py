"""Read a subject's records as the ledger read them: signatures, directory, time (events.md §2, §3).

Pure. The records of one subject and the markers of its partition are enough: a verdict depends on
nothing else there. Only the clock of a partition, which never runs backwards, other records may
have moved: the places say how far.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from audit.bundle import Place
from audit.documents import moment_of
from runut.directory import founded
from runut.directory_log import DirectoryLog
from runut.errors import BadInput, NotAnEvent
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.records import RawRecord

Placed = tuple[RawRecord, Place]


class Judged(NamedTuple):
    """What a subject's records are."""

    events: list[Recorded]
    by_gateway: frozenset[int]
    """Offsets of those whose valid signature is by a key that lies with the gateway."""
    rejected: int
    """Records with the subject's key that are no event."""


def judge(partition: int, placed: Iterable[Placed], log: DirectoryLog) -> Judged:
    """Read a subject's records and its partition's markers.

    Raises:
        BadInput: a place's time is impossible, or the directory lacks what a marker announces.
        LedgerMismatch: a record needs a newer release than this one.
    """
    reader = PartitionReader(partition, log)
    clock = founded(log.latest.ledger).timestamp_type
    events: list[Recorded] = []
    by_gateway: set[int] = set()
    rejected = 0
    for record, place in sorted(placed, key=lambda pair: pair[0].offset):
        own = moment_of(record.timestamp_ms) if record.timestamp_type == clock else None
        reader.recorded_at = _time_of(place, own, reader.recorded_at)
        try:
            found = reader.read(record)
        except NotAnEvent:
            if reader.is_ahead(record):
                place_of = f"directory that the marker at {record.offset} announces"
                raise BadInput(place_of, "to be sealed with it", f"{log.size} records") from None
            rejected += 1
            continue
        if found is not None:
            events.append(found)
            if _is_by_gateway(record, found, log):
                by_gateway.add(found.offset)
    return Judged(events, frozenset(by_gateway), rejected)


def pairs(records: Sequence[RawRecord], places: Sequence[Place]) -> Iterable[Placed]:
    """Each record with its place."""
    return zip(records, places, strict=True)


def _time_of(place: Place, own: datetime | None, before: datetime | None) -> datetime:
    """A record's time: its own or a later one of a record before it; it never runs backwards.

    A record whose time is not the broker's has none of its own.
    """
    stated = moment_of(place.recorded_at_ms)
    if any(one is not None and stated < one for one in (own, before)):
        expected = f"{own} or later, and not before {before}"
        raise BadInput(f"time of record {place.offset}", expected, stated)
    return stated


def _is_by_gateway(record: RawRecord, recorded: Recorded, log: DirectoryLog) -> bool:
    if recorded.signature != "VALID":
        return False
    key_id = dict(record.headers)["runut-key-id"] or b""
    directory = log.at(recorded.directory_offset)
    key = directory.key(recorded.event.agency, key_id.decode())
    return key is not None and key.custody == "GATEWAY"
