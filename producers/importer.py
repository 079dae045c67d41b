"""Import events from JSONL: one event in its JSON form a line, in any number.

Owns the lines: which are events, which are not and why. Streams with bounded memory, keeps the
order of the file for each subject, and goes on after a bad line. Event ids come from the
lines' content, so a file that is imported again, whole or after an interruption, changes no
state. Refuses to judge: whatever is well-formed is sent, verdicts are the folds'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from runut import Producer, Receipt
from runut.codec import MAX_VALUE
from runut.errors import BadInput
from runut.event import Event
from runut.json_form import from_json

CHUNK: Final = 64 * 1024
SHOWN: Final = 200
"""Characters of a bad line that the report shows."""
_BOM: Final = b"\xef\xbb\xbf"


class Source(Protocol):
    """A binary file, or standard input's buffer."""

    def read1(self, size: int, /) -> bytes:
        """What is there, at most `size` bytes; empty at the end."""


class Line(msgspec.Struct, frozen=True):
    """One line without its line feed; of one that is too long, only the beginning."""

    number: int
    text: bytes
    is_whole: bool = True


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no event: an entry of the report."""

    line: int
    reason: str
    text: str
    """Its first 200 characters."""


class Imported(msgspec.Struct):
    """How far an import is, and at its end the summary."""

    size: int = 0
    """Bytes read."""
    lines: int = 0
    """Lines that were not blank."""
    published: int = 0
    """Events that are in the log."""
    bad: int = 0
    """Lines that are no event."""
    ends: dict[int, int] = {}
    """Highest offset that was written in each partition."""

    def note(self, receipt: Receipt) -> None:
        """Count an event that is in the log."""
        self.published += 1
        self.ends[receipt.partition] = max(receipt.offset, self.ends.get(receipt.partition, -1))


async def import_lines(
    producer: Producer,
    source: Source,
    *,
    report: Callable[[BadLine], None],
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Send every line that is an event, report every other; `progress` is told now and then.

    Raises:
        Unreachable, NotRecorded: an event could not be stored; import again to go on.
        LedgerMismatch: the ledger does not know this release's schemas.
        MissingKey: the producer requires keys and an agency has none here.
    """
    found, lines = Imported(), Lines()
    failures: list[BaseException] = []

    def arrived(receipt: asyncio.Future[Receipt]) -> None:
        error = None if receipt.cancelled() else receipt.exception()
        if error is not None:
            failures.append(error)
        elif not receipt.cancelled():
            found.note(receipt.result())

    while not failures:
        # A pipe may be slow: what was read must go out meanwhile.
        chunk = await asyncio.to_thread(source.read1, CHUNK)
        found.size += len(chunk)
        for line in lines.feed(chunk) if chunk else lines.end():
            found.lines += 1
            try:
                (await producer.send(_event_in(line))).add_done_callback(arrived)
            except BadInput as error:
                found.bad += 1
                report(BadLine(line.number, str(error), _shown(line.text)))
        progress(found)
        if not chunk:
            break
    await producer.flush()
    await asyncio.sleep(0)  # receipts that came just now are noted in the next turn
    if failures:
        raise failures[0]
    progress(found)
    return found


class Lines:
    """Splits what is read into lines, of which none is held that is too long."""

    def __init__(self) -> None:
        self._number = 1
        self._pending = bytearray()
        self._is_cut = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in this chunk, but for blank ones."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            yield from self.end()
        self._add(rest)

    def end(self) -> Iterator[Line]:
        """The line at whose end we are, unless it is blank."""
        text = bytes(self._pending)
        if self._number == 1:
            text = text.removeprefix(_BOM)
        if not text.isspace() and text:
            yield Line(self._number, text, is_whole=not self._is_cut)
        self._number += 1
        self._pending.clear()
        self._is_cut = False

    def _add(self, part: bytes) -> None:
        room = MAX_VALUE - len(self._pending)
        self._pending += part[:room]
        self._is_cut = self._is_cut or len(part) > room


def _event_in(line: Line) -> Event:
    if not line.is_whole:
        raise BadInput("line", f"{MAX_VALUE} bytes at most", "more")
    return from_json(line.text, derive_id=True)


def _shown(text: bytes) -> str:
    # A character has 4 bytes at most.
    return text[: 4 * SHOWN].decode(errors="replace")[:SHOWN]
