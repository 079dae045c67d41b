"""Make the read models' tables, the stable views, the role that may read them, the operations.

Owns what is in PostgreSQL before the first event. Idempotent, and safe when several workers start
at once. Read models of another release are never changed in place: a rebuild makes new ones. The
operations' tables hold what no log gives back: their script only ever adds.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from typing import Final

import psycopg
from psycopg import sql

from projections.folds import FOLDS
from projections.measures import MEASURES, view_bodies
from projections.queries import script
from runut.adapters.postgres import Connection
from runut.errors import LedgerMismatch, PlatformError
from runut.settings import Settings

READER_ROLE: Final = "runut_reader"
INSTALL_LOCK: Final = 0x72756E7574  # "runut"
"""Advisory lock that one installing worker holds at a time."""

VIEWS: Final = (
    *("views/case", "views/exchange", "views/commitment", "views/meeting", "views/agreement"),
    *("views/agent", "views/programme", "views/measures", "views/access"),
)
"""Scripts of the stable views, in the order in which they build on each other."""

_VERSION: Final = re.compile(r"version ([0-9a-f]{16})\b")


@cache
def version_of(*files: str) -> str:
    """Version of scripts of ours: another where their statements are others, comments aside."""
    text = "\n".join(map(script, files))
    statements = " ".join(re.sub(r"--.*", "", text).split())
    return sha256(statements.encode()).hexdigest()[:16]


def model_version() -> str:
    """Version of the read models: another where tables are others, or folds give something else."""
    return sha256(f"{version_of('model')} {FOLDS}".encode()).hexdigest()[:16]


async def install(connection: Connection, settings: Settings) -> None:
    """Create the tables if absent, and bring operations, views and role up to this release.

    Raises:
        LedgerMismatch: the tables are another release's and have to be rebuilt.
        PlatformError: the role for readers is missing and may not be created.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (INSTALL_LOCK,))
        await _install_model(connection, settings.model_schema)
        await _install_operations(connection, settings.operations_schema)
        found = await installed_version(connection, settings.views_schema)
        if found != version_of(*VIEWS, MEASURES):
            await install_views(connection, settings)


async def install_views(connection: Connection, settings: Settings) -> None:
    """Point the stable views at the present tables: after a change of either."""
    async with connection.transaction():
        await create_role(connection, READER_ROLE)
        views = sql.Identifier(settings.views_schema)
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(views))
        # Tables go before views of the same name.
        await look_in(connection, settings.model_schema, settings.views_schema)
        for file in VIEWS:
            statements = sql.SQL(script(file)).format(
                views=views, reader=sql.Identifier(READER_ROLE), **view_bodies()
            )
            await connection.execute(statements)
        version = version_of(*VIEWS, MEASURES)
        await describe(connection, settings.views_schema, "Stable views of Runut", version)


async def installed_version(connection: Connection, schema: str) -> str | None:
    """Version of what a schema of ours holds; None where the schema is absent or not ours."""
    cursor = await connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s",
        (schema,),
    )
    row = await cursor.fetchone()
    found = _VERSION.search(row[0] or "") if row else None
    return found[1] if found else None


async def _install_model(connection: Connection, schema: str) -> None:
    found = await installed_version(connection, schema)
    if found == model_version():
        return
    if found is not None:
        raise LedgerMismatch(
            f"read models in schema {schema}: expected version {model_version()}, found {found} of "
            "another release; nothing is lost, have them made again from the log: runut rebuild"
        )
    try:
        await create_model(connection, schema)
    except psycopg.errors.DuplicateSchema:
        raise LedgerMismatch(
            f"schema {schema}: expected read models of Runut, found something else; "
            "name another one by RUNUT_MODEL_SCHEMA"
        ) from None


async def create_model(connection: Connection, schema: str) -> None:
    """Make the tables of this release's read models, in a schema that is not there yet."""
    await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    await look_in(connection, schema)
    await connection.execute(script("model"))
    version = model_version()
    await describe(connection, schema, "Read models of Runut, made from the log", version)


async def _install_operations(connection: Connection, schema: str) -> None:
    version = version_of("operations")
    if await installed_version(connection, schema) == version:
        return
    named = sql.Identifier(schema)
    await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(named))
    await look_in(connection, schema)
    await connection.execute(script("operations"))
    await describe(connection, schema, "Operations of Runut, not made from the log", version)


async def look_in(connection: Connection, *schemas: str) -> None:
    """Where names without a schema are looked up, until the transaction ends."""
    path = sql.SQL(", ").join(map(sql.Identifier, schemas))
    await connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(path))


async def describe(connection: Connection, schema: str, what: str, version: str) -> None:
    """Say in the schema's comment what it holds, and in which version."""
    comment = f"{what}; version {version}"
    await connection.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(comment))
    )


async def create_role(connection: Connection, role: str) -> None:
    """Create a role that nobody can log in with, if it is not there.

    Raises:
        PlatformError: it is missing and may not be created.
    """
    found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    if await found.fetchone() is not None:
        return
    # Roles belong to all databases of a server, so another one may create it meanwhile.
    try:
        async with connection.transaction():
            await connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        pass
    except psycopg.errors.InsufficientPrivilege:
        raise PlatformError(
            f"role {role}: expected it, or the right to create it, in PostgreSQL; found "
            f"neither; have an administrator run: CREATE ROLE {role} NOLOGIN"
        ) from None
