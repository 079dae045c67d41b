"""The browser of the tests: the system's, Playwright's own, Debian's, or a loud end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import chromium


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Playwright's own would be, on a machine without any."""
    place = tmp_path / "own"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "own_chromium", lambda: str(place) if place.is_file() else None)
    return place


def installing(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Stand in for Playwright's installer, which downloads."""
    monkeypatch.setattr(chromium, "INSTALL", (sys.executable, "-c", code))


def test_the_systems_chromium_is_taken_and_nothing_installed(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installing(monkeypatch, f"open({str(own)!r}, 'w')")
    system = own.with_name("chromium-browser")
    system.touch(0o755)
    chromium.main()
    assert capsys.readouterr().out == f"{system}\n"
    assert not own.exists()


def test_playwrights_own_is_installed_where_there_is_none_and_found_from_then_on(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installing(monkeypatch, f"open({str(own)!r}, 'x')")
    for _ in range(2):  # a second installation would fail
        chromium.main()
        assert capsys.readouterr().out == f"{own}\n"


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "pass"], ids=["refused", "nothing"])
def test_a_machine_that_gets_no_chromium_fails_loudly(
    own: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    installing(monkeypatch, code)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        chromium.main()


@pytest.mark.parametrize("user", [0, 1000])
def test_debians_is_installed_by_whoever_may_where_playwrights_cannot_be_had(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], user: int
) -> None:
    installing(monkeypatch, "raise SystemExit(1)")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    system = own.with_name("chromium")
    apt = own.with_name("apt-get")
    apt.write_text(
        f"#!/bin/sh\n[ $1 = update ] || {{ echo > {system}; /bin/chmod +x {system}; }}\n"
    )
    apt.chmod(0o755)
    if user:
        with pytest.raises(SystemExit, match="apt-get install chromium"):
            chromium.main()
    else:
        chromium.main()
        assert capsys.readouterr().out == f"{system}\n"
