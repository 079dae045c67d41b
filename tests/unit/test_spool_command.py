"""`runut spool`: a person sees what waits, and takes out what can never be sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from runut.errors import NotFound, Unreachable
from runut.json_form import from_json
from runut.spool import Spool
from tests.unit.test_spool import contact

PATH = "events.spool"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_waits_and_what_is_parked_is_shown() -> None:
    bad, held, good = contact(1), contact(2), contact(3, "case/B")
    with Spool(PATH) as spool:
        spool.keep(bad, held, good)
        shown = CliRunner().invoke(app, ["spool", "status", PATH])
        assert (shown.exit_code, shown.stdout[:33]) == (0, "events.spool: events to send: 3, ")
        spool.park({spool.waiting(1)[0].number: "no signing key for agency kp2mi"})
    shown = CliRunner().invoke(app, ["spool", "status", PATH])
    assert shown.exit_code == 3
    assert f"parked   {bad.event_id}  ContactLogged on case/A by kp2mi\n" in shown.stdout
    assert "         no signing key for agency kp2mi\n" in shown.stdout
    assert "1 of the same subjects wait behind them" in shown.stdout
    found = json.loads(CliRunner().invoke(app, ["spool", "status", PATH, "--json"]).stdout)
    assert (found["waiting"], found["held"], len(found["parked"])) == (1, 1, 1)
    assert found["parked"][0]["event_id"] == bad.event_id


def test_what_can_never_be_sent_is_taken_out_and_printed() -> None:
    bad = contact(1)
    with Spool(PATH) as spool:
        spool.keep(bad, contact(2))
        spool.park({spool.waiting(1)[0].number: "-"})
    taken = CliRunner().invoke(app, ["spool", "remove", PATH, bad.event_id])
    assert from_json(taken.stdout) == bad
    again = CliRunner().invoke(app, ["spool", "remove", PATH, bad.event_id])
    assert isinstance(again.exception, NotFound)
    with Spool(PATH) as spool:
        assert (spool.standing().waiting, spool.standing().parked) == (1, [])


def test_without_a_ledger_everything_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNUT_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    with Spool(PATH) as spool:
        spool.keep(contact(1))
    sent = CliRunner().invoke(app, ["spool", "send", PATH])
    assert isinstance(sent.exception, Unreachable)
    with Spool(PATH) as spool:
        assert spool.standing().waiting == 1


def test_an_empty_spool_needs_no_ledger() -> None:
    Spool(PATH).close()
    sent = CliRunner().invoke(app, ["spool", "send", PATH])
    assert (sent.exit_code, sent.stdout.splitlines()[0]) == (0, "events sent: 0")


def test_a_file_that_is_not_there_is_not_made() -> None:
    for command in (["status", PATH], ["send", PATH], ["remove", PATH, "-"]):
        done = CliRunner().invoke(app, ["spool", *command])
        assert isinstance(done.exception, NotFound)
    assert not Path(PATH).exists()
