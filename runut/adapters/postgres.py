"""Connections to PostgreSQL as Runut wants them: UTC, orjson, ids as text, tuples as arrays.

Owns how to connect and what to say when nobody answers; knows no table.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, Self

import orjson
import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from runut.errors import NotAdmitted, SettingError, Unreachable, shorten
from runut.settings import Settings

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Lend = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends a connection for as long as a block runs, such as `Pool.lent`."""

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})
CONNECT_TIMEOUT_S: Final = 10
# Of a machine that vanished the other side would not know for hours, nor let go what it locked.
# No tcp_user_timeout: it also ends the connection of whoever only reads slowly.
_CLIENT_GONE: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_SERVER_GONE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
LENT_WITHIN_S: Final = 5.0
_ADVICE: Final = "start the platform with: runut up, or set RUNUT_POSTGRES_URL"
_ADMISSION: Final = "see user, password and database in RUNUT_POSTGRES_URL"
_ROOM: Final = "close some connections, or allow more (max_connections, or the role's limit)"
_SOON: Final = ("starting up", "shutting down", "recovery")
_FULL: Final = ("too many", "connection slots")


class _UuidAsText(Loader):
    """Ids are strings everywhere else."""

    def load(self, data: Any) -> str:
        return bytes(data).decode()


class _UuidOfText(Dumper):
    """For COPY in binary, which knows a column's type and gives us text."""

    format = Format.BINARY
    oid = psycopg.adapters.types["uuid"].oid

    def dump(self, obj: str) -> bytes:
        return bytes.fromhex(obj.replace("-", ""))


class _JsonbOfText(Dumper):
    """The same: JSON that is already text."""

    format = Format.BINARY
    oid = psycopg.adapters.types["jsonb"].oid

    def dump(self, obj: str) -> bytes:
        return b"\x01" + obj.encode()


class _TimeArray(ListBinaryDumper):
    """A tuple of times, for COPY; as a parameter any tuple is an array of its items' type."""

    oid = psycopg.adapters.types["timestamptz"].array_oid
    element_oid = psycopg.adapters.types["timestamptz"].oid

    def __init__(self, _cls: type, context: AdaptContext | None = None) -> None:
        super().__init__(tuple, context)


class Texts(tuple[str | None, ...]):
    """Texts or nulls as a parameter: an array in a fifth of the time that any other tuple takes."""


class _TextArray(Dumper):
    """Texts, for COPY, in a fifth of the time that psycopg takes for an array of anything."""

    format = Format.BINARY
    oid = psycopg.adapters.types["text"].array_oid

    def dump(self, obj: Sequence[str]) -> bytes:
        if not obj:
            return _EMPTY_ARRAY
        parts = [_ARRAY_HEAD.pack(1, 0, _TEXT_OID, len(obj), 1)]
        for text in obj:
            content = text.encode()
            parts += (_LENGTH.pack(len(content)), content)
        return b"".join(parts)


class _ArrayOfTexts(Dumper):
    """The same as a parameter, where some may be null."""

    format = Format.BINARY
    oid = psycopg.adapters.types["text"].array_oid

    def dump(self, obj: Sequence[str | None]) -> bytes:
        if not obj:
            return _EMPTY_ARRAY
        parts = [_ARRAY_HEAD.pack(1, None in obj, _TEXT_OID, len(obj), 1)]
        for text in obj:
            if text is None:
                parts.append(_NULL)
            else:
                content = text.encode()
                parts += (_LENGTH.pack(len(content)), content)
        return b"".join(parts)


_TEXT_OID: Final = psycopg.adapters.types["text"].oid
# Dimensions, whether there are nulls, type of the items; then the one dimension's size and start.
_EMPTY_ARRAY: Final = struct.pack(">iii", 0, 0, _TEXT_OID)
_ARRAY_HEAD: Final = struct.Struct(">iiiii")
_LENGTH: Final = struct.Struct(">i")
_NULL: Final = _LENGTH.pack(-1)


async def connect(
    settings: Settings,
    *,
    name: str,
    autocommit: bool = False,
    session: Mapping[str, str] = NO_SETTINGS,
) -> Connection:
    """Open a connection; `name` is what pg_stat_activity shows, `session` PostgreSQL's settings.

    Its search path is the schema of the read models, then those of the operations and the seals.

    Raises:
        Unreachable: nobody answers, or the address or password is wrong.
    """
    url = _url(settings)
    options = _options(settings, name, session)
    try:
        connection: Connection = await psycopg.AsyncConnection.connect(
            url, autocommit=autocommit, **options
        )
    except psycopg.OperationalError as error:
        raise _refusal(url, error) from None
    await _adapt(connection)
    return connection


class Pool:
    """At most so many connections such as `connect` makes, with autocommit, lent one by one.

    Opens without waiting for PostgreSQL: it may come later, or go and come back.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        name: str,
        size: int,
        ready: int = 1,
        session: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        """Take how many connections there may be, and how each is.

        Args:
            settings: where PostgreSQL is.
            name: what pg_stat_activity shows.
            size: the most connections there may be.
            ready: how many there are from the start, and when nobody asks: the others are made
                while somebody waits.
            session: PostgreSQL's own settings for each.

        Raises:
            SettingError: RUNUT_POSTGRES_URL is not set.
        """
        self._address = address_of(_url(settings))
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            _url(settings),
            kwargs={"autocommit": True, **_options(settings, name, session)},
            configure=_adapt,
            name=name,
            min_size=ready,
            max_size=size,
            timeout=LENT_WITHIN_S,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Connection]:
        """A connection for as long as the block runs.

        Raises:
            Unreachable: none is free in time, or PostgreSQL went away meanwhile.
        """
        try:
            connection = await self._pool.getconn()
            try:
                yield connection
            finally:  # nothing to commit: whatever was left open, the pool rolls back
                await self._pool.putconn(connection)
        except (PoolTimeout, psycopg.OperationalError) as error:
            why = " ".join(str(error).split())
            raise Unreachable("PostgreSQL", self._address, _ADVICE, why) from None


@asynccontextmanager
async def connected(
    settings: Settings,
    *,
    name: str,
    autocommit: bool = False,
    session: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[Connection]:
    """A connection for as long as the block runs."""
    connection = await connect(settings, name=name, autocommit=autocommit, session=session)
    try:
        yield connection
    finally:
        await asyncio.shield(connection.close())


def _url(settings: Settings) -> str:
    if settings.postgres_url is None:
        raise SettingError(
            "RUNUT_POSTGRES_URL: expected the address of PostgreSQL, or a data directory whose "
            "platform runs (runut up); found neither"
        )
    try:
        conninfo_to_dict(settings.postgres_url)
    except psycopg.ProgrammingError:  # not its words: they may quote the password
        raise SettingError(
            "RUNUT_POSTGRES_URL: expected an address such as postgresql://user@host:5432/database "
            "(a % in a password is written %25), found one that cannot be read"
        ) from None
    return settings.postgres_url


def _refusal(url: str, error: Exception) -> Unreachable:
    """What to say where no connection can be had."""
    why = " ".join(str(error).split())  # libpq says it in lines
    if "FATAL:" in why and not any(soon in why for soon in _SOON):
        found = f"lets us not in ({shorten(why.rpartition('FATAL:')[2].strip())})"
        advice = _ROOM if any(full in why for full in _FULL) else _ADMISSION
        return NotAdmitted("PostgreSQL", address_of(url), found, advice)
    return Unreachable("PostgreSQL", address_of(url), _ADVICE, why)


def _options(settings: Settings, name: str, session: Mapping[str, str]) -> dict[str, Any]:
    schemas = (settings.model_schema, settings.operations_schema, settings.seals_schema)
    given = {"timezone": "UTC", "search_path": ",".join(schemas), **_CLIENT_GONE, **session}
    return {
        **_SERVER_GONE,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": name,
        "options": " ".join(f"-c {one}={value}" for one, value in given.items()),
    }


async def _adapt(connection: Connection) -> None:
    """Have a connection speak Runut's types."""
    set_json_loads(orjson.loads, connection)
    connection.adapters.register_loader("uuid", _UuidAsText)
    connection.adapters.register_dumper(None, _UuidOfText)
    connection.adapters.register_dumper(None, _JsonbOfText)
    connection.adapters.register_dumper(None, _TextArray)
    connection.adapters.register_dumper(None, _TimeArray)
    connection.adapters.register_dumper(tuple, ListBinaryDumper)
    connection.adapters.register_dumper(Texts, _ArrayOfTexts)


def address_of(url: str) -> str:
    """`host:port/database` of a URL, without user and password."""
    return url.rpartition("@")[2].removeprefix("postgresql://")
