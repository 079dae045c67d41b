"""Tables, views and the readers' role: made once, by whoever comes first."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from embedded.platform import Endpoints
from projections import install as installing
from projections.folds.rows import TABLES
from projections.install import INSTALL_LOCK, READER_ROLE, install, install_views
from projections.reading import subject_state
from runut.adapters.postgres import Connection, connected
from runut.errors import LedgerMismatch, PlatformError
from runut.settings import Settings
from tests.builders import RECORDED_AT, project, scenario

VIEWS = {
    *("case_current", "case_history", "custody_interval", "transfer", "merge_unabsorbed"),
    *("letter", "contact", "assistance", "data_share", "commitment", "decision"),
    *("meeting", "meeting_attendance", "agreement", "agreement_clause", "fine"),
    *("agent", "sanction", "inspection", "deposit_draw", "service_point", "outreach"),
    *("protocol", "known_until", "commitment_outcome", "decision_outcome", "case_movement"),
    *("agency_tie", "agency_edge", "meeting_series", "indicator_monthly"),
}
MERGED = "05-two-silos-merged"


async def column(connection: Connection, query: str, *values: object) -> list[object]:
    cursor = await connection.execute(query, values)
    return [row[0] for row in await cursor.fetchall()]


def view(settings: Settings, name: str, what: str = "*") -> sql.Composed:
    return sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(what),
        sql.Identifier(settings.views_schema, name),
    )


async def test_installing_again_changes_nothing(connection: Connection, settings: Settings) -> None:
    await project(connection, scenario(MERGED))
    await install(connection, settings)
    assert await column(connection, "SELECT count(*) FROM history") == [25]


async def test_workers_that_start_at_once_all_find_it_installed(settings: Settings) -> None:
    async def start() -> None:
        async with connected(settings, name="worker") as connection:
            await install(connection, settings)
            await connection.commit()

    await asyncio.gather(*(start() for _ in range(4)))
    async with connected(settings, name="test") as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = %s"
        assert await column(connection, tables, settings.model_schema) == [len(TABLES) + 6]


async def test_tables_of_another_release_call_for_a_rebuild(
    connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "model_version", lambda: "0123456789abcdef")
    with pytest.raises(LedgerMismatch, match=r"expected version 0123456789abcdef.*runut rebuild"):
        await install(connection, settings)


async def test_a_schema_that_is_not_ours_is_left_alone(settings: Settings) -> None:
    async with connected(settings, name="test", autocommit=True) as connection:
        await connection.execute(
            sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(settings.model_schema))
        )
        with pytest.raises(LedgerMismatch, match="RUNUT_MODEL_SCHEMA"):
            await install(connection, settings)


async def test_reading_before_anything_is_installed_says_what_to_start(settings: Settings) -> None:
    async with connected(settings, name="test", autocommit=True) as connection:
        with pytest.raises(PlatformError, match="runut up"):
            await subject_state(connection, "case/X", RECORDED_AT)


async def test_every_view_and_every_column_has_a_comment(
    connection: Connection, settings: Settings
) -> None:
    schema = settings.views_schema
    views = "SELECT viewname FROM pg_views WHERE schemaname = %s"
    assert set(await column(connection, views, schema)) == VIEWS
    silent = """
        SELECT c.relname || coalesce('.' || a.attname, '')
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN LATERAL (
              SELECT attname, attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
              UNION ALL SELECT NULL, 0
          ) a ON true
         WHERE n.nspname = %s
           AND CASE WHEN a.attnum = 0 THEN obj_description(c.oid, 'pg_class')
                    ELSE col_description(c.oid, a.attnum) END IS NULL
    """
    assert await column(connection, silent, schema) == []


async def test_readers_may_read_the_views_and_nothing_else(
    connection: Connection, settings: Settings
) -> None:
    await project(connection, scenario(MERGED))
    reader = sql.Identifier(READER_ROLE)
    await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH SET TRUE").format(reader))
    await connection.execute(sql.SQL("SET ROLE {}").format(reader))
    for name in sorted(VIEWS):
        await connection.execute(view(settings, name))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await connection.execute(
            sql.SQL("SELECT FROM {}").format(sql.Identifier(settings.model_schema, "history"))
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await connection.execute(
            sql.SQL("DELETE FROM {}").format(sql.Identifier(settings.views_schema, "letter"))
        )
    await connection.execute("RESET ROLE")


async def test_a_login_of_readers_holds_no_lock_that_the_ledger_waits_for(
    platform: Endpoints, connection: Connection
) -> None:
    reader = sql.Identifier(f"dashboards_{uuid4().hex[:8]}")
    role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x' IN ROLE {}")
    await connection.execute(role.format(reader, sql.Identifier(READER_ROLE)))
    options = {"user": reader.as_string().strip('"'), "password": "x", "autocommit": True}
    login = await Connection.connect(platform.postgres_url, **options)
    async with login:
        for statement in (
            f"SELECT pg_advisory_lock({INSTALL_LOCK})",
            "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
            "SELECT lo_create(0)",
            "CREATE TEMPORARY TABLE kept ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await login.execute(statement)


async def test_the_view_of_cases_says_what_the_state_says(
    connection: Connection, settings: Settings
) -> None:
    await project(connection, scenario(MERGED))
    same = ("status", "custodian", "category", "urgency", "participants", "merged_into")
    cursor = await connection.execute(view(settings, "case_current", f"subject, {', '.join(same)}"))
    rows = await cursor.fetchall()
    assert len(rows) == 2
    for subject, *found in rows:
        state = await subject_state(connection, subject, RECORDED_AT)
        assert found == [state[name] for name in same]


async def test_a_merge_is_shown_until_the_survivor_absorbs_it(
    connection: Connection, settings: Settings
) -> None:
    records = scenario(MERGED)
    unabsorbed = view(settings, "merge_unabsorbed", "subject, survivor, survivor_exists")
    absorbed = next(one for one in records if one.event.type == "CaseAbsorbed")
    await project(connection, [one for one in records if one is not absorbed])
    cursor = await connection.execute(unabsorbed)
    assert await cursor.fetchall() == [("case/KP2MI-2025-0902", "case/KBRI-KL-2025-0901", True)]


async def test_views_follow_the_tables_to_a_new_schema(
    connection: Connection, settings: Settings
) -> None:
    await project(connection, scenario(MERGED))
    rebuilt = settings.model_copy(update={"model_schema": f"{settings.model_schema}_2"})
    async with connected(rebuilt, name="test", autocommit=True) as beside:
        await install(beside, rebuilt)
        await install_views(beside, rebuilt)
    cursor = await connection.execute(view(settings, "case_current"))
    assert await cursor.fetchall() == []
