"""Hold the read models to an offline fold of the topic: all of it, once, and as the rules say."""

from __future__ import annotations

from typing import Any

from projections.folds.rows import TABLES, Row
from projections.folds.subject import FoldedSubject, fold_subject
from projections.row_tables import from_values, select, state_from
from runut.adapters.postgres import Connection
from runut.event import Recorded
from tests.integration.logs import Log


async def check_against_fold(connection: Connection, log: Log) -> None:
    """Everything that the log holds is in PostgreSQL exactly once, as an offline fold has it."""
    by_subject: dict[str, list[Recorded]] = {}
    for one in log.events:
        by_subject.setdefault(one.event.subject, []).append(one)
    folded = {
        subject: fold_subject(records, log.directory.at) for subject, records in by_subject.items()
    }
    await _check_history(connection, folded)
    await _check_subjects(connection, folded)
    await _check_rows(connection, folded)


async def _check_history(connection: Connection, folded: dict[str, FoldedSubject]) -> None:
    cursor = await connection.execute(
        'SELECT partition, "offset", subject, seq, event_id, verdict, codes FROM history'
    )
    rows = await cursor.fetchall()
    found = {(row[0], row[1]): (*row[2:6], tuple(row[6])) for row in rows}
    assert len(found) == len(rows), "a place of the log is in the history twice"
    _check_equal(
        found,
        {
            (entry.recorded.partition, entry.recorded.offset): (
                *(subject, seq, entry.recorded.event.event_id),
                *(entry.folded.verdict, entry.folded.codes),
            )
            for subject, one in folded.items()
            for seq, entry in enumerate(one.entries, 1)
        },
    )


async def _check_subjects(connection: Connection, folded: dict[str, FoldedSubject]) -> None:
    cursor = await connection.execute(
        "SELECT subject, state, events, irregular, duplicate, corrected FROM subject"
    )
    _check_equal(
        {row[0]: (state_from(row[0], row[1]), *row[2:]) for row in await cursor.fetchall()},
        {subject: (one.state, *one.counts().values()) for subject, one in folded.items()},
    )


async def _check_rows(connection: Connection, folded: dict[str, FoldedSubject]) -> None:
    found: dict[object, Row] = {}
    for table in TABLES:
        cursor = await connection.execute(select(table, "by_subject"), {"subjects": list(folded)})
        for values in await cursor.fetchall():
            row = from_values(table, values)
            found[row.subject, table, row.ident] = row
    _check_equal(
        found,
        {
            (subject, *key): row
            for subject, one in folded.items()
            for key, row in one.past.rows.items()
        },
    )


def _check_equal(found: dict[Any, Any], wanted: dict[Any, Any]) -> None:
    """As `assert found == wanted`, but of many thousands it shows only what differs."""
    assert found.keys() - wanted.keys() == set()
    assert wanted.keys() - found.keys() == set()
    different = [key for key, value in wanted.items() if found[key] != value]
    assert [(key, found[key], wanted[key]) for key in different[:5]] == []
