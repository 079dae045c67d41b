"""`pip install runut[verify]` where there is nothing else: its `runut-verify` needs no server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import ROOT
from tests.sealed import SEALER, WITNESSES, Sealed

SERVERS = ("aiokafka", "confluent_kafka", "kafka", "faust", "psycopg", "psycopg2", "asyncpg")
ROOMS_ASIDE = ("fastapi", "httpx", "typer", "uvicorn")
LOCKED = re.compile(r"^[A-Za-z0-9._-]+==[^ ]+(?: ; [^\\\n]+)?", re.MULTILINE)
INSTALL_S = 300


def call(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing of this project in its environment."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith(("PYTHON", "RUNUT"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a new environment with this tree's `runut[verify]` and what pip adds to it."""
    folder = tmp_path_factory.mktemp("bare")
    versions = folder / "constraints.txt"  # hashes would be asked of the wheel, too
    versions.write_text("\n".join(LOCKED.findall((ROOT / "requirements.lock").read_text())))
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    # What is compiled need not be fast here, and optimizing takes most of the time.
    built = call(*build, cwd=ROOT, CFLAGS="-O0")
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    made = call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    assert made.returncode == 0, made.stderr
    pip = (sys.executable, "-m", "pip", "--python", folder / "venv", "install", "--no-compile")
    done = call(*pip, "--quiet", "-c", versions, f"{wheel}[verify]", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A genuine bundle and the policy for it."""
    folder = tmp_path_factory.mktemp("case")
    ledger = Sealed()
    ledger.announce()
    ledger.seal()
    ledger.tell()
    ledger.seal()
    founded = ledger.log().latest.ledger
    assert founded is not None
    roots = [key.hex() for key in founded.root_keys]
    witnesses = [str(one.key) for one in WITNESSES]
    policy = f'ledger = "{SEALER.key}"\nroot_keys = {roots}\nwitnesses = {witnesses}\nquorum = 2\n'
    (folder / "trust.toml").write_text(policy)
    (folder / "case.zip").write_bytes(ledger.bundle())
    return folder / "case.zip", folder / "trust.toml"


def test_no_client_of_kafka_or_postgresql_and_no_server_can_be_imported_there(bare: Path) -> None:
    program = "import importlib.util as i, sys, runut; print(runut.__file__)\n"
    program += "print([name for name in sys.argv[1:] if i.find_spec(name)])"
    asked = (*SERVERS, *ROOMS_ASIDE, "cryptography")
    told = call(bare / "python", "-c", program, *asked, cwd=bare)
    own, found = told.stdout.splitlines()
    assert Path(own).is_relative_to(bare.parent)
    assert found == "['cryptography']"


def test_whoever_asks_for_more_there_is_told_how_to_get_it(bare: Path) -> None:
    tried = call(bare / "python", "-c", "from runut import Producer", cwd=bare)
    assert "ImportError: runut.Producer needs the Kafka client: pip install" in tried.stderr
    tried = call(bare / "runut", "verify", cwd=bare)
    assert (tried.returncode, tried.stdout) == (1, "")
    assert "pip install 'runut[server]'" in tried.stderr


def test_a_bundle_is_verified_with_a_line_for_each_step(
    bare: Path, case: tuple[Path, Path]
) -> None:
    bundle, policy = case
    ended = call(bare / "runut-verify", bundle, "--policy", policy, cwd=bare)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert [line[:2] for line in lines[:11]] == ["ok"] * 11
    assert lines[-1].startswith("VERIFIED: case/")
    told = call(bare / "runut-verify", bundle, "--policy", policy, "--json", cwd=bare)
    document = json.loads(told.stdout)
    assert (document["result"], len(document["checks"])) == ("VERIFIED", 11)


def test_what_does_not_hold_is_named_and_the_exit_code_is_4(
    bare: Path, case: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, _ = case
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    broken = tmp_path / "broken.zip"
    broken.write_bytes(content)
    ended = call(bare / "runut-verify", broken, cwd=bare)
    assert ended.returncode == 4
    assert ended.stdout.startswith("FAILED: step 1, files of the bundle")
    document = json.loads(call(bare / "runut-verify", broken, "--json", cwd=bare).stdout)
    assert (document["result"], document["step"]) == ("FAILED", 1)


def test_reports_of_a_verification_are_written_there_too(
    bare: Path, case: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, policy = case
    report = tmp_path / "report.pdf"
    ended = call(bare / "runut-verify", bundle, "--policy", policy, "--report", report, cwd=bare)
    assert (ended.returncode, report.read_bytes()[:5]) == (0, b"%PDF-")


def test_files_that_are_not_there_or_no_policy_are_one_sentence(
    bare: Path, case: tuple[Path, Path]
) -> None:
    bundle, _ = case
    for arguments in (["nowhere.zip"], [bundle, "--policy", bundle]):
        ended = call(bare / "runut-verify", *arguments, cwd=bare)
        assert ended.returncode == 1
        assert ended.stderr.startswith("runut-verify: ")
        assert ended.stderr.count("\n") == 1
    wrong = call(bare / "runut-verify", bundle, "--not-before", "yesterday", cwd=bare)
    assert wrong.returncode == 2
