"""JSONL: one event in its JSON form a line, in any number.

Owns the lines. Event ids that are not given come from the lines' content (events.md §1), so a file
that is read again, whole or after an interruption, says the same events again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from producers.files.entries import BadLine, Binary, Entry, Found, bad_line
from runut.codec import MAX_VALUE
from runut.errors import BadInput
from runut.json_form import from_json

CHUNK: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class Line(msgspec.Struct, frozen=True):
    """One line without its line feed; of one that is too long, only the beginning."""

    number: int
    text: bytes
    is_whole: bool = True


class JsonLines:
    """The events of a JSONL file."""

    def __init__(self, file: Binary) -> None:
        self._file = file
        self.size = 0

    def batches(self) -> Iterator[Sequence[Entry]]:
        """The lines that end in each chunk that is read: a pipe may be slow."""
        lines = Lines()
        while chunk := self._file.read1(CHUNK):
            self.size += len(chunk)
            yield [_entry(line) for line in lines.feed(chunk)]
        yield [_entry(line) for line in lines.end()]


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
            if self._pending or self._number == 1 or len(part) > MAX_VALUE:
                self._add(part)
                yield from self.end()
                continue
            # As most lines: whole, and nothing has to be kept of it.
            if part and not part.isspace():
                yield Line(self._number, part)
            self._number += 1
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


def _entry(line: Line) -> Found | BadLine:
    if not line.is_whole:
        error = BadInput("line", f"{MAX_VALUE} bytes at most", "more")
        return bad_line(line.number, error, line.text)
    try:
        return Found(line.number, from_json(line.text, derive_id=True), line.text)
    except BadInput as error:
        return bad_line(line.number, error, line.text)
