"""The tables that measures read, as they were at a past moment, by recorded time.

Temporary tables of the same names, which are there for one transaction and hide the present ones.
Rows of subjects that got no event since are copied; the others are folded again from the history,
by the projector's own folds. So one text of a measure serves the present and the past.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import astuple
from psycopg import sql

from projections import row_tables
from projections.folds.rows import (
    Assistance,
    Commitment,
    Contact,
    Decision,
    Letter,
    Row,
    Transfer,
)
from projections.folds.subject import Entry, FoldedSubject
from projections.past import subjects_at
from projections.queries import queries
from projections.reading import load_directory
from projections.writing import Target, Values, Writer
from runut.adapters.postgres import Connection
from runut.event import subject_kind
from runut.json_form import data_json

MEASURED: Final[tuple[type[Row], ...]] = (
    *(Letter, Transfer, Assistance, Contact, Decision, Commitment),
)
"""Rows that measures read."""
TOLD: Final = ("CommitmentMade", "DataShared")
"""Events whose payload they read; of all others they read that they happened."""
THEN: Final = "then_"
"""What the tables' names begin with until they are filled."""

_SQL: Final = queries("past_tables")
_SUBJECT: Final = Target(f"{THEN}subject", ("subject", "kind", "state"))
_HISTORY: Final = Target(
    f"{THEN}history",
    ("subject", "event_id", "type", "agency", "occurred_at", "verdict", "data"),
)
_ROWS: Final = {
    table: Target(f"{THEN}{row_tables.table_name(table)}", table.__struct_fields__)
    for table in MEASURED
}
_COPIED_WHOLE: Final = ("protocol", "directory_record")
_WRITE_FROM: Final = 5_000
"""So many rows are gathered before they are written."""


async def hide_present(connection: Connection, moment: datetime) -> None:
    """Make the tables of a moment, and look into them alone until the transaction ends.

    Within a transaction of the caller's that sees one snapshot and may write.
    """
    for target in (_SUBJECT, _HISTORY, *_ROWS.values()):
        await connection.execute(_MAKE.format(**_names(target)))
    for target in (_SUBJECT, *_ROWS.values()):
        await connection.execute(_COPY_UNCHANGED.format(**_names(target)), {"moment": moment})
    await connection.execute(_SQL["copy_history"], {"moment": moment, "told": list(TOLD)})
    await connection.execute(_SQL["copy_protocols"])
    await connection.execute(_SQL["copy_directory"])
    await _fold_changed(connection, moment)
    filled = (_SUBJECT, _HISTORY, *_ROWS.values())
    for name in (*(_present_name(target) for target in filled), *_COPIED_WHOLE):
        then, present = sql.Identifier(f"{THEN}{name}"), sql.Identifier(name)
        await connection.execute(_RENAME.format(then, present))
    await connection.execute(_SQL["look_into_them"])
    await connection.execute(_SQL["analyze"])


async def _fold_changed(connection: Connection, moment: datetime) -> None:
    directories = (await load_directory(connection)).at
    writer = Writer(connection)
    rows: dict[Target, list[Values]] = {}
    async for subject, folded in subjects_at(connection, directories, moment, only_changed=True):
        for target, values in _rows_of(subject, folded):
            rows.setdefault(target, []).append(values)
        if sum(map(len, rows.values())) >= _WRITE_FROM:
            await writer.write(list(rows.items()))
            rows.clear()
    await writer.write(list(rows.items()))


def _rows_of(subject: str, folded: FoldedSubject) -> Iterator[tuple[Target, Values]]:
    """A subject in the rows of the tables."""
    state = None if folded.state is None else msgspec.json.encode(folded.state).decode()
    yield _SUBJECT, (subject, subject_kind(subject), state)
    for row in folded.past.rows.values():
        if type(row) in _ROWS:
            yield _ROWS[type(row)], astuple(row)
    for entry in folded.entries:
        yield _HISTORY, _line(entry)


def _line(entry: Entry) -> Values:
    event = entry.recorded.event
    told = data_json(event).decode() if event.type in TOLD else None
    return (
        *(event.subject, event.event_id, event.type, event.agency, event.occurred_at),
        *(entry.folded.verdict, told),
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
    "CREATE TEMP TABLE {then} ON COMMIT DROP AS SELECT {columns} FROM {present} AS it WITH NO DATA"
)
_COPY_UNCHANGED: Final = sql.SQL(
    "INSERT INTO {then} SELECT {columns} FROM {present} AS it "
    "JOIN subject ON subject.subject = it.subject WHERE subject.last_recorded_at <= %(moment)s"
)
_RENAME: Final = sql.SQL("ALTER TABLE {} RENAME TO {}")
