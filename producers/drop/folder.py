"""A drop folder: which files lie there whole, who works on one, and where it goes in the end.

What is dropped lies in the folder itself; `working/` has a desk for each watcher; in the end a file
is in `done/` or `rejected/`, with its report beside it. A file changes hands by being renamed,
which happens or does not: two watchers never get the same one. A desk is held by a lock that ends
with its process, so what lies on the desk of a watcher that was killed is taken over at once.

Nobody tells of new files: network shares have no inotify, and what another machine writes raises no
event here. So the folder is looked at. A file is whole when two looks found it unchanged in size
and time, since who copies a file there keeps changing it; clocks of machines are never compared.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

from runut.errors import BadInput, Unreachable, shorten

Outcome = Literal["done", "rejected"]

WORKING: Final = "working"
LOCK: Final = ".lock"
LONGEST_NAME: Final = 150
"""Bytes of a file's name that are kept, for what is added to it."""
# Of programs that rename a file when it is whole, and what file managers leave about.
_NOT_DROPPED: Final = re.compile(
    r"\..*|~.*|.*~|thumbs\.db|desktop\.ini|.*\.(tmp|temp|part|partial|filepart|crdownload|swp|lock)",
    re.IGNORECASE,
)
_STAMP: Final = "%Y%m%d-%H%M%S-%f"
_STAMP_SIZE: Final = len("20261122-101500-000000-")

Seen = tuple[int, int, int]
"""Inode, size, and time of the last change."""


class DropFolder:
    """One watcher's view of a drop folder, from `open` to `close`.

    All between them raises Unreachable where the folder is away, as an unmounted share is; `reopen`
    goes on when it is back.
    """

    def __init__(self, path: Path, *, not_dropped: Path | None = None) -> None:
        """Take the folder, and a file in it that is none of those that are dropped."""
        self._path = path
        self._not_dropped = not_dropped.resolve() if not_dropped else None
        self._seen: dict[str, Seen] = {}
        self._desk = path
        self._lock = -1
        self._was_away = False

    def open(self) -> None:
        """Make the folder's parts where they are not there, and take a desk.

        Raises:
            BadInput: it is no folder that can be written to.
        """
        try:
            for part in (WORKING, "done", "rejected"):
                (self._path / part).mkdir(exist_ok=True)
            while self._lock < 0:
                self._desk = self._path / WORKING / _desk_name()
                self._desk.mkdir()
                # Someone who takes the new desk for an abandoned one may be faster.
                self._lock = _lock(self._desk)
        except OSError as error:
            raise BadInput(str(self._path), "a folder to write to", error.strerror) from None

    def close(self) -> None:
        """Leave the desk; what lies on it is for whoever comes next."""
        if self._lock < 0:
            return
        with suppress(OSError):
            if not _files(self._desk):
                _clear(self._desk)
        with suppress(OSError):
            os.close(self._lock)
        self._lock = -1

    def reopen(self) -> None:
        """Where the folder was away, make its parts again and take another desk.

        The lock on the one before may be gone, and what lies there with it.
        """
        if self._was_away:
            self.close()
            try:
                self.open()
            except BadInput as error:
                raise _away(self._path, error.found) from None
            self._was_away = False

    def look(self) -> list[str]:
        """The files that are as they were at the last look: those that are whole, by name."""
        with self._reaching():
            before, self._seen = self._seen, dict(self._dropped())
        return sorted(name for name, seen in self._seen.items() if before.get(name) == seen)

    def claim(self, name: str) -> Path | None:
        """Lay a file on the desk; None where another watcher was faster, or it is gone."""
        kept = name
        if len(os.fsencode(name)) > LONGEST_NAME:
            kept = name[: LONGEST_NAME // 8] + Path(name).suffix[: LONGEST_NAME // 8]
        claimed = self._desk / f"{datetime.now(UTC):{_STAMP}}-{kept}"
        with self._reaching():
            return claimed if _renamed(self._path / name, claimed) else None

    def take_over(self) -> None:
        """Lay on the desk what lies on those of watchers that are no more."""
        with self._reaching():
            for desk in sorted((self._path / WORKING).iterdir()):
                if desk != self._desk and desk.is_dir():
                    self._take_over(desk)

    def on_desk(self) -> list[Path]:
        """What lies on the desk, the oldest first."""
        with self._reaching():
            return sorted(_files(self._desk))

    def put_away(self, claimed: Path, outcome: Outcome, reports: dict[str, bytes]) -> Path | None:
        """Move a file from the desk to its end, its reports before it; gives where it is.

        `reports` are texts by what is added to the file's name. None: another watcher took it over.
        """
        end = self._path / outcome / claimed.name
        with self._reaching():
            for suffix, text in reports.items():
                written = self._desk / f".{claimed.name}{suffix}"
                written.write_bytes(text)
                written.replace(end.with_name(end.name + suffix))
            return end if _renamed(claimed, end) else None

    def _take_over(self, desk: Path) -> None:
        lock = _lock(desk)
        if lock < 0:
            return
        try:
            for file in _files(desk):
                _renamed(file, self._desk / file.name)
            _clear(desk)
        finally:
            os.close(lock)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._was_away = True
            raise _away(self._path, error.strerror) from None

    def _dropped(self) -> Iterator[tuple[str, Seen]]:
        with os.scandir(self._path) as found:
            for one in found:
                with suppress(FileNotFoundError):  # another watcher was faster
                    status = one.stat(follow_symlinks=False)
                    if self._is_dropped(one.name, status):
                        yield one.name, (status.st_ino, status.st_size, status.st_mtime_ns)

    def _is_dropped(self, name: str, status: os.stat_result) -> bool:
        if not stat.S_ISREG(status.st_mode) or _NOT_DROPPED.fullmatch(name):
            return False
        # An empty file is one that somebody is about to fill.
        return status.st_size > 0 and (self._path / name).resolve() != self._not_dropped


def dropped_name(claimed: Path) -> str:
    """The name under which a claimed file was dropped, fit to be shown whatever its bytes are."""
    name = os.fsencode(claimed.name[_STAMP_SIZE:]).decode(errors="backslashreplace")
    return shorten(name, limit=10 * LONGEST_NAME)


def _away(path: Path, cause: object) -> Unreachable:
    return Unreachable("the drop folder", str(path), "mount it, or make it writable again", cause)


def _desk_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}"


def _lock(desk: Path) -> int:
    """Hold a desk; gives what to close in the end, or -1 where somebody else holds it."""
    try:
        lock = os.open(desk / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:  # cleared away
        return -1
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been cleared away between the two.
        if os.path.samestat(os.fstat(lock), os.stat(desk / LOCK)):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(lock)
        raise
    os.close(lock)
    return -1


def _files(desk: Path) -> list[Path]:
    return [one for one in desk.iterdir() if not one.name.startswith(".")]


def _clear(desk: Path) -> None:
    """Remove an empty desk with what was being written there."""
    with suppress(OSError):
        for one in desk.iterdir():
            if one.name.startswith("."):
                one.unlink()
        desk.rmdir()


def _renamed(source: Path, target: Path) -> bool:
    try:
        source.rename(target)
    except FileNotFoundError:
        return False
    return True
