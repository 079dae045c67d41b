"""Apicurio Registry as a part, with its schemas in our PostgreSQL.

Bound to the loopback address; its state is the schema `registry` of the platform's database.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from embedded.answering import answering
from embedded.java import java, plain_environment
from embedded.ports import LOOPBACK
from embedded.supervisor import Part
from runut.errors import PlatformError, shorten

HEAP_MB: Final = 256
SCHEMA: Final = "registry"
"""Schema of PostgreSQL that holds its tables."""
API: Final = "/apis/ccompat/v7"
PORT_NAMES: Final = ("registry", "registry-management")


def url(port: int) -> str:
    """Base of the Confluent-compatible API."""
    return f"http://{LOOPBACK}:{port}{API}"


def registry_part(
    data: Path, program: Path, ports: Mapping[str, int], postgres_url: str
) -> tuple[Part, str]:
    """The registry of an unpacked program, and the base of its API."""
    home = data / "registry"
    port, management = (ports[name] for name in PORT_NAMES)

    async def prepare() -> None:
        shutil.rmtree(home / "tmp", ignore_errors=True)
        (home / "tmp").mkdir(parents=True)
        await _ensure_schema(postgres_url)

    part = Part(
        name="registry",
        command=[*java(HEAP_MB, home / "tmp"), "-jar", program / "quarkus-run.jar"],
        env=plain_environment(
            APICURIO_STORAGE_KIND="sql",
            APICURIO_STORAGE_SQL_KIND="postgresql",
            **datasource(postgres_url),
            QUARKUS_HTTP_HOST=LOOPBACK,
            QUARKUS_HTTP_PORT=str(port),
            QUARKUS_MANAGEMENT_HOST=LOOPBACK,
            QUARKUS_MANAGEMENT_PORT=str(management),
        ),
        cwd=home,
        log=data / "logs" / "registry.log",
        prepare=prepare,
        ready=partial(registry_answers, url(port)),
        expects=f"Apicurio Registry to answer at {url(port)}",
        after=("postgres",),
    )
    return part, url(port)


async def _ensure_schema(postgres_url: str) -> None:
    create = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA))
    try:
        async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
            await connection.execute(create)
    except psycopg.Error as error:
        raise PlatformError(
            f"registry: expected to make schema {SCHEMA} in PostgreSQL, found {shorten(str(error))}"
        ) from None


def datasource(postgres_url: str) -> dict[str, str]:
    """The registry's settings for a PostgreSQL URL of libpq: JDBC keeps the user apart."""
    given = {name: str(value) for name, value in conninfo_to_dict(postgres_url).items()}
    user, password = given.pop("user", ""), given.pop("password", "")
    address = (
        f"{given.pop('host', LOOPBACK)}:{given.pop('port', '5432')}/{given.pop('dbname', user)}"
    )
    options = urlencode({"currentSchema": SCHEMA, **given})
    return {
        "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://{address}?{options}",
        "APICURIO_DATASOURCE_USERNAME": user,
        "APICURIO_DATASOURCE_PASSWORD": password,
    }


async def registry_answers(base: str) -> str | None:
    """None when the API lists its subjects, else why not (a part's `ready`)."""
    return await answering(f"{base}/subjects")
