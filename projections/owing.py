"""Who owes what to whom across all subjects, and what one agency owes, holds and awaits.

The tables answer, as of a past moment (by recorded time) those that are made of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from projections import row_tables
from projections.explaining import explain
from projections.folds.case_state import CaseState
from projections.folds.rows import Commitment
from projections.known import known_at
from projections.portraits import Document
from projections.queries import queries
from projections.reading import load_directory, load_entries, snapshot
from projections.render import render_commitment
from runut.adapters.postgres import Connection
from runut.directory import Agency, Directory
from runut.directory_log import DirectoryLog
from runut.errors import NotFound, shorten
from runut.rfc3339 import format_time

_SQL: Final = queries("reading")
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


async def commitments(
    connection: Connection,
    *,
    now: datetime,
    agency: str | None = None,
    overdue: bool = False,
    as_of: datetime | None = None,
    then: Connection | None = None,
) -> list[Document]:
    """Commitments as JSON (interfaces.md), ordered by due_at, those without one last.

    `agency` asks for what it owes (its commitments as debtor), `overdue` for what is owed and past
    its limit at `as_of`, else at `now`. `then` has the tables of `as_of`, where they were made.
    """
    async with asked_at(connection, now, as_of, then) as tables:
        asked = {"debtor": agency, "overdue": overdue, "now": as_of or now}
        cursor = await tables.execute(_SQL["commitments"], asked)
        found = [row_tables.from_values(Commitment, row) for row in await cursor.fetchall()]
    return [render_commitment(one, as_of or now) for one in found]


@asynccontextmanager
async def asked_at(
    connection: Connection, now: datetime, as_of: datetime | None, then: Connection | None
) -> AsyncIterator[Connection]:
    """Tables of the present or of a past moment: those of `then`, where it has them already."""
    if then is not None:
        yield then
        return
    async with known_at(connection, now, as_of) as known:
        yield known.connection


async def explanation(
    connection: Connection,
    commitment_id: str,
    subject: str | None = None,
    known: DirectoryLog | None = None,
) -> Document:
    """Why a commitment is due when it is (`projections.explaining`).

    Its subject has to be named only where the same id stands on several.

    Raises:
        NotFound: there is no such commitment, or on more than one subject.
    """
    async with snapshot(connection):
        if subject is None:
            subject = await _only_subject(connection, commitment_id)
        directory = await load_directory(connection, known)
        entries = await load_entries(connection, subject, directory.at)
    records = [entry.recorded for entry in entries]
    return explain(records, commitment_id, directory.at, directory.latest)


async def _only_subject(connection: Connection, commitment_id: str) -> str:
    asked = {"commitment_id": commitment_id}
    cursor = await connection.execute(_SQL["subjects_of_commitment"], asked)
    found: list[str] = [row[0] for row in await cursor.fetchall()]
    if len(found) == 1:
        return found[0]
    some = f"it on several, such as {', '.join(found)}; name one" if found else "none"
    raise NotFound(
        f"commitment {shorten(commitment_id)}", f"expected it on one subject, found {some}"
    )


async def agency(
    connection: Connection,
    code: str,
    *,
    now: datetime,
    as_of: datetime | None = None,
    known: DirectoryLog | None = None,
    then: Connection | None = None,
) -> Document:
    """What an agency owes others, the open cases that it holds, and what it awaits from others.

    `{agency, owes, holds, awaits, as_of}`: `owes` and `awaits` are commitments that are PROPOSED,
    OPEN or REPORTED, in the shape and order of `commitments`. `then` as there.

    Raises:
        NotFound: the directory does not know the code.
    """
    moment = as_of or now
    async with snapshot(connection):
        directory = await load_directory(connection, known)
    found = known_agency(directory.latest, code)
    async with asked_at(connection, now, as_of, then) as tables:
        pending, cases = await _pending(tables, code)
    pending.sort(key=_by_due_at)
    return {
        "agency": render_agency(found),
        "owes": [render_commitment(one, moment) for one in pending if one.debtor == code],
        "holds": [_held(subject, state) for subject, state in sorted(cases.items())],
        "awaits": [render_commitment(one, moment) for one in pending if one.creditor == code],
        "as_of": format_time(as_of) if as_of else None,
    }


Pending = tuple[list[Commitment], dict[str, CaseState]]


async def _pending(connection: Connection, code: str) -> Pending:
    cursor = await connection.execute(_SQL["commitments_of_agency"], {"agency": code})
    pending = [row_tables.from_values(Commitment, row) for row in await cursor.fetchall()]
    cursor = await connection.execute(_SQL["cases_held"], {"agency": code})
    states = {row[0]: row_tables.state_from(*row) for row in await cursor.fetchall()}
    return pending, {s: state for s, state in states.items() if isinstance(state, CaseState)}


def _by_due_at(commitment: Commitment) -> tuple[datetime, str, str]:
    return commitment.due_at or _NEVER, commitment.subject, commitment.commitment_id


def known_agency(directory: Directory, code: str) -> Agency:
    """An agency of the directory.

    Raises:
        NotFound: the directory does not know the code.
    """
    found = directory.agency(code)
    if found is None:
        raise NotFound(f"agency {shorten(code)}", "expected one that the directory knows")
    return found


def render_agency(found: Agency) -> Document:
    """An agency as the directory has it."""
    return {
        "code": found.code,
        "name_id": found.name_id,
        "name_en": found.name_en,
        "kind": found.kind,
        "roles": sorted(found.roles),
        "region": found.region,
        "escalates_to": found.escalates_to,
        "timezone": found.timezone,
    }


def _held(subject: str, state: CaseState) -> Document:
    return {
        "subject": subject,
        "status": state.status,
        "category": state.category,
        "urgency": state.urgency,
        "since": format_time(state.interval.started_at),
        "opened_at": format_time(state.opened_at),
    }
