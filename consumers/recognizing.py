"""Tell events from what goes to quarantine, as the projector and every rebuild do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from projections.claims import claim_of
from projections.store import Position, Quarantined
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import NotAnEvent
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.records import RawRecord
from runut.signing import VerifiedBatches

AT_ONCE: Final = 256
"""Records read, folded and made rows of before the next: what becomes of so many is still in the
processor's cache when the next step looks at it."""
STEP: Final = 128
"""Records read, or folded, without a pause: PostgreSQL must not wait for rows, nor Kafka for a
heartbeat."""
ReadOn = Callable[[], Awaitable[None]]
"""Has a directory follower read what there is by now."""


class Stretch(NamedTuple):
    """Records of one partition that follow one another, as what they are."""

    recorded: list[Recorded]
    quarantined: list[Quarantined]
    after: Position
    """Behind the last of them."""


async def read_stretch(
    position: Position,
    records: list[RawRecord],
    directory: DirectoryFollower,
    read_on: ReadOn,
    verified: VerifiedBatches,
) -> Stretch:
    """Read at least one record from a position on; `read_on` is asked for directory records.

    They are those that the stretch announces, and those that the position stands behind.

    Raises:
        LedgerMismatch: a record needs a newer release than this one.
        Unreachable: as `read_on` raises.
    """
    # Whoever had the partition before may have followed the directory further than we have.
    if position.directory_offset >= directory.log.size:
        await read_on()
    reader = PartitionReader(
        position.partition,
        directory.log,
        directory_offset=position.directory_offset,
        recorded_at=position.recorded_at,
        verified=verified,
    )
    recorded: list[Recorded] = []
    quarantined: list[Quarantined] = []
    for begin in range(0, len(records), STEP):
        if begin:
            await asyncio.sleep(0)
        for record in reader.read_on(records[begin : begin + STEP], recorded):
            announced = reader.announces(record)
            if announced is not None and announced >= directory.log.size:
                await read_on()
            match recognize(reader, record, directory.log):
                case Recorded() as event:
                    recorded.append(event)
                case Quarantined() as found:
                    quarantined.append(found)
                case None:
                    continue
    return Stretch(recorded, quarantined, _behind(position, records[-1], reader))


def recognize(
    reader: PartitionReader, record: RawRecord, directories: DirectoryLog
) -> Recorded | Quarantined | None:
    """The next record of a partition; None for a marker.

    Raises:
        LedgerMismatch: it needs a newer release than this one.
    """
    try:
        return reader.read(record)
    except NotAnEvent as error:
        claim = claim_of(record, directories.at(reader.directory_offset))
        return Quarantined(record, reader.now, str(error), claim)


def _behind(position: Position, last: RawRecord, reader: PartitionReader) -> Position:
    return replace(
        position,
        next_offset=last.offset + 1,
        leaf_hash=last.leaf(),
        recorded_at=reader.recorded_at,
        directory_offset=reader.directory_offset,
    )
