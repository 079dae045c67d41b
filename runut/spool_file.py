"""The file of a spool: SQLite, opened and checked, used in transactions, its errors in our words.

Owns that a transaction is on the disk when it ends, that the file is read by its user alone, and
that nothing is changed in a file that is not ours. What is in it says `runut.spool`.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, LiteralString

from runut.errors import BadFile, SpoolFull, Unreachable

FORMAT: Final = 1
# "rnut": says whose file it is, to the command `file` as well.
_APPLICATION: Final = int.from_bytes(b"rnut")
_BUSY_S: Final = 30.0
_A_SPOOL: Final = "a spool written by this release of Runut"
_A_FILE: Final = "a file that can be read and written"
_BROKEN: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class SpoolFile:
    """A database of ours. May be used from several threads, not across a fork."""

    def __init__(self, path: Path, max_bytes: int, tables: Sequence[LiteralString]) -> None:
        """Open the file, which is made where there is none, with these tables in it.

        Raises:
            BadFile: it is no spool, is damaged, or cannot be read and written.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._process = os.getpid()
        self._using = threading.Lock()
        # One at a time: SQLite does not wait for others when it makes a file one of logs (WAL).
        with self._folder_locked(), self._translated():
            self._create()
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(tables)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._using:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of the block, or nothing of it; when it ends, it is on the disk.

        Raises:
            SpoolFull: there is no room on the disk.
            BadFile: the file is damaged, or cannot be written any more.
            Unreachable: another process holds it.
        """
        if self._process != os.getpid():
            raise RuntimeError("Spool: opened before a fork; open it in this process")
        with self._using, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Whether nobody else has a lock beside the file, and hold it as long as the block lasts.

        It is the system's: it ends with the process, however that ends.
        """
        # A file of its own, as in `_create`.
        lock = self._open(f"{self._path}-{name}")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        except BlockingIOError:
            is_ours = False
        try:
            yield is_ours
        finally:
            os.close(lock)

    def _open(self, file: Path | str) -> int:
        """A descriptor of a file of ours, which is made where it is not there."""
        try:
            # What agencies say of cases is for this user alone; SQLite gives its files that mode.
            return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BadFile(f"spool {self._path}", _A_FILE, error) from None

    def _create(self) -> None:
        # Not where it is there: SQLite's locks are lost when any descriptor of its file is closed,
        # those of another spool of this process as well.
        if not self._path.exists():
            os.close(self._open(self._path))

    def _prepare(self, tables: Sequence[LiteralString]) -> None:
        run = self._connection.execute
        self._demand_ours()
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA secure_delete = ON")
        run("BEGIN IMMEDIATE")
        if self._is_empty():
            run(f"PRAGMA application_id = {_APPLICATION}")
            run(f"PRAGMA user_version = {FORMAT}")
            for table in tables:
                run(table)
        run("COMMIT")
        (state,) = run("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise BadFile(f"spool {self._path}", "a whole database", state)

    @contextmanager
    def _folder_locked(self) -> Iterator[None]:
        """Keep others from opening a spool here; in the end make the file's being there survive.

        A loss of power may undo what a folder says of a file; SQLite sees to its other files.
        """
        try:
            folder = os.open(self._path.absolute().parent, os.O_RDONLY)
        except OSError as error:
            raise BadFile(f"spool {self._path}", _A_FILE, error) from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _demand_ours(self) -> None:
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION and not self._is_empty():
            raise BadFile(f"spool {self._path}", _A_SPOOL, "another program's database")
        if found > FORMAT:
            raise BadFile(f"spool {self._path}", _A_SPOOL, f"format {found}")

    def _is_empty(self) -> bool:
        found = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return bool(found == (0,))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # such as of a file that was closed
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise SpoolFull(self._path, self._max_bytes, "the disk is full") from None
            if code == sqlite3.SQLITE_BUSY:
                advice = "another process holds it; stop that"
                raise Unreachable("the spool", str(self._path), advice) from None
            expected = _A_SPOOL if code in _BROKEN else _A_FILE
            raise BadFile(f"spool {self._path}", expected, str(error)) from None
