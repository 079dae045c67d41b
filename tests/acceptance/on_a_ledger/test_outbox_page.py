"""Outboxes as a person meets them: the page, followed word by word, and the commands."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from embedded import postgres
from tests.acceptance.pages import Reader
from tests.acceptance.running import Running
from tests.builders import ROOT
from tests.outboxes import AGENCY, Row, as_role, insert, make_outbox

PAGE = ROOT / "docs" / "howto" / "relay-an-outbox.md"
SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def admin(ledger: Running) -> str:
    """URL of the superuser's database on the ledger's PostgreSQL."""
    running = json.loads((ledger.data / "platform.json").read_text())
    password = postgres.open_passwords(ledger.data / "postgres").postgres
    return postgres.url(urlsplit(running["postgres_url"]).port or 0, password, postgres.OWNER)


def test_the_page_can_be_followed_as_it_stands(ledger: Running, admin: str, tmp_path: Path) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE cases")
    database = as_role(admin, "cases")
    path = f"{postgres.program('psql').parent}{os.pathsep}{ledger.environment['PATH']}"
    variables = {**ledger.environment, "DATABASE": database, "PATH": path}
    reader = Reader(tmp_path / "reader", variables)
    reader.follow(PAGE)
    assert reader.leave() == 0
    with psycopg.connect(database, autocommit=True) as connection:
        fill, clean_up = SQL.findall(PAGE.read_text())
        connection.execute(fill)
        assert connection.execute(clean_up).rowcount == 3
        left = connection.execute("SELECT version, skipped FROM runut_outbox.outbox")
        assert left.fetchall() == [(4, True)]


async def test_a_person_sees_what_waits_and_has_it_tried_again_or_left_out(
    ledger: Running, admin: str
) -> None:
    database = await make_outbox(admin)
    async with await psycopg.AsyncConnection.connect(database.app) as app:
        bad, *_ = await insert(
            app, Row("case/O-1", 1, "Unheard"), Row("case/O-1", 2), Row("case/O-2", 2)
        )
    source = ("--source", database.relay)
    relay = ("outbox", "relay", *source, "--agency", AGENCY, "--once", "--json")
    done = ledger.attempt(*relay)
    assert (done.returncode, json.loads(done.stdout)) == (3, {"sent": 0, "refused": 1})
    done = ledger.attempt("outbox", "status", *source, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["unsent"], found["held_back"]) == (3, 0, 0)
    (refused,) = found["refused"]
    assert (refused["id"], refused["subject"], refused["version"]) == (bad, "case/O-1", 1)
    assert refused["reason"].startswith("type: expected an event type")
    assert found["waiting"] == [{"subject": "case/O-2", "missing": 1, "seen": 2}]
    text = ledger.attempt("outbox", "status", *source).stdout.decode()
    assert "waiting  case/O-2: version 1 is not there, 2 is" in text
    again = ledger.command("outbox", "retry", bad, *source)
    assert again == "case/O-1 version 1: to be tried again\n"
    assert json.loads(ledger.attempt(*relay).stdout) == {"sent": 0, "refused": 1}
    assert ledger.command("outbox", "skip", bad, *source) == "case/O-1 version 1: skipped\n"
    assert json.loads(ledger.command(*relay)) == {"sent": 1, "refused": 0}
    done = ledger.attempt("outbox", "skip", bad, *source)
    assert (done.returncode, done.stderr.decode()) == (0, "")
