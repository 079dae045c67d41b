"""How the folds' results lie in PostgreSQL.

A row class is a table, its fields are the columns; a subject's state is JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from psycopg import sql

from projections.folds.fold import KINDS, State
from projections.folds.folding import R
from projections.folds.rows import Row
from projections.writing import Target
from runut.event import subject_kind


def state_from(subject: str, found: Any) -> State | None:
    """A subject's state as it was before it was written as JSON."""
    if found is None:
        return None
    state: State = msgspec.convert(found, KINDS[subject_kind(subject)].state)
    return state


@cache
def table_name(table: type[Row]) -> str:
    """`custody_interval` of CustodyInterval."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", table.__name__).lower()


def from_values(table: type[R], found: Sequence[Any]) -> R:
    """A row as it was written; psycopg reads arrays as lists."""
    given: list[Any] = [tuple(value) if type(value) is list else value for value in found]
    return table(*given)


@cache
def target(table: type[Row]) -> Target:
    """Where rows of a class are written: an earlier one with their key gives way."""
    columns = table.__struct_fields__
    return Target(table_name(table), columns, ("subject", columns[1]))


@cache
def select(table: type[Row], condition: str) -> bytes:
    """Rows that meet one of the conditions below.

    As bytes: psycopg prepares these once, and what is composed each time.
    """
    query = sql.SQL("SELECT {columns} FROM {table} AS it {condition}").format(
        columns=sql.SQL(", ").join(
            sql.SQL("it.{}").format(sql.Identifier(name)) for name in table.__struct_fields__
        ),
        table=sql.Identifier(table_name(table)),
        condition=_CONDITIONS[condition].format(key=sql.Identifier(table.__struct_fields__[1])),
    )
    return query.as_bytes()


@cache
def delete(table: type[Row]) -> bytes:
    """Remove all rows of some subjects."""
    query = sql.SQL("DELETE FROM {table} WHERE subject = ANY (%(subjects)s)")
    return query.format(table=sql.Identifier(table_name(table))).as_bytes()


_CONDITIONS = {
    "by_key": sql.SQL(
        "JOIN unnest(%(subjects)s::text[], %(idents)s::text[]) AS wanted (subject, ident) "
        "ON it.subject = wanted.subject AND it.{key} = wanted.ident"
    ),
    "by_source": sql.SQL(
        "JOIN unnest(%(subjects)s::text[], %(idents)s::text[]) AS wanted (subject, ident) "
        "ON it.subject = wanted.subject AND it.source = wanted.ident"
    ),
    "unsettled": sql.SQL(
        "WHERE it.subject = ANY (%(subjects)s) "
        "AND it.status IN "
        "('PROPOSED', 'OPEN', 'REPORTED', 'REQUESTED', 'ACCEPTED', 'IN_FORCE')"
    ),
    "by_subject": sql.SQL("WHERE it.subject = ANY (%(subjects)s) ORDER BY it.subject, it.{key}"),
}
