"""Refuse contracts that break the ledger: part of `make check`.

Every schema must load, compile and hold no recursion; and since the state before, the last
commit, or the one before it where nothing is uncommitted, each may have changed only so that
old and new programs read each other (FULL_TRANSITIVE, architecture.md §Topics).
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from runut.avro_reader import Reader
from runut.catalogue import Catalogue, load_catalogue
from runut.compatibility import incompatibilities
from runut.errors import BadInput

ROOT: Final = Path(__file__).resolve().parents[1]
SCHEMAS: Final = "schemas"


def main(root: Path = ROOT) -> int:
    """Print each fault; 0 where there is none, else 1."""
    try:
        now = load_catalogue(root / SCHEMAS)
        for event_type in now:
            Reader(event_type.schema)
        before = committed(root)
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
    faults = []
    for old in before:
        new = current.get(old.name)
        if new is None:
            faults.append(f"{old.name}: expected to stay, found removed")
        else:
            faults += incompatibilities(old.schema, new.schema)
    return faults


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
    sys.exit(main())
