"""PostgreSQL that answers and lets nobody in: what is said of it."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from embedded import postgres
from embedded.platform import Endpoints
from runut.adapters.postgres import connect
from runut.errors import NotAdmitted
from runut.settings import Settings

PASSWORD = "right"


@pytest.mark.parametrize(
    ("most", "password", "said"),
    [
        (-1, "wrong", r"lets us not in \(password authentication failed .*\); see user, password"),
        (0, PASSWORD, r"lets us not in \(too many connections .*\); close some .*max_connections"),
    ],
)
async def test_why_one_is_not_let_in_is_said_with_what_to_look_at(
    most: int, password: str, said: str, platform: Endpoints, platform_data: Path
) -> None:
    port = urlsplit(platform.postgres_url).port or 0
    owner = postgres.open_passwords(platform_data / "postgres").postgres
    role = f"refused_{secrets.token_hex(4)}"
    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {}").format(
        sql.Identifier(role), sql.Literal(PASSWORD), sql.Literal(most)
    )
    address = postgres.url(port, owner, postgres.OWNER)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(made)
        try:
            url = f"postgresql://{role}:{password}@127.0.0.1:{port}/{postgres.LEDGER}"
            with pytest.raises(NotAdmitted, match=said):
                await connect(Settings(postgres_url=url), name="tests")
        finally:
            await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
