"""A file that is named and is not there is wrong usage, whichever command is to read it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.builders import ROOT

HERE = str(ROOT / "protocols" / "pmi.toml")
EMIT = ("emit", "CaseReported", "--subject", "case/X", "--agency", "kp2mi")


@pytest.mark.parametrize(
    "arguments",
    [
        ("directory", "apply", "nowhere"),
        ("protocol", "check", "nowhere"),
        ("protocol", "check", HERE, "--directory", "nowhere"),
        ("protocol", "publish", "nowhere"),
        ("verify", "nowhere"),
        ("verify", HERE, "--policy", "nowhere"),
        ("import", "nowhere"),
        (*EMIT, "--data", "@nowhere"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("missing", ["nowhere.toml", "."])
def test_it_ends_with_2_and_names_the_file(arguments: tuple[str, ...], missing: str) -> None:
    given = [one.replace("nowhere", missing) for one in arguments]
    ended = CliRunner().invoke(app, given, env={"COLUMNS": "400"})
    assert ended.exit_code == 2, ended.output
    assert missing in ended.output
