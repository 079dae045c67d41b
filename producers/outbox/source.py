"""The agency's database as the relay sees it: one connection, and the SQL beside this module.

Owns how errors of that database read. Needs no right but those of grants.sql, and no setting of
the session, so that a pooler may stand between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

from runut.errors import BadInput, Unreachable
from runut.named_queries import read_queries, read_script

T = TypeVar("T")

CHANNEL: Final = "runut_outbox"
CONNECT_TIMEOUT_S: Final = 10
ANSWER_TIMEOUT_S: Final = 30.0
"""How long a query may take before the database counts as unreachable."""
TRANSACTION_TIMEOUT_S: Final = 90.0
"""How long a transaction may take, with all that is done meanwhile."""
_FOLDER: Final = Path(__file__).parent
_QUERIES: Final = read_queries(_FOLDER / "relay.sql")


class Source:
    """One connection to the database that has the outbox."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], address: str) -> None:
        self._connection = connection
        self._address = address

    def storable(self, text: str) -> str:
        """A text as this database can hold it: in ASCII where its own encoding is not UTF-8."""
        if self._connection.info.parameter_status("server_encoding") == "UTF8":
            return text
        return text.replace("…", "...").encode("ascii", "backslashreplace").decode()

    async def ask(self, kind: type[T], query: str, **given: object) -> list[T]:
        """The rows of a named query as tuples of a kind, which has the columns' names.

        Raises:
            Unreachable: the database does not answer, or cannot do it now.
            BadInput: it has no outbox, or we no rights on it.
        """
        with _translated(self._address):
            cursor = self._connection.cursor(row_factory=class_row(kind))
            async with asyncio.timeout(ANSWER_TIMEOUT_S), cursor:
                await cursor.execute(_QUERIES[query], given)
                return await cursor.fetchall()

    async def tell(self, query: str, **given: object) -> None:
        """Execute a named query for its effect. Raises as `ask`."""
        with _translated(self._address):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._connection.execute(_QUERIES[query], given)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction for as long as the block lasts. Raises as `ask`."""
        with _translated(self._address):
            async with asyncio.timeout(TRANSACTION_TIMEOUT_S), self._connection.transaction():
                yield

    async def listen(self) -> None:
        """From now on, be told of new rows. Raises as `ask`."""
        with _translated(self._address):
            listen = sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL))
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._connection.execute(listen)

    async def news(self, timeout_s: float) -> None:
        """Wait until there are new rows, `timeout_s` seconds at most. Raises as `ask`."""
        with _translated(self._address):
            async for _ in self._connection.notifies(timeout=timeout_s, stop_after=1):
                pass


@asynccontextmanager
async def connected(url: str, *, name: str) -> AsyncIterator[Source]:
    """A connection for as long as the block lasts; `name` is what pg_stat_activity shows.

    Raises:
        BadInput: the URL is none.
        Unreachable: nobody answers there, or only a standby, to which nothing can be written.
    """
    address = address_of(url)
    with _translated(address):
        connection = await psycopg.AsyncConnection.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=name,
            client_encoding="UTF8",  # whatever the URL says: rows hold any letters
        )
    try:
        cursor = await connection.execute(_QUERIES["is_standby"])
        if await cursor.fetchone() == (True,):
            raise _unreachable(address, "it is a standby, which is read-only")
        yield Source(connection, address)
    finally:
        await asyncio.shield(connection.close())


def ddl() -> LiteralString:
    """The script that makes the outbox in an agency's database."""
    return read_script(_FOLDER / "ddl.sql")


def grants(which: str, role: str) -> str:
    """The rights of a role: `writer` of the agency's own system, `relay` of the relay."""
    grant = sql.SQL(read_queries(_FOLDER / "grants.sql")[which])
    return f"{grant.format(role=sql.Identifier(role)).as_string(None)};\n"


def address_of(url: str) -> str:
    """`host:port/database` of a URL, without user and password.

    Raises:
        BadInput: it is no URL of a database.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # What was found may be a password.
        expected = "an address such as postgresql://role:password@host:5432/database"
        raise BadInput("source", expected, "none") from None
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"{host}:{port}/{parts.get('dbname', '')}"


@contextmanager
def _translated(address: str) -> Iterator[None]:
    try:
        yield
    except psycopg.ProgrammingError as error:
        expected = "the tables of `runut outbox ddl`, and the rights of its --relay-role on them"
        raise BadInput(f"outbox at {address}", expected, _words(error)) from None
    except TimeoutError:
        raise _unreachable(address, "no answer in time") from None
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise _unreachable(address, _words(error)) from None


def _unreachable(address: str, cause: str) -> Unreachable:
    return Unreachable("the outbox's PostgreSQL", address, "start it, or correct --source", cause)


def _words(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
