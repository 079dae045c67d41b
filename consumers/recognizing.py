"""Tell events from what goes to quarantine, as the projector and every rebuild do."""

from __future__ import annotations

from projections.claims import claim_of
from projections.store import Quarantined
from runut.directory_log import DirectoryLog
from runut.errors import NotAnEvent
from runut.event import Recorded
from runut.log_reader import PartitionReader
from runut.records import RawRecord


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
