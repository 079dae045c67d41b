"""Connections to PostgreSQL as Runut wants them: UTC, orjson, ids as text, tuples as arrays.

Owns how to connect and what to say when nobody answers; knows no table.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper
from psycopg.types.json import set_json_loads

from runut.errors import SettingError, Unreachable
from runut.settings import Settings

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT_S: Final = 10


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


_TEXT_OID: Final = psycopg.adapters.types["text"].oid
# Dimensions, whether there are nulls, type of the items; then the one dimension's size and start.
_EMPTY_ARRAY: Final = struct.pack(">iii", 0, 0, _TEXT_OID)
_ARRAY_HEAD: Final = struct.Struct(">iiiii")
_LENGTH: Final = struct.Struct(">i")


async def connect(settings: Settings, *, name: str, autocommit: bool = False) -> Connection:
    """Open a connection; `name` is what pg_stat_activity shows.

    Its search path is the schema of the read models, then that of the operations.

    Raises:
        Unreachable: nobody answers, or the address or password is wrong.
    """
    if settings.postgres_url is None:
        raise SettingError(
            "RUNUT_POSTGRES_URL: expected the address of PostgreSQL, or a data directory whose "
            "platform runs (runut up); found neither"
        )
    try:
        connection: Connection = await psycopg.AsyncConnection.connect(
            settings.postgres_url,
            autocommit=autocommit,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=name,
            options=f"-c timezone=UTC -c search_path={settings.model_schema},"
            f"{settings.operations_schema}",
        )
    except psycopg.OperationalError as error:
        advice = "start the platform with: runut up, or set RUNUT_POSTGRES_URL"
        address = address_of(settings.postgres_url)
        raise Unreachable("PostgreSQL", address, advice, str(error).strip()) from None
    set_json_loads(orjson.loads, connection)
    connection.adapters.register_loader("uuid", _UuidAsText)
    connection.adapters.register_dumper(None, _UuidOfText)
    connection.adapters.register_dumper(None, _JsonbOfText)
    connection.adapters.register_dumper(None, _TextArray)
    connection.adapters.register_dumper(None, _TimeArray)
    connection.adapters.register_dumper(tuple, ListBinaryDumper)
    return connection


@asynccontextmanager
async def connected(
    settings: Settings, *, name: str, autocommit: bool = False
) -> AsyncIterator[Connection]:
    """A connection for as long as the block runs."""
    connection = await connect(settings, name=name, autocommit=autocommit)
    try:
        yield connection
    finally:
        await asyncio.shield(connection.close())


def address_of(url: str) -> str:
    """`host:port/database` of a URL, without user and password."""
    return url.rpartition("@")[2].removeprefix("postgresql://")
