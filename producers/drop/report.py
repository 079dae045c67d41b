"""The report that lies beside an imported file: one for programs, and one for whoever dropped it.

Owns its words. Entries are as many as a person can use; the rest is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from producers.drop.folder import Outcome
from producers.files.entries import Reported, sentence
from producers.importer import Imported
from runut.rfc3339 import format_time

MAX_ENTRIES: Final = 10_000
JSON: Final = ".report.json"
TEXT: Final = ".report.txt"


class FileReport:
    """What there is to tell of one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found = Imported()
        self.refusal: str | None = None
        """Why the file as a whole was not read."""
        self._entries: list[Reported] = []
        self._left_out = 0

    def add(self, one: Reported) -> None:
        """Tell one entry."""
        if len(self._entries) < MAX_ENTRIES:
            self._entries.append(one)
        else:
            self._left_out += 1

    @property
    def outcome(self) -> Outcome:
        """Done where every line is in the ledger."""
        return "rejected" if self.refusal or self.found.bad else "done"

    def summary(self) -> str:
        """One line for a log."""
        if self.refusal:
            return f"{self.name}: {self.outcome}: {self.refusal}"
        found = self.found
        counts = f"{found.published} of {found.lines} lines published, {found.bad} malformed"
        doubts = f", {found.doubts} places look like personal data" if found.doubts else ""
        return f"{self.name}: {self.outcome}: {counts}{doubts}"

    def texts(self, ended_at: datetime) -> dict[str, bytes]:
        """Both reports, by what is added to the file's name."""
        document = msgspec.json.encode(self._document(ended_at))
        return {
            JSON: msgspec.json.format(document, indent=1) + b"\n",
            TEXT: "".join(f"{line}\n" for line in self._lines(ended_at)).encode(),
        }

    def _document(self, ended_at: datetime) -> dict[str, Any]:
        found = self.found
        return {
            "file": self.name,
            "outcome": self.outcome,
            "ended_at": format_time(ended_at),
            "refusal": self.refusal,
            "lines": found.lines,
            "published": found.published,
            "bad": found.bad,
            "doubts": found.doubts,
            "entries": self._entries,
            "entries_left_out": self._left_out,
        }

    def _lines(self, ended_at: datetime) -> Iterator[str]:
        yield self.summary()
        yield f"ended at {format_time(ended_at)}"
        if self.outcome == "rejected":
            yield ""
            yield "What was published is in the ledger. Correct the rest and drop the whole file"
            yield "again: lines that did not change are known and change nothing."
        if self._entries:
            yield ""
        yield from map(sentence, self._entries)
        if self._left_out:
            yield f"and {self._left_out} more"
