"""Files that only their user may read: keys, and what goes with them.

Owns writing them whole or not at all, and refuses to use what others can read.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from runut.errors import BadFile

_OTHERS: Final = 0o077


def demand_private(path: Path) -> None:
    """Demand that nobody else has access to a file or directory.

    Raises:
        BadFile: others have; it says what to do.
    """
    found = path.stat().st_mode & 0o777
    if found & _OTHERS:
        mode = "700" if path.is_dir() else "600"
        expected = f"no access for group and others (chmod {mode} {path})"
        raise BadFile(f"permissions of {path}", expected, f"{found:o}")


def write_private(file: Path, content: bytes) -> None:
    """Write a file, or write it anew: after a crash or a loss of power all of it or nothing."""
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".new-")  # made with 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync(file.parent)


def _sync(directory: Path) -> None:
    """Make a rename survive a loss of power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
