"""A line of the history, to and from its row.

A row holds the event's Avro body, so that a subject can be folded again exactly, and its payload
in the JSON form, so that people and SQL can read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from projections.batch import HistoryEntry
from projections.folds.subject import Directories
from projections.writing import Target
from runut import codec
from runut.event import Recorded
from runut.json_form import data_json
from runut.log_reader import content_of, event_type_of

HISTORY: Final = Target(
    "history",
    (
        *("subject", "seq", "event_id", "type", "agency", "occurred_at", "recorded_at"),
        *("partition", "offset", "directory_offset", "verdict", "codes", "differs"),
        *("signature", "schema_id", "body", "data", "security"),
    ),
)


def history_values(entry: HistoryEntry) -> tuple[Any, ...]:
    """Values in the order of HISTORY's columns."""
    recorded = entry.recorded
    event = recorded.event
    return (
        event.subject,
        entry.seq,
        event.event_id,
        event.type,
        event.agency,
        event.occurred_at,
        recorded.recorded_at,
        recorded.partition,
        recorded.offset,
        recorded.directory_offset,
        entry.verdict,
        entry.codes,
        entry.differs,
        recorded.signature,
        recorded.schema_id,
        recorded.body,
        data_json(event).decode(),
        event.meta["security"],
    )


def entry_from(row: Sequence[Any], directories: Directories) -> HistoryEntry:
    """A row of `load_histories` as it was before `history_values`."""
    directory_offset, schema_id, body = row[9], row[14], bytes(row[15])
    event_type = event_type_of(directories(directory_offset), schema_id)
    recorded = Recorded(
        event=codec.decode(event_type, body),
        partition=row[7],
        offset=row[8],
        recorded_at=row[6],
        directory_offset=directory_offset,
        signature=row[13],
        schema_id=schema_id,
        body=body,
        content=content_of(event_type.name, body),
    )
    return HistoryEntry(row[1], recorded, row[10], tuple(row[11]), row[12])


def add_unwritten(
    histories: dict[str, list[HistoryEntry]],
    lines: Iterable[Sequence[Any]],
    directories: Directories,
) -> None:
    """Complete histories of the store by lines of which it may have all or none yet."""
    for line in lines:
        history = histories.get(line[0])
        if history is not None and line[1] > len(history):
            history.append(entry_from(line, directories))
