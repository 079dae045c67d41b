"""Refuse contracts that break the ledger: part of `make check`.

Every schema must load, compile and hold no recursion; and since the state before, the last
commit, or the one before it where nothing is uncommitted, each may have changed only so that
old and new programs read each other (FULL_TRANSITIVE, architecture.md §Topics). What it was is
kept in schemas/earlier, since logs hold it: `python tools/check_schemas.py --keep` puts it there.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from runut.avro_reader import Reader
from runut.catalogue import EARLIER, Catalogue, EventType, earlier_name, load_catalogue
from runut.compatibility import incompatibilities
from runut.errors import BadInput

ROOT: Final = Path(__file__).resolve().parents[1]
SCHEMAS: Final = "schemas"


def main(root: Path = ROOT, *, keeps: bool = False) -> int:
    """Print each fault; 0 where there is none, else 1. `keeps` what changed contracts were."""
    try:
        before = committed(root)
        now = load_catalogue(root / SCHEMAS)
        if keeps and before is not None and keep(root / SCHEMAS / EARLIER, before, now):
            now = load_catalogue(root / SCHEMAS)
        for event_type in now.ever():
            Reader(event_type.schema)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 1
    faults = changes(before, now) if before else []
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"{len(now)} contracts, compatible with {'those before' if before else 'nothing'}")
    return 1 if faults else 0


def changes(before: Catalogue, now: Catalogue) -> list[str]:
    """What of `before` programs of now could not read, or the other way round."""
    current = {one.name: one for one in now}
    known = {one.sha256 for one in now.ever()}
    faults = []
    for old in before.ever():
        new = current.get(old.name)
        if new is None:
            faults.append(f"{old.name}: expected to stay, found removed")
            continue
        faults += incompatibilities(old.schema, new.schema)
        if old.sha256 not in known:
            kept = f"{EARLIER}/{earlier_name(old)}"
            faults.append(f"{old.name}: expected {kept}, found none (write it: --keep)")
        if old.sha256 != new.sha256:
            faults += _unclear(old, new)
    return faults


def _unclear(old: EventType, new: EventType) -> list[str]:
    """Why a log would not tell one contract from the other."""
    if old.topic == "directory":  # which is read before any number of a schema is known
        return [f"{old.name}: expected a contract of the directory to stay, found another"]
    if _shape(old.schema) == _shape(new.schema):  # registries give both one number
        return [f"{old.name}: expected more than other words, found the same fields"]
    return []


def _shape(schema: Any) -> Any:
    """A schema without its words."""
    if isinstance(schema, dict):
        return {key: _shape(value) for key, value in schema.items() if key != "doc"}
    return [_shape(one) for one in schema] if isinstance(schema, list) else schema


def keep(folder: Path, before: Catalogue, now: Catalogue) -> bool:
    """Write down what contracts were that are others now; whether there was any."""
    known = {one.sha256 for one in now.ever()}
    lost = [one for one in before.ever() if one.sha256 not in known]
    for one in lost:
        folder.mkdir(exist_ok=True)
        (folder / earlier_name(one)).write_bytes(one.canonical + b"\n")
    return bool(lost)


def committed(root: Path) -> Catalogue | None:
    """The contracts to compare with; None in a tree without history of them."""
    for revision in ("HEAD", "HEAD~1"):
        if not git(root, "ls-tree", revision, SCHEMAS):
            return None
        # With uncommitted changes the last commit is the state before, else its parent.
        if revision == "HEAD~1" or git(root, "status", "--porcelain", SCHEMAS):
            return catalogue_of(git(root, "archive", revision, SCHEMAS))
    return None


def catalogue_of(archive: bytes) -> Catalogue | None:
    """The contracts in a tar archive of the schema folder."""
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        schemas = Path(folder, SCHEMAS)
        return load_catalogue(schemas) if any(schemas.glob("*/*.avsc")) else None


def git(root: Path, *arguments: str) -> bytes:
    """What git prints; nothing where it fails, as in a tree that is no repository."""
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


if __name__ == "__main__":
    sys.exit(main(keeps="--keep" in sys.argv[1:]))
