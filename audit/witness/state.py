"""What a witness knows: the log as it recomputed it, what it cosigned and what it refused.

Owns the file, one SQLite database, and that a transaction is on the disk when it ends: a witness
that forgot what it signed could sign its opposite. Trees lie in it as `audit.witness.trees` says.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from runut.errors import BadFile, LedgerMismatch
from runut.named_queries import read_queries, read_script
from runut.notes import Checkpoint
from runut.seals import Seal, entry_of, seal_of

FORMAT: Final = 1
# "rnuw": whose file it is.
_APPLICATION: Final = int.from_bytes(b"rnuw")
_FOLDER: Final = Path(__file__).parent
_SQL: Final = read_queries(_FOLDER / "state.sql")


class Cosignature(msgspec.Struct, frozen=True):
    """A checkpoint that is cosigned, or is to be."""

    size: int
    time_s: int
    note: bytes
    """As the ledger signed it."""
    line: str | None
    """The cosignature; None between the intent and the deed."""
    is_delivered: bool


class Refusal(msgspec.Struct, frozen=True):
    """Something that was not cosigned."""

    at_s: int
    reason: str
    note: bytes


class Look(msgspec.Struct, frozen=True):
    """A look at the log that came to an end."""

    at_s: int
    refusal: str | None
    """Why nothing was cosigned; None where the log was in order."""


class Alert(msgspec.Struct, frozen=True):
    """A record about the witness's own agency: its registration, its keys."""

    tree: str
    offset: int
    seen_at_s: int


class WitnessState:
    """The state in a file. One process writes it, others may read it meanwhile."""

    def __init__(self, file: Path, *, reading: bool = False) -> None:
        """Open the file, which is made where there is none unless it is only read.

        Raises:
            LedgerMismatch: another process has it open to write.
            BadFile: it is no state of a witness, or cannot be read and written.
        """
        self._file = file
        self._lock = None if reading else _locked(file)
        try:
            address = f"file:{quote(str(file))}?mode={'ro' if reading else 'rwc'}"
            self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
            self._prepare(reading=reading)
        except sqlite3.Error as error:
            self._unlock()
            raise BadFile(str(file), "the state of a witness", error) from None
        except BaseException:
            self._unlock()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of the block, or nothing of it; when it ends, it is on the disk."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def rows(self, query: str, **given: Any) -> list[tuple[Any, ...]]:
        """What a query of state.sql gives."""
        return self._connection.execute(_SQL[query], given).fetchall()

    def change(self, query: str, **given: Any) -> None:
        """Run a query that changes something."""
        self._connection.execute(_SQL[query], given)

    # The log of seals

    def trust(self, checkpoint: Checkpoint) -> None:
        """Enter a checkpoint by hand: the log has to pass through it."""
        self.change("trust", size=checkpoint.size, root=checkpoint.root)

    def trusted(self) -> tuple[int, bytes] | None:
        """Size and root of the checkpoint that was entered by hand."""
        return next(iter(self.rows("trusted")), None)

    def last_seal(self) -> Seal | None:
        """The seal that was recomputed last."""
        return next((seal_of(entry) for (entry,) in self.rows("last_seal")), None)

    def log_root(self, size: int) -> bytes | None:
        """Root of the log of so many seals, at least one; None of more than were recomputed."""
        return next((root for (root,) in self.rows("log_root", seal=size - 1)), None)

    def add_seal(self, seal: Seal, root: bytes, now_s: int) -> None:
        """Note that a seal was recomputed, and the root of the log that ends with it."""
        about = {"sealed_at_ms": seal.sealed_at_ms, "seen_at_s": now_s}
        self.change("add_seal", seal=seal.index, root=root, **about)
        self.change("set_last_seal", entry=entry_of(seal))

    # Cosignatures, alerts, refusals

    def intend(self, checkpoint: Checkpoint, time_s: int, note: bytes) -> Cosignature:
        """Note what is going to be cosigned; gives it as it was noted first."""
        self.change("intend", size=checkpoint.size, time_s=time_s, note=note)
        last = self.last_cosignature()
        if last is None or last.size != checkpoint.size:
            found = f"size {last.size if last else 0}"
            raise LedgerMismatch(f"{self._file}: expected to cosign no older size, found {found}")
        return last

    def first_cosignature(self) -> Cosignature | None:
        """What was cosigned first."""
        return self._cosignature("first_cosignature")

    def last_cosignature(self) -> Cosignature | None:
        """What was cosigned last."""
        return self._cosignature("last_cosignature")

    def alert(self, alert: Alert) -> None:
        """Note an alert."""
        seen = {"tree": alert.tree, "record_offset": alert.offset, "seen_at_s": alert.seen_at_s}
        self.change("add_alert", **seen)

    def alerts(self) -> list[Alert]:
        """All alerts, by place."""
        return [Alert(*row) for row in self.rows("alerts")]

    def accept(self, now_s: int) -> None:
        """Note that the log was in order."""
        self.change("set_look", looked_at_s=now_s, refusal=None)

    def refuse(self, now_s: int, reason: str, note: bytes) -> None:
        """Note what was not cosigned."""
        with self.transaction():
            self.change("set_look", looked_at_s=now_s, refusal=reason)
            self.change("refuse", refused_at_s=now_s, reason=reason, note=note)

    def last_look(self) -> Look | None:
        """When it looked last."""
        return next((Look(*row) for row in self.rows("look")), None)

    def last_refusal(self) -> Refusal | None:
        """What was refused last."""
        return next((Refusal(*row) for row in self.rows("last_refusal")), None)

    def sizes(self) -> Mapping[str, int]:
        """Of each tree how many leaves were recomputed."""
        return dict(self.rows("trees"))

    def _cosignature(self, query: str) -> Cosignature | None:
        for size, time_s, note, line, is_delivered in self.rows(query):
            return Cosignature(size, time_s, note, line, bool(is_delivered))
        return None

    def _prepare(self, *, reading: bool) -> None:
        run = self._connection.execute
        [(application,)] = run("PRAGMA application_id").fetchall()
        [(version,)] = run("PRAGMA user_version").fetchall()
        [(tables,)] = run("SELECT count(*) FROM sqlite_schema").fetchall()
        if (tables or reading) and (application, version) != (_APPLICATION, FORMAT):
            found = f"application {application}, format {version}"
            raise BadFile(str(self._file), f"the state of a witness, format {FORMAT}", found)
        if reading:
            return
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if not tables:
            run(f"PRAGMA application_id = {_APPLICATION}")
            run(f"PRAGMA user_version = {FORMAT}")
            self._connection.executescript(f"BEGIN; {read_script(_FOLDER / 'tables.sql')}; COMMIT")


def _locked(file: Path) -> int:
    """A lock that ends with the process, and the file made for this user alone."""
    try:
        # Beside the database, whose own locks end when any descriptor of it is closed.
        lock = os.open(f"{file}-lock", os.O_RDWR | os.O_CREAT, 0o600)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise BadFile(str(file), "a file that can be read and written", error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise LedgerMismatch(f"{file}: expected one witness at work, found another") from None
    return lock
