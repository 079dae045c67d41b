"""Make the tables of trees, maps and seals, and the role that may add to them and nothing else.

Owns what is there before the first leaf. Idempotent, and safe when several start at once. Whoever
installs owns the tables; the sealer then works as `SEALER_ROLE`, which can neither update nor
delete.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from projections.install import (
    INSTALL_LOCK,
    READER_ROLE,
    create_role,
    describe,
    installed_version,
    look_in,
    version_of,
)
from projections.queries import script
from runut.adapters.postgres import Connection
from runut.errors import LedgerMismatch, PlatformError
from runut.settings import Settings

SEALER_ROLE: Final = "runut_sealer"


async def install_seals(connection: Connection, settings: Settings) -> None:
    """Create the tables if they are not there.

    Raises:
        LedgerMismatch: they are another release's, or the schema is somebody else's.
        PlatformError: a role is missing and may not be created, or not be taken on.
    """
    schema, expected = settings.seals_schema, version_of("seals")
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (INSTALL_LOCK,))
        found = await installed_version(connection, schema)
        if found == expected:
            return
        if found is not None:
            raise LedgerMismatch(
                f"seals in schema {schema}: expected version {expected}, found {found} of another "
                "release; they have to be made again from the log: docs/howto/seal-and-prove.md"
            )
        await _take_role(connection)
        await create_role(connection, READER_ROLE)
        await _create(connection, schema)
        await describe(connection, schema, "Trees, maps and seals of Runut", expected)


async def _create(connection: Connection, schema: str) -> None:
    names = {
        "schema": sql.Identifier(schema),
        "sealer": sql.Identifier(SEALER_ROLE),
        "reader": sql.Identifier(READER_ROLE),
    }
    try:
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(names["schema"]))
    except psycopg.errors.DuplicateSchema:
        raise LedgerMismatch(
            f"schema {schema}: expected seals of Runut, found something else; "
            "name another one by RUNUT_VIEWS_SCHEMA"
        ) from None
    await look_in(connection, schema)
    await connection.execute(sql.SQL(script("seals")).format(**names))


async def _take_role(connection: Connection) -> None:
    """Have the role, and the right to take it on."""
    await create_role(connection, SEALER_ROLE)
    role = sql.Identifier(SEALER_ROLE)
    query = "SELECT pg_has_role(current_user, %s, 'SET')"
    cursor = await connection.execute(query, (SEALER_ROLE,))
    if await cursor.fetchone() == (True,):
        return
    try:
        await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    except psycopg.errors.InsufficientPrivilege:
        raise PlatformError(
            f"role {SEALER_ROLE}: expected the right to take it on in PostgreSQL, found none; "
            f"have an administrator run: GRANT {SEALER_ROLE} TO the role of RUNUT_POSTGRES_URL"
        ) from None
