"""All tables of the read models as they were at a past moment, by recorded time.

Temporary tables of the same names, which hide the present ones: whatever is asked of their
connection from then on is asked of the moment. Rows of subjects that got no event since are copied;
the others are folded again from the history, by the projector's own folds. So one text of a
question serves the present and the past.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import astuple
from psycopg import sql

from projections import row_tables
from projections.folds.rows import TABLES
from projections.folds.subject import Entry, FoldedSubject
from projections.measures import bodies_at
from projections.past import changed_since
from projections.queries import queries
from projections.reading import load_directory
from projections.writing import Target, Values, Writer
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.event import subject_kind
from runut.json_form import data_json

TOLD: Final = ("CommitmentMade", "DataShared")
"""Events whose payload measures read; of all others it is read that they happened."""
THEN: Final = "then_"
"""What the tables' names begin with until they are filled, for they are from the present ones."""
VIEWS_THEN: Final = "pg_temp"
"""Schema of what worklists read of the stable views, as it was then."""

_SQL: Final = queries("past_tables")
_SUBJECT: Final = Target(
    f"{THEN}subject",
    (
        *("subject", "kind", "events", "irregular", "duplicate", "corrected"),
        *("last_recorded_at", "state"),
    ),
)
_HISTORY: Final = Target(
    f"{THEN}history",
    (
        *("subject", "event_id", "type", "agency", "occurred_at", "recorded_at"),
        *("partition", "offset", "verdict", "signature", "security", "data"),
    ),
)
_ROWS: Final = {
    table: Target(f"{THEN}{row_tables.table_name(table)}", table.__struct_fields__)
    for table in TABLES
}
_FILLED: Final = (_SUBJECT, _HISTORY, *_ROWS.values())
_COPIED_WHOLE: Final = ("protocol", "directory_record", "position")
_AT_LAST: Final = (
    *("look_into_them", "find_subjects", "find_commitments", "few_samples", "analyze"),
)
_WRITE_FROM: Final = 5_000
"""So many rows are gathered before they are written."""


async def hide_present(
    connection: Connection, moment: datetime, known: DirectoryLog | None = None
) -> None:
    """Make the tables of a moment, and have the connection look into them alone.

    Within a transaction of the caller's that sees one snapshot and may write. Rolled back, it
    leaves the connection as it was; else the tables stay until it is closed.
    """
    await _copy_unchanged(connection, moment)
    await _fold_changed(connection, moment, known)
    async with connection.pipeline():
        for name in _COPIED_WHOLE:
            await connection.execute(_SQL[f"make_{name}"])
        for name in (*(_present_name(target) for target in _FILLED), *_COPIED_WHOLE):
            then, present = sql.Identifier(f"{THEN}{name}"), sql.Identifier(name)
            await connection.execute(_RENAME.format(then, present))
        for statement in _AT_LAST:
            await connection.execute(_SQL[statement])
        for name, body in bodies_at(moment).items():
            await connection.execute(_VIEW.format(sql.Identifier(name), body))


async def _copy_unchanged(connection: Connection, moment: datetime) -> None:
    async with connection.pipeline():
        for target in _FILLED:
            await connection.execute(_MAKE.format(**_names(target)))
        await connection.execute(_SQL["tell_custodians"])
        for target in (_SUBJECT, *_ROWS.values()):
            await connection.execute(_COPY_UNCHANGED.format(**_names(target)), {"moment": moment})
        await connection.execute(_SQL["copy_history"], {"moment": moment, "told": list(TOLD)})


async def _fold_changed(
    connection: Connection, moment: datetime, known: DirectoryLog | None
) -> None:
    directories = (await load_directory(connection, known)).at
    writer = Writer(connection)
    rows: dict[Target, list[Values]] = {}
    async for subject, folded in changed_since(connection, directories, moment):
        for target, values in _rows_of(subject, folded):
            rows.setdefault(target, []).append(values)
        if sum(map(len, rows.values())) >= _WRITE_FROM:
            await writer.write(list(rows.items()))
            rows.clear()
    await writer.write(list(rows.items()))


def _rows_of(subject: str, folded: FoldedSubject) -> Iterator[tuple[Target, Values]]:
    """A subject in the rows of the tables."""
    state = None if folded.state is None else msgspec.json.encode(folded.state).decode()
    last = folded.entries[-1].recorded.recorded_at
    yield _SUBJECT, (subject, subject_kind(subject), *folded.counts().values(), last, state)
    for row in folded.past.rows.values():
        yield _ROWS[type(row)], astuple(row)
    for entry in folded.entries:
        yield _HISTORY, _line(entry)


def _line(entry: Entry) -> Values:
    recorded, event = entry.recorded, entry.recorded.event
    told = data_json(event).decode() if event.type in TOLD else None
    return (
        *(event.subject, event.event_id, event.type, event.agency, event.occurred_at),
        *(recorded.recorded_at, recorded.partition, recorded.offset, entry.folded.verdict),
        *(recorded.signature, event.meta["security"], told),
    )


def _names(target: Target) -> dict[str, sql.Composable]:
    return {
        "then": sql.Identifier(target.name),
        "present": sql.Identifier(_present_name(target)),
        "columns": sql.SQL(", ").join(sql.Identifier("it", name) for name in target.columns),
    }


def _present_name(target: Target) -> str:
    return target.name.removeprefix(THEN)


# Without the constraints of the present ones: nothing else ever writes here.
_MAKE: Final = sql.SQL(
    "CREATE TEMP TABLE {then} AS SELECT {columns} FROM {present} AS it WITH NO DATA"
)
_COPY_UNCHANGED: Final = sql.SQL(
    "INSERT INTO {then} SELECT {columns} FROM {present} AS it "
    "JOIN subject ON subject.subject = it.subject WHERE subject.last_recorded_at <= %(moment)s"
)
_RENAME: Final = sql.SQL("ALTER TABLE {} RENAME TO {}")
_VIEW: Final = sql.SQL("CREATE TEMP VIEW {} AS {}")
