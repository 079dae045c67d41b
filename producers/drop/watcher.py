"""Watch a drop folder: import every file that lies there whole, and put it away with its report.

Several watchers may share a folder. Killed at any moment, nothing is lost and nothing counts twice:
a file leaves the desk when all of it is in the ledger; until then whoever comes next imports it
again from its beginning, and lines that did not change are the same events by the same ids.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import structlog

from producers.drop.folder import DropFolder, Seen, dropped_name
from producers.drop.report import FileReport
from producers.files.entries import Binary
from producers.files.formats import SUFFIXES, format_of, open_source
from producers.files.mapping import TableMapping
from producers.importer import Publishing, Rules, import_entries
from runut import Producer
from runut.backoff import full_jitter
from runut.errors import BadFile, BadInput, NotRecorded, Unreachable

log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0

Connect = Callable[[], AbstractAsyncContextManager[Producer]]


class Watcher:
    """Imports what is dropped until it is cancelled."""

    def __init__(
        self,
        folder: DropFolder,
        connect: Connect,
        *,
        mapping: TableMapping | None,
        rules: Rules,
        look_every_s: float,
        told: Callable[[FileReport], None],
    ) -> None:
        """Take an opened folder, how to reach the ledger, and whom to tell of each file."""
        self._folder = folder
        self._connect = connect
        self._mapping = mapping
        self._rules = rules
        self._look_every_s = look_every_s
        self._told = told
        # What could not be put away after it was imported, such as on a full disk: to import it
        # again and again would fill the ledger with what it knows.
        self._settled: dict[str, tuple[Seen, FileReport]] = {}

    async def run(self, *, once: bool = False) -> None:
        """Import until cancelled; with `once`, what is whole at the second look.

        Raises:
            LedgerMismatch: no ledger is founded, or it does not know this release's schemas.
            Unreachable, NotRecorded: with `once`, Kafka fails, or the folder is away.
            BadFile: with `once`, a key cannot be read.
        """
        with nullcontext() if once else suppress(Unreachable):  # which the first round says, too
            self._folder.look()
        failures, told = 0, ""
        while True:
            pause_s = full_jitter(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
            await asyncio.sleep(self._look_every_s + (pause_s if failures else 0))
            try:
                await self._work()
                if failures:
                    log.info("files can be imported again")
                failures, told = 0, ""
            except (Unreachable, NotRecorded, BadFile) as error:
                if once:
                    raise
                failures += 1
                if str(error) != told:  # once, however long it lasts
                    told = str(error)
                    log.warning("files cannot be imported, trying again", reason=told)
            if once:
                return

    async def _work(self) -> None:
        """Import everything that can be, one file after the other, so that others get some too."""
        self._folder.reopen()
        self._folder.take_over()
        whole = self._folder.look()
        if not whole and not self._folder.on_desk():
            return
        async with self._connect() as producer:
            await self._clear_desk(producer)
            for name in whole:
                self._folder.claim(name)
                await self._clear_desk(producer)

    async def _clear_desk(self, producer: Producer) -> None:
        for claimed in self._folder.on_desk():
            try:
                report = await self._imported(producer, claimed)
            except FileNotFoundError:  # another watcher took it over
                continue
            texts = report.texts(datetime.now(UTC))
            if self._folder.put_away(claimed, report.outcome, texts) is not None:
                self._told(report)
            self._settled.pop(claimed.name, None)

    async def _imported(self, producer: Producer, claimed: Path) -> FileReport:
        while True:
            report = FileReport(dropped_name(claimed))
            try:
                with _opened(claimed) as file:
                    before = _seen(file)
                    settled = self._settled.get(claimed.name)
                    if settled is not None and settled[0] == before:
                        return settled[1]
                    await self._import(producer, file, report)
                    if _seen(file) == before:
                        self._settled[claimed.name] = before, report
                        return report
            except (FileNotFoundError, BadFile):  # a key's: the file may be in order
                raise
            except (BadInput, OSError) as error:
                report.refusal = str(error)
                return report
            # Whoever wrote it was slower than our looks: what is known by now changes nothing.
            log.warning("the file changed while it was read, reading again", file=report.name)
            await asyncio.sleep(self._look_every_s)

    async def _import(self, producer: Producer, file: BinaryIO, report: FileReport) -> None:
        file_format = format_of(report.name)
        if file_format is None:
            raise BadInput("file", f"a name that ends in {', '.join(SUFFIXES)}", report.name)
        source = open_source(cast("Binary", file), file_format, self._mapping)
        destination = Publishing(producer, report.found)
        await import_entries(
            source, destination, report.found, report=report.add, rules=self._rules
        )


def _opened(path: Path) -> BinaryIO:
    """A file, and never what a link points to."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _seen(file: BinaryIO) -> Seen:
    status: Any = os.fstat(file.fileno())
    return status.st_ino, status.st_size, status.st_mtime_ns
