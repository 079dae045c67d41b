"""The measures of coordination: one text each, for the stable views and for questions of a moment.

Pure text. A measure is a query of sql/measures.sql that names tables without their schema and
other measures by their names. As a view it knows as much as the tables do; in a question it knows
what was so at the moment asked for, on whatever tables the search path finds: the present ones, or
those that `projections.past_tables` made for a past moment. So the two cannot differ.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Final

from psycopg import sql

from projections.queries import queries

MEASURES: Final = "measures"

_TEXTS: Final = {name: text for name, text in queries(MEASURES).items() if name != "latest_record"}
_KNOWN: Final = "known_until"
_MENTIONED: Final = re.compile(rf"\b({'|'.join(_TEXTS)})\b")


@cache
def view_bodies() -> dict[str, sql.Composable]:
    """Every measure by its name, to be the body of the view of that name."""
    return _bodies(sql.SQL(queries(MEASURES)["latest_record"]))


def bodies_at(moment: datetime) -> dict[str, sql.Composable]:
    """The same as of a moment, each after those that it builds on."""
    return _bodies(sql.Literal(moment))


@cache
def question(file: str, name: str) -> sql.Composed:
    """A query of a file; `{measures}` in it are those that it names. `moment` is a parameter."""
    text = queries(file)[name]
    bodies = _bodies(sql.Placeholder("moment"))
    named = [
        sql.SQL("{} AS ({})").format(sql.Identifier(measure), bodies[measure])
        for measure in _needed(text)
    ]
    return sql.SQL(text).format(measures=sql.SQL(", ").join(named))


def _bodies(moment: sql.Composable) -> dict[str, sql.Composable]:
    bodies: dict[str, sql.Composable] = {name: sql.SQL(text) for name, text in _TEXTS.items()}
    return bodies | {_KNOWN: sql.SQL(_TEXTS[_KNOWN]).format(moment=moment)}


def _needed(text: str) -> list[str]:
    """Measures that a query builds on, each after those that it builds on itself."""
    found = {_KNOWN, *_MENTIONED.findall(text)}
    while more := {name for one in found for name in _MENTIONED.findall(_TEXTS[one])} - found:
        found |= more
    return [name for name in _TEXTS if name in found]
