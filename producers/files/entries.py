"""What a file holds: numbered entries, each an event or the reason why it is none.

Owns the words of the report. Nothing of an entry that looks like personal data is repeated in
them: a report is passed around, and tells what to correct, not about whom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from runut.errors import BadInput, FieldError, shorten
from runut.event import Event, Verdict
from runut.personal_data import Finding, PersonalDataKind, masked

SHOWN: Final = 200
"""Characters of an entry that the report shows."""


class Binary(Protocol):
    """A binary file, or standard input's buffer."""

    def read1(self, size: int, /) -> bytes:
        """What is there, at most `size` bytes; empty at the end."""


class Found(msgspec.Struct, frozen=True):
    """An event where it stands."""

    line: int
    """Line of the file, from 1; in files without lines the number of the record."""
    event: Event
    text: str | bytes
    """As it stands there, or the beginning of that."""


class BadLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is no event: an entry of the report."""

    line: int
    reason: str
    text: str
    """Its first 200 characters."""
    field: str | None = None
    """As in the JSON form, where one field is to blame."""
    column: str | None = None
    """Where it stands in a table, by its heading."""


class Doubt(msgspec.Struct, frozen=True):
    """An event that seems to hold personal data: an entry of the report. It was published."""

    line: int
    warning: str
    field: str
    kind: PersonalDataKind


class Foreseen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event would be judged: an entry of a rehearsal's report."""

    line: int
    type: str
    subject: str
    agency: str
    verdict: Verdict
    codes: tuple[str, ...] = ()


Entry = Found | BadLine
Reported = BadLine | Doubt | Foreseen


class Source(Protocol):
    """A file that is being read."""

    @property
    def size(self) -> int:
        """Bytes read so far."""

    def batches(self) -> Iterator[Sequence[Entry]]:
        """Its entries in order, as they come; blocks while nothing comes."""


def bad_line(line: int, error: BadInput, text: str | bytes) -> BadLine:
    """The report's entry for what is no event."""
    field = error.field if isinstance(error, FieldError) else None
    return BadLine(line, _reason(error), shown(text), field)


def doubt(line: int, finding: Finding) -> Doubt:
    """The report's entry for what seems to be personal data."""
    return Doubt(line, str(finding), finding.field, finding.kind)


def shown(text: str | bytes) -> str:
    """The beginning of an entry, without what looks like personal data."""
    if isinstance(text, bytes):
        # A character has 4 bytes at most.
        text = text[: 8 * SHOWN].decode(errors="replace")
    # Hidden before it is cut: half of a number is a number, too, and looks like nothing.
    return masked(text[: 2 * SHOWN])[:SHOWN]


def _reason(error: BadInput) -> str:
    """What the error says, what was found being hidden before it is shortened."""
    found = error.found if isinstance(error.found, str | Exception) else repr(error.found)
    return f"{masked(error.thing)}: expected {error.expected}, found {shorten(masked(str(found)))}"


def sentence(one: Reported) -> str:
    """An entry for people."""
    if isinstance(one, Foreseen):
        verdict = " ".join([one.verdict, *one.codes])
        return f"line {one.line}: {one.type} on {one.subject} by {one.agency}: {verdict}"
    return f"line {one.line}: {one.reason if isinstance(one, BadLine) else one.warning}"
