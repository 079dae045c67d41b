"""The verdict in advance: what an event would be judged if it were recorded now.

Reads, folds and forgets. What is recorded between the question and the sending may change the
verdict: only the log's order decides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from projections.batch import HistoryEntry, fold_batch
from projections.loaded import Subjects
from projections.store import Store
from runut import codec
from runut.adapters.postgres import Connection
from runut.catalogue import catalogue
from runut.directory_log import DirectoryLog
from runut.event import Event, Recorded, SignatureStatus
from runut.log_reader import content_of

NOT_RECORDED: Final = -1


async def verdict_in_advance(
    connection: Connection,
    directory: DirectoryLog,
    event: Event,
    now: datetime,
    signature: SignatureStatus = "VALID",
) -> HistoryEntry:
    """The line that the event would get in the history of its subject."""
    latest = directory.latest
    body = codec.encode(catalogue().by_name(event.type), event)
    recorded = Recorded(
        event=event,
        partition=NOT_RECORDED,
        offset=NOT_RECORDED,
        recorded_at=now,
        directory_offset=latest.offset,
        signature=signature if latest.agency(event.agency) else "UNKNOWN_AGENCY",
        schema_id=latest.schema_ids()[event.type],
        body=body,
        content=content_of(body),
    )
    subjects = Subjects()
    histories = await Store(connection).load([recorded], subjects, directory.at)
    return fold_batch([recorded], subjects, histories, directory.at).history[-1]
