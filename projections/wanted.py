"""What a batch wants to know of its subjects before it is folded: one question a table.

Pure: says what to ask and what the answers mean; `projections.store` asks all of it at once. What
is wanted and not there is remembered too: folding tells what does not exist from what was not
loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from projections import row_tables
from projections.batch import missing_needs
from projections.folds.rows import Assistance, Commitment, DepositDraw, Row, Sanction, Transfer
from projections.loaded import Subjects
from projections.queries import queries
from runut.event import Recorded

PENDING_TABLES: Final[tuple[type[Row], ...]] = (
    *(Commitment, Assistance, Transfer),
    *(Sanction, DepositDraw),
)

_SQL: Final = queries("projector")

Pairs = set[tuple[str, str]]
"""Subjects, each with what is wanted of it."""


class Question(NamedTuple):
    """A query and what to do with its answer."""

    query: Any
    asked: dict[str, Any]
    learn: Callable[[Sequence[Sequence[Any]]], None]


def questions(records: Sequence[Recorded], subjects: Subjects) -> Iterator[Question]:
    """All that has to be asked so that the records can be folded; their subjects are there."""
    # Of what is new to the log there is nothing to ask.
    new = {s for s in {r.event.subject for r in records} if subjects.get(s).is_new}
    known = [r for r in records if r.event.subject not in new]
    yield from _contents(known, subjects)
    keys: dict[type[Row], Pairs] = {}
    sources: Pairs = set()
    unsettled: set[str] = set()
    for subject, several in missing_needs(known, subjects).items():
        for needs in several:
            for table, ident in needs.keys:
                keys.setdefault(table, set()).add((subject, str(ident)))
            sources.update((subject, source) for source in needs.sources)
            if needs.unsettled:
                unsettled.add(subject)
    yield from (_by_key(table, pairs, subjects) for table, pairs in keys.items())
    if sources:
        yield _by_source(sources, subjects)
    if unsettled:
        yield from (_unsettled(table, unsettled, subjects) for table in PENDING_TABLES)


def _contents(records: Sequence[Recorded], subjects: Subjects) -> Iterator[Question]:
    """Earlier records with the same ids."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for recorded in records:
        event = recorded.event
        if (event.agency, event.event_id) not in subjects.get(event.subject).contents:
            wanted.setdefault((event.subject, event.event_id), set()).add(event.agency)

    def learn(found: Sequence[Sequence[Any]]) -> None:
        for (subject, event_id), agencies in wanted.items():
            absent = {(agency, event_id): None for agency in agencies}
            subjects.get(subject).contents.update(absent)
        for subject, agency, event_id, content in found:
            subjects.get(subject).contents[agency, event_id] = content

    if wanted:
        names, event_ids = zip(*wanted, strict=True)
        asked = {"subjects": names, "event_ids": event_ids}
        yield Question(_SQL["load_contents"], asked, learn)


def _by_key(table: type[Row], wanted: Pairs, subjects: Subjects) -> Question:
    def learn(found: Sequence[Sequence[Any]]) -> None:
        _learn(table, found, subjects)
        for subject, ident in wanted:
            subjects.get(subject).rows.setdefault((table, ident), None)

    return Question(row_tables.select(table, "by_key"), _pairs(wanted), learn)


def _by_source(wanted: Pairs, subjects: Subjects) -> Question:
    def learn(found: Sequence[Sequence[Any]]) -> None:
        _learn(Commitment, found, subjects)
        for subject, source in wanted:
            subjects.get(subject).sources.add(source)

    return Question(row_tables.select(Commitment, "by_source"), _pairs(wanted), learn)


def _unsettled(table: type[Row], wanted: set[str], subjects: Subjects) -> Question:
    def learn(found: Sequence[Sequence[Any]]) -> None:
        _learn(table, found, subjects)
        if table is PENDING_TABLES[-1]:
            for subject in wanted:
                subjects.get(subject).has_unsettled = True

    return Question(row_tables.select(table, "unsettled"), {"subjects": tuple(wanted)}, learn)


def _learn(table: type[Row], found: Sequence[Sequence[Any]], subjects: Subjects) -> None:
    for values in found:
        row = row_tables.from_values(table, values)
        subjects.get(row.subject).learn(row)


def _pairs(wanted: Pairs) -> dict[str, tuple[str, ...]]:
    # As tuples, which psycopg does not search for characters to quote, as it does lists.
    names, idents = zip(*sorted(wanted), strict=True)
    return {"subjects": names, "idents": idents}
