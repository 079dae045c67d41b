"""`runut verify` takes what goes together, and says so of what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from runut.errors import BadInput


@pytest.mark.parametrize(
    ("arguments", "thing"),
    [
        (["--not-before", "2026-01-01T00:00:00Z"], "--not-before"),
        ([__file__, "--full"], "--full"),
        (["--report", "case.txt"], "report"),
    ],
)
def test_options_that_would_be_left_aside_are_refused(
    arguments: list[str], thing: str, tmp_path: Path
) -> None:
    ended = CliRunner().invoke(app, ["verify", *arguments, "--data", str(tmp_path)])
    assert isinstance(ended.exception, BadInput)
    assert ended.exception.thing == thing
