"""Outboxes for tests: an agency's own database, what its system inserts, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from producers.outbox.relay import Relay, Relayed
from producers.outbox.source import ddl, grants
from producers.outbox.standing import standing
from runut.event import Recorded
from runut.settings import Settings
from tests.integration.logs import Log

AGENCY = "kp2mi"
DEADLINE_S = 60.0
OCCURRED_AT = "2025-05-08T10:00:00+07:00"
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class AgencyDatabase(NamedTuple):
    """A database with an outbox: its address for each of three roles."""

    owner: str
    app: str
    relay: str


class Row(NamedTuple):
    """What an agency's system inserts; without a version the outbox numbers it."""

    subject: str
    version: int | None = None
    type: str = "ContactLogged"
    payload: Any = None
    meta: dict[str, Any] | list[Any] = {}  # noqa: RUF012 - never changed
    occurred_at: str = OCCURRED_AT
    row_id: UUID | None = None


async def make_outbox(admin: str, encoding: str = "UTF8") -> AgencyDatabase:
    """An outbox in a database of its own, as the how-to page says to make one."""
    name = f"agency_{uuid4().hex[:12]}"
    database = AgencyDatabase(
        as_role(admin, name), *(as_role(admin, name, f"{name}_{role}") for role in ("app", "relay"))
    )
    async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE 'C' ENCODING {}")
        await connection.execute(create.format(sql.Identifier(name), encoding))
        for role in ("app", "relay"):
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'")
            await connection.execute(create.format(sql.Identifier(f"{name}_{role}")))
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as connection:
        await connection.execute(ddl())
        await connection.execute(grants("writer", f"{name}_app").encode())
        await connection.execute(grants("relay", f"{name}_relay").encode())
    return database


def as_role(url: str, database: str, role: str | None = None) -> str:
    """The same server's URL for another database, and for a role whose password is `secret`."""
    parts = urlsplit(url)
    who = parts.netloc if role is None else f"{role}:secret@{parts.hostname}:{parts.port}"
    return parts._replace(netloc=who, path=f"/{database}").geturl()


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Connection]:
    """A connection for as long as the block lasts."""
    connection: Connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        yield connection


async def relay_once(settings: Settings, database: AgencyDatabase) -> Relayed:
    """Send whatever can be sent now."""
    relay = Relay(settings, database.relay, AGENCY, at_once=4)
    await relay.run(once=True)
    return relay.relayed


async def relay_all(settings: Settings, database: AgencyDatabase) -> Relayed:
    """Send all, when nobody holds rows back: PostgreSQL itself may, for a moment."""

    async def is_held_back() -> bool:
        return (await standing(database.relay)).held_back > 0

    async with asyncio.timeout(DEADLINE_S):
        while await is_held_back():
            await asyncio.sleep(0.05)
    return await relay_once(settings, database)


def contact(number: object) -> dict[str, Any]:
    """The payload of a ContactLogged."""
    return {
        "contact_id": f"c-{number}",
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": [],
        "summary": "Ditelepon.",
    }


def report() -> dict[str, Any]:
    """The payload of a CaseReported."""
    return {
        "category": "UNPAID_WAGES",
        "urgency": "NORMAL",
        "phase": "DURING",
        "country": "MY",
        "intake": "LETTER",
        "relation": "WORKER",
        "sector": "FORMAL",
        "placement": "PROCEDURAL",
        "summary": "Upah tidak dibayar.",
    }


async def insert(connection: Connection, *rows: Row) -> list[str]:
    """Insert rows, as the connection's transaction has it; gives their ids."""
    columns = [_columns(row) for row in rows]
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO runut_outbox.outbox "
            "(id, aggregatetype, aggregateid, type, payload, version, occurred_at, meta) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            columns,
        )
    return [str(row_id) for row_id, *_ in columns]


def _columns(row: Row) -> tuple[Any, ...]:
    kind, _, ident = row.subject.partition("/")
    payload = contact(row.version) if row.payload is None else row.payload
    about = (row.version, row.occurred_at, Jsonb(row.meta))
    return row.row_id or uuid4(), kind, ident, row.type, Jsonb(payload), *about


def ids(records: Iterable[Recorded]) -> list[str]:
    """Event ids in the order of the log."""
    return [one.event.event_id for one in records]


def sent(log: Log, subject: str) -> Sequence[str]:
    """Ids of a subject's events in the order in which each came first."""
    return list(dict.fromkeys(ids(log.on_subject(subject))))
