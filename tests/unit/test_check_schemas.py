"""`make check` refuses a contract that breaks what was committed before."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runut.catalogue import schema_folder
from tools.check_schemas import main


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository whose only commit holds this release's contracts."""
    shutil.copytree(schema_folder(), tmp_path / "schemas")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(tree: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", tree, *identity, *arguments], check=True)


def commit(tree: Path) -> None:
    git(tree, "add", "-A")
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "contracts")


def change(tree: Path, name: str, **keys: Any) -> None:
    (file,) = tree.glob(f"schemas/*/{name}.avsc")
    schema = json.loads(file.read_bytes())
    schema["fields"].append({"name": "added", "type": "string", "doc": "Added.", **keys})
    file.write_text(json.dumps(schema))


def test_an_unchanged_tree_passes(tree: Path) -> None:
    assert main(tree) == 0


def test_a_tree_without_history_passes(tmp_path: Path) -> None:
    shutil.copytree(schema_folder(), tmp_path / "schemas")
    assert main(tmp_path) == 0


def test_a_new_field_with_a_default_passes_once_the_contract_before_is_kept(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(tree, "LetterSent", default="")
    assert main(tree) == 1
    assert "LetterSent: expected earlier/LetterSent." in capsys.readouterr().err
    assert main(tree, keeps=True) == 0
    commit(tree)
    assert main(tree) == 0
    (kept,) = tree.glob("schemas/earlier/*")
    kept.unlink()
    assert main(tree) == 1


def test_other_words_alone_are_no_other_contract(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = tree.glob("schemas/*/LetterSent.avsc")
    file.write_text(file.read_text().replace("A letter was sent", "Somebody sent a letter"))
    assert main(tree, keeps=True) == 1
    assert "LetterSent: expected more than other words" in capsys.readouterr().err


def test_a_contract_of_the_directory_stays(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(tree, "MandateGranted", default="")
    assert main(tree, keeps=True) == 1
    assert "MandateGranted: expected a contract of the directory to stay" in capsys.readouterr().err


def test_an_uncommitted_break_is_refused_and_named(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(tree, "LetterSent")
    assert main(tree) == 1
    assert "LetterSent.added: added without a default" in capsys.readouterr().err


def test_a_break_in_the_last_commit_is_refused(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(tree, "PersonRef")
    commit(tree)
    assert main(tree) == 1
    assert "CaseReported.meta.private.added" in capsys.readouterr().err


def test_a_removed_contract_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "schemas/case/CaseClosed.avsc").unlink()
    assert main(tree) == 1
    assert "CaseClosed: expected to stay, found removed" in capsys.readouterr().err


def test_a_broken_contract_is_named(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(tree, "LetterSent", type="double", default=0)
    assert main(tree) == 1
    assert "LetterSent.added: expected one of" in capsys.readouterr().err
