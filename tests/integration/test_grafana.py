"""The Grafana dashboard: every query runs against the views, as a reader, and finds something."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from psycopg import sql

from projections.install import READER_ROLE
from runut.adapters.postgres import Connection
from runut.settings import Settings
from tests.builders import ROOT, project, scenario

DASHBOARD = ROOT / "deploy" / "grafana" / "runut.json"
SINCE, TO = "2025-01-01T00:00:00Z", "2026-07-02T00:00:00Z"
"""The time range that somebody looks at."""
STORIES = (
    "01-unpaid-wages",
    "02-transfer-bounced",
    "03-letter-never-answered",
    "06-agreement-breached-and-fined",
    "07-meeting-with-decisions",
    "13-promises-and-breaches",
)


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())  # type: ignore[no-any-return]


def queries() -> Iterator[tuple[str, str]]:
    """Title and text of every query; those of variables, too."""
    found = dashboard()
    for panel in found["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["rawSql"]
    for variable in found["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]


def as_grafana_sends(query: str, schema: str, agency: str) -> str:
    """A query with Grafana's macros and the chosen agency filled in, on the views of a schema."""
    between = rf"\1 BETWEEN '{SINCE}' AND '{TO}'"
    query = re.sub(r"\$__timeFilter\((\w+)\)", between, query)
    query = query.replace("$__timeTo()", f"'{TO}'").replace("${agency:sqlstring}", f"'{agency}'")
    assert "$" not in query
    return query.replace("runut.", f"{schema}.")


async def test_every_query_runs_for_a_reader(connection: Connection, settings: Settings) -> None:
    at = 1
    for name in STORIES:
        records = scenario(name, at)
        at += len(records)
        await project(connection, records)
    reader = sql.Identifier(READER_ROLE)
    await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH SET TRUE").format(reader))
    await connection.execute(sql.SQL("SET ROLE {}").format(reader))
    found: dict[str, list[Any]] = {}
    agency = ""
    for title, query in queries():
        sent = as_grafana_sends(query, settings.views_schema, agency)
        found[title] = await (await connection.execute(sent.encode())).fetchall()
        if title == "Overdue by agency A":
            agency = found[title][0][0]
    assert found["Open cases A"][0][0] > 0
    assert found["Overdue A"][0][0] > 0
    assert [title for title, rows in found.items() if not rows] == []


def test_every_panel_says_what_it_shows_and_asks_the_chosen_database() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"]["uid"] == "${datasource}"
