"""`runut witness`, over a log in memory: what it prints, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from audit.witness.log_client import LogClient
from cli import witness as commands
from cli.witness import witness_app
from runut.errors import BadFile
from runut.notes import parse_note, parse_verifier_key, verified
from tests.pretend_log import DIRECTORY, SIGNER, START_MS, URL, PretendLog

EVENTS = ("runut.events", 0)
NOW_S = START_MS // 1000 + 3600


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> PretendLog:
    found = PretendLog()
    found.add(DIRECTORY, "ledger/nusantara", "agency/kp2mi")
    found.add(EVENTS, "case/1", "case/2", "case/1")
    found.seal()
    found.seal()

    def client(url: str, token: str | None) -> LogClient:
        return LogClient(url, token, found.transport())

    monkeypatch.setattr(commands, "LogClient", client)
    monkeypatch.setattr(commands.time, "time", lambda: float(NOW_S))
    return found


def runut(*arguments: object, exit_code: int = 0) -> Result:
    found = CliRunner().invoke(witness_app, [str(one) for one in arguments])
    assert found.exit_code == exit_code, found.output
    return found


def made(folder: Path, log: PretendLog, *more: object) -> Path:
    directory = folder / "witness"
    given = ("--name", "kp2mi/witness", "--ledger", SIGNER.key, "--log", URL)
    key = runut("new", directory, *given, "--agency", "kp2mi", *more).stdout.strip()
    log.witnesses.append(parse_verifier_key(key))
    return directory


def document(*arguments: object, exit_code: int = 0) -> Any:
    return json.loads(runut(*arguments, "--json", exit_code=exit_code).stdout)


def test_a_witness_is_made_signs_and_says_since_when(tmp_path: Path, log: PretendLog) -> None:
    directory = made(tmp_path, log)
    assert document("status", directory)["since"] is None
    assert "cosigned nothing yet" in runut("status", directory).stdout
    found = runut("sign", directory)
    assert "cosigned size 2: 2 new seals, 5 new records" in found.stdout
    assert "ALERT: runut.directory/0 offset 1 is about our own agency" in found.stderr
    assert verified(log.cosigned[0], log.witnesses)
    standing = document("status", directory)
    assert standing["since"] == {"size": 2, "at": "2025-11-22T01:06:40Z"}
    assert standing["cosigned"]["is_delivered"] is True
    assert standing["recomputed"]["runut.events/0"] == 3
    assert [one["offset"] for one in standing["alerts"]] == [1]
    text = runut("status", directory).stdout
    assert "since 2025-11-22T01:06:40Z (size 2), from the first seal on" in text
    assert "cosigned up to size 2 as of 2025-11-22T01:06:40Z\n" in text


def test_a_cosignature_that_was_not_taken_exits_with_3(tmp_path: Path, log: PretendLog) -> None:
    directory = made(tmp_path, log)
    log.witnesses.clear()
    found = document("sign", directory, exit_code=3)
    assert found["checkpoint"]["size"] == 2
    assert "expected 2xx, found 422" in found["not_delivered"]
    assert "the log has not taken it yet" in runut("status", directory).stdout
    assert len(parse_note((directory / "checkpoint").read_bytes()).signatures) == 2


def test_a_fork_exits_with_4_and_stands_in_the_status(tmp_path: Path, log: PretendLog) -> None:
    directory = made(tmp_path, log)
    runut("sign", directory)
    log.entries[EVENTS].reverse()
    log.seals.clear()
    log.seal()
    log.seal()
    log.seal()
    for command in ("sign", "serve"):
        found = runut(command, directory, exit_code=4)
        assert "FORK of nusantara/seals at size 3" in found.stderr
        assert "runut.events/0 offset 0" in found.stderr
    assert "first differing: seal 0" in document("status", directory, exit_code=4)["refusal"]


def test_a_known_checkpoint_can_be_entered_by_hand(tmp_path: Path, log: PretendLog) -> None:
    file = tmp_path / "checkpoint"
    file.write_bytes(log.note().to_bytes())
    directory = made(tmp_path, log, "--checkpoint", file)
    runut("sign", directory)
    found = runut("status", directory).stdout
    assert "through the checkpoint of size 2 entered by hand" in found


def test_no_witness_is_made_of_a_checkpoint_that_the_ledger_did_not_sign(
    tmp_path: Path, log: PretendLog
) -> None:
    file = tmp_path / "checkpoint"
    file.write_bytes(log.note().to_bytes().replace(b"\n2\n", b"\n3\n"))
    given = ("--name", "w", "--ledger", SIGNER.key, "--log", URL, "--checkpoint", file)
    found = CliRunner().invoke(witness_app, ["new", str(tmp_path / "w"), *map(str, given)])
    assert "signature of nusantara/seals: expected one by" in str(found.exception)
    missing = [*map(str, given[:-1]), str(tmp_path / "missing")]
    found = CliRunner().invoke(witness_app, ["new", str(tmp_path / "w"), *missing])
    assert isinstance(found.exception, BadFile)
    assert not (tmp_path / "w").exists()


def test_new_prints_all_that_there_is_to_know(tmp_path: Path) -> None:
    given = ("--name", "ngo/witness", "--ledger", SIGNER.key, "--log", URL)
    found = document("new", tmp_path / "w", *given)
    assert parse_verifier_key(found["key"]).name == "ngo/witness"
    assert (found["agency"], found["looked_at"], found["alerts"]) == (None, None, [])
