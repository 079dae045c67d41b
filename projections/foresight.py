"""The verdict in advance: what an event would be judged if it were recorded now.

Reads, folds and forgets. What is recorded between the question and the sending may change the
verdict: only the log's order decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from projections.batch import HistoryEntry, corrected_subjects, fold_batch
from projections.folds.subject import Directories
from projections.loaded import Loaded, Subjects
from projections.queries import queries
from projections.reading import snapshot_at_once
from projections.store import fill, histories_from
from projections.wanted import questions
from runut import codec
from runut.adapters.postgres import Connection
from runut.catalogue import catalogue
from runut.directory_log import DirectoryLog
from runut.event import Event, Recorded, SignatureStatus
from runut.log_reader import content_of

NOT_RECORDED: Final = -1
_SQL: Final = queries("projector")


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
        content=content_of(event.type, body),
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
    histories = await _load(connection, directories, records, subjects)
    entries = fold_batch(records, subjects, histories, directories).history
    by_record = {id(entry.recorded): entry for entry in entries}
    return [by_record[id(recorded)] for recorded in records]


async def _load(
    connection: Connection,
    directories: Directories,
    records: Sequence[Recorded],
    subjects: Subjects,
) -> dict[str, list[HistoryEntry]]:
    """Make ready to fold, as `Store.load`, but in one journey: somebody waits for the answer.

    So it asks of new subjects too, of which there is nothing to be found. The projector goes on
    meanwhile: state and rows have to be of one moment.
    """
    corrected = corrected_subjects(records)
    names = {recorded.event.subject for recorded in records}
    for name in names:
        subjects.put(name, Loaded(is_new=False))
    wanted = list(questions([r for r in records if r.event.subject not in corrected], subjects))
    async with snapshot_at_once(connection):
        found = await connection.execute(_SQL["load_subjects"], {"subjects": tuple(names)})
        answers = [await connection.execute(one.query, one.asked) for one in wanted]
        past = {"subjects": tuple(corrected)}
        histories = await connection.execute(_SQL["load_histories"], past) if corrected else None
    known = {row[0]: row for row in await found.fetchall()}
    for name in names:
        if name in known:
            fill(subjects.get(name), known[name])
        else:
            subjects.get(name).is_new = True
    for one, answer in zip(wanted, answers, strict=True):
        one.learn(await answer.fetchall())
    rows = await histories.fetchall() if histories else []
    return histories_from(rows, corrected, directories)
