"""The offline verifier where nothing of a server is installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.builders import ROOT
from tests.sealed import SEALER, WITNESSES, Sealed

ROOMS = ("runut", "audit", "projections", "schemas", "protocols")
CLIENTS = ("aiokafka", "confluent-kafka", "kafka-python", "psycopg", "psycopg2", "asyncpg")


def distributions(requirements: Iterable[str], extra: str = "") -> dict[str, Distribution]:
    """What pip installs for these, with all that they need, by name."""
    found: dict[str, Distribution] = {}
    for text in requirements:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            one = distribution(needed.name)
            found[canonicalize_name(needed.name)] = one
            for wanted in needed.extras or {""}:
                found |= distributions(one.requires or (), wanted)
    return found


@pytest.fixture(scope="module")
def installed() -> dict[str, Distribution]:
    """What `pip install runut[verify]` installs besides runut itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return distributions([*project["dependencies"], *project["optional-dependencies"]["verify"]])


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, installed: dict[str, Distribution]) -> Path:
    """A folder that holds the rooms and these packages, and no other."""
    folder = tmp_path_factory.mktemp("bare")
    for room in ROOMS:
        (folder / room).symlink_to(ROOT / room)
    for one in installed.values():
        for name in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
            if not (folder / name).exists():  # several may share a namespace
                (folder / name).symlink_to(one.locate_file(name))
    (folder / "runut-0.1.0.dist-info").mkdir()
    (folder / "runut-0.1.0.dist-info" / "METADATA").write_text("Name: runut\nVersion: 0.1.0\n")
    return folder


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A genuine bundle and the policy for it."""
    folder = tmp_path_factory.mktemp("case")
    ledger = Sealed()
    ledger.announce()
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


def run(bare: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier with the standard library and that folder alone."""
    program = f"import sys; sys.path.insert(0, {str(bare)!r}); sys.argv[0] = 'runut-verify'\n"
    program += "from audit.offline import main; code = main(sys.argv[1:])\n"
    program += "servers = {'aiokafka', 'psycopg', 'faust', 'fastapi', 'httpx', 'typer'}\n"
    program += "assert not servers & sys.modules.keys(); sys.exit(code)"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_it_needs_has_no_client_of_kafka_or_of_postgresql(
    installed: dict[str, Distribution],
) -> None:
    assert {"cryptography", "msgspec", "reportlab", "segno"} <= installed.keys()
    assert not installed.keys() & set(CLIENTS)


def test_whoever_asks_for_the_sdk_there_is_told_how_to_get_it(bare: Path) -> None:
    program = f"import sys; sys.path.insert(0, {str(bare)!r}); from runut import Producer"
    tried = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert "ImportError: runut.Producer needs the Kafka client: pip install" in tried.stderr


def test_no_server_library_can_be_imported_there(bare: Path) -> None:
    for name in ("aiokafka", "psycopg", "faust", "fastapi", "typer"):
        program = f"import sys; sys.path.insert(0, {str(bare)!r}); import {name}"
        tried = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program], capture_output=True, check=False
        )
        assert b"ModuleNotFoundError" in tried.stderr, name


def test_a_bundle_is_verified_with_a_line_for_each_step(
    bare: Path, case: tuple[Path, Path]
) -> None:
    bundle, policy = case
    ended = run(bare, str(bundle), "--policy", str(policy))
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert [line[:2] for line in lines[:11]] == ["ok"] * 11
    assert lines[-1].startswith("VERIFIED: case/")
    document = json.loads(run(bare, str(bundle), "--policy", str(policy), "--json").stdout)
    assert (document["result"], len(document["checks"])) == ("VERIFIED", 11)


def test_what_does_not_hold_is_named_and_the_exit_code_is_4(
    bare: Path, case: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, _ = case
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    broken = tmp_path / "broken.zip"
    broken.write_bytes(content)
    ended = run(bare, str(broken))
    assert ended.returncode == 4
    assert ended.stdout.startswith("FAILED: step 1, files of the bundle")
    document = json.loads(run(bare, str(broken), "--json").stdout)
    assert (document["result"], document["step"]) == ("FAILED", 1)


def test_files_that_are_not_there_or_no_policy_are_one_sentence(
    bare: Path, case: tuple[Path, Path]
) -> None:
    bundle, _ = case
    for arguments in (["nowhere.zip"], [str(bundle), "--policy", str(bundle)]):
        ended = run(bare, *arguments)
        assert ended.returncode == 1
        assert ended.stderr.startswith("runut-verify: ")
        assert ended.stderr.count("\n") == 1
    assert run(bare, str(bundle), "--not-before", "yesterday").returncode == 2
