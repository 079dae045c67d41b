"""Find the subjects of a share that get a correction, before it is loaded.

Up to where the live read models stood when the rebuild was planned they are asked, the rest of the
log is looked through (docs/decisions/0288). What they say is a hint: whoever loads finds out where
it is not enough.
"""

from __future__ import annotations

from projections.folds.fold import CORRECTION
from projections.rebuilding import Share, foreseen_corrections
from runut import codec
from runut.adapters import kafka
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.errors import BadInput
from runut.log_reader import event_type_of
from runut.settings import Settings


async def corrected_subjects(
    connection: Connection, made: Settings, directories: DirectoryLog, share: Share
) -> set[str]:
    """Subjects of the share that get a correction, and maybe others.

    Raises:
        LedgerMismatch: the log is shorter than planned, or needs a newer release.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    found = await foreseen_corrections(connection, share)
    if share.foreseen_to >= share.end:
        return found
    is_correction: dict[bytes, bool] = {}
    async for records in kafka.records_of(
        made, made.events_topic, share.partition, share.end, share.foreseen_to
    ):
        for record in records:
            head = (record.value or b"")[: codec.FRAME_SIZE]
            if head not in is_correction:
                is_correction[head] = _is_correction(head, directories)
            if is_correction[head] and share.has(record.key):
                found.add((record.key or b"").decode(errors="replace"))
    return found


def _is_correction(head: bytes, directories: DirectoryLog) -> bool:
    """By the schema id that a record's frame names."""
    try:
        schema_id, _ = codec.unframe(head)
        return event_type_of(directories.latest, schema_id).name == CORRECTION
    except BadInput:
        return False
