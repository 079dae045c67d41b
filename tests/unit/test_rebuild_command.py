"""What `runut rebuild` says of a rebuild, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import rebuild
from cli.main import app
from consumers.rebuilding.one_subject import SubjectRebuilt
from consumers.rebuilding.rebuild import Rebuilt
from projections.comparing_models import RowDiffers

SWAPPED = Rebuilt("0123", continued=False, records=1234, compared=True, swapped=True, old="m_old")
REFUSED = Rebuilt(
    *("0123", False, 0, 1.5, 0.5),
    compared=True,
    differing=1,
    differences=[RowDiffers("letter", "case/1", "L1", "BOTH")],
)


def giving(found: Any) -> Callable[..., Awaitable[Any]]:
    """A rebuild that tells of its phases and gives this."""

    async def work(*arguments: Any) -> Any:
        if len(arguments) == 3 and callable(tell := arguments[2]):
            for phase in ("load", "index", "compare", "swap"):
                tell(phase, 10, 20)
        return found

    return work


def run(monkeypatch: pytest.MonkeyPatch, name: str, found: Any, *options: str) -> Any:
    monkeypatch.setattr(rebuild, name, giving(found))
    return CliRunner().invoke(app, ["rebuild", *options])


def test_a_swap_says_what_was_made_and_how_to_drop_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = run(monkeypatch, "rebuild_all", SWAPPED)
    assert done.exit_code == 0
    assert "Rebuilt from 1,234 records, compared row by row" in done.stdout
    assert "schema m_old; drop them: runut rebuild --clean" in done.stdout


def test_what_differs_is_listed_and_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, "rebuild_all", REFUSED)
    assert done.exit_code == 4
    assert "L1" in done.stdout
    assert "not what the log gives: 1 row." in done.stderr
    assert "--accept-differences" in done.stderr
    done = run(monkeypatch, "rebuild_all", REFUSED, "--json")
    assert done.exit_code == 4
    document = json.loads(done.stdout)
    assert (document["swapped"], document["differing"]) == (False, 1)
    row = {"table": "letter", "subject": "case/1", "key": "L1", "found_in": "BOTH"}
    assert document["differences"] == [row]


def test_one_subject_and_what_is_dropped_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    one = SubjectRebuilt("case/1", 7, ["history", "letter"])
    done = run(monkeypatch, "rebuild_subject", one, "--subject", "case/1")
    assert "Rebuilt case/1 from 7 events: rows of history, letter were others" in done.stdout
    done = run(monkeypatch, "clean", ["m_next", "m_old"], "--clean")
    assert done.stdout == "dropped m_next, m_old\n"
    assert run(monkeypatch, "clean", [], "--clean").stdout == "nothing to drop\n"
