"""The offline verifier where nothing of a server is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.builders import ROOT
from tests.sealed import SEALER, WITNESSES, Sealed

ROOMS = ("runut", "audit", "projections", "schemas", "protocols")
INSTALLED = (
    *("cryptography", "cffi", "_cffi_backend", "msgspec", "orjson", "fastavro"),
    *("jinja2", "markupsafe", "reportlab", "PIL", "pillow.libs", "charset_normalizer", "segno"),
)
"""What `pip install runut[verify]` needs for it, the base's Kafka client left out."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the rooms and these packages, and no other."""
    folder = tmp_path_factory.mktemp("bare")
    for room in ROOMS:
        (folder / room).symlink_to(ROOT / room)
    site = Path(find_spec("msgspec").origin or "").parents[1]  # type: ignore[union-attr]
    for name in INSTALLED:
        for found in site.glob(f"{name}*"):
            (folder / found.name).symlink_to(found)
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


def test_no_server_library_can_be_imported_there(bare: Path) -> None:
    for name in ("aiokafka", "psycopg", "faust", "fastapi", "typer", "pydantic_settings"):
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
