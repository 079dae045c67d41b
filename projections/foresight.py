"""The verdict in advance: what an event would be judged if it were recorded now.

Reads, folds and forgets. What is recorded between the question and the sending may change the
verdict: only the log's order decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from projections.batch import HistoryEntry, fold_batch
from projections.folds.subject import Directories
from projections.loaded import Subjects
from projections.reading import snapshot
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
    (entry,) = await verdicts_in_advance(connection, directory.at, [recorded])
    return entry


async def verdicts_in_advance(
    connection: Connection, directories: Directories, records: Sequence[Recorded]
) -> list[HistoryEntry]:
    """The lines that events would get, in their order, as if they were recorded one after another.

    What would be irregular changes nothing for those behind it, so each is judged as it would be
    alone, but for what its effective predecessors change.
    """
    subjects = Subjects()
    # The projector goes on meanwhile: state and rows have to be of one moment. A pipeline sends
    # what begins the snapshot along with the first question.
    async with connection.pipeline(), snapshot(connection):
        histories = await Store(connection).load(records, subjects, directories)
    entries = fold_batch(records, subjects, histories, directories).history
    by_record = {id(entry.recorded): entry for entry in entries}
    return [by_record[id(recorded)] for recorded in records]
