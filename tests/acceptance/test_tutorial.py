"""The tutorial, followed by a reader that takes it at its word."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.acceptance.pages import Reader
from tests.acceptance.running import RUNUT, environment, processes_of
from tests.builders import ROOT


def test_the_tutorial_can_be_followed_as_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    reader = Reader(folder, environment())
    try:
        reader.follow(ROOT / "docs" / "tutorial" / "first-case.md")
    finally:
        subprocess.run([*RUNUT, "down", "--data", folder / "first-case" / ".runut"], check=False)
    assert reader.leave() == 0
    assert processes_of(folder) == []
