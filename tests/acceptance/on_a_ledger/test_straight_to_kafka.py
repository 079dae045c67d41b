"""The pages on other clients, followed word by word; what they sent counts."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded.java import java
from tests.acceptance.pages import Reader
from tests.acceptance.running import Running, until
from tests.builders import ROOT
from tests.java import HEAP_MB, compile_java, fetch_java

HOWTO = ROOT / "docs" / "howto"
EXAMPLE = ROOT / "docs" / "examples" / "java"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, script: str) -> None:
    """Put a program into a folder of the reader's PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def followed(ledger: Running, page: Path, folder: Path, **variables: str) -> None:
    path = f"{folder.parent / 'bin'}{os.pathsep}{ledger.environment['PATH']}"
    reader = Reader(folder, {**ledger.environment, **variables, "PATH": path})
    if page.stem == "emit-from-java":
        shutil.copytree(EXAMPLE, folder / "java")
    reader.follow(page)
    assert reader.leave() == 0


def endpoints(ledger: Running) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((ledger.data / "platform.json").read_text())
    return found


def demand_effective(ledger: Running, subject: str, *types: str) -> None:
    def history() -> list[dict[str, Any]]:
        done = ledger.attempt("history", subject, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else []

    until(lambda: len(history()) == len(types), expected=f"{subject} to be projected")
    found = [(one["type"], one["verdict"], one["signature"]) for one in history()]
    assert found == [(one, "EFFECTIVE", "VALID") for one in types]


def test_the_page_on_kcat_can_be_followed_as_it_stands(
    ledger: Running, tmp_path: Path, bin_folder: Path
) -> None:
    if shutil.which("kcat") is None:
        stand_in = f'{sys.executable} -m tests.fixtures.kcat_stand_in "$@"'
        put(bin_folder, "kcat", f"PYTHONPATH={ROOT} exec {stand_in}")
    page = HOWTO / "emit-with-kcat.md"
    followed(ledger, page, tmp_path / "reader", KAFKA=endpoints(ledger)["kafka_bootstrap"])
    demand_effective(ledger, "case/NTT-2025-0901", "CaseReported", "CaseVerified")


def test_the_page_on_java_can_be_followed_as_it_stands(
    ledger: Running, tmp_path: Path, bin_folder: Path
) -> None:
    # In place of Maven and a JDK, which a machine that tests need not have: the same jars by the
    # same coordinates, another compiler, the platform's Java.
    programs = fetch_java()
    asyncio.run(compile_java(tmp_path, programs, EXAMPLE / "src" / "main" / "java"))
    jars = programs.example.replace(os.pathsep, " ")
    copy = f"cp -r {tmp_path / 'classes'} java/target/ && ln -s {jars} java/target/dependency/"
    put(bin_folder, "mvn", f"mkdir -p java/target/dependency && {copy}")
    runtime = " ".join(map(str, java(HEAP_MB, tmp_path)))
    put(bin_folder, "java", f'exec {runtime} "$@"')
    platform = endpoints(ledger)
    page = tmp_path / "emit-from-java.md"
    text = (HOWTO / page.name).read_text()
    for example, own in (
        ("kafka:9092", platform["kafka_bootstrap"]),
        ("http://registry:8080", platform["registry_url"].partition("/apis")[0]),
        ("00112233445566778899aabbccddeeff", ledger.ask("ledger", "show")["ledger_id"]),
    ):
        assert example in text
        text = text.replace(example, own)
    page.write_text(text)
    followed(ledger, page, tmp_path / "reader")
    demand_effective(ledger, "case/KEMLU-2025-0001", "CaseReported", "LetterSent")
