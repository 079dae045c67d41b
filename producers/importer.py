"""Import a file: every entry that is an event goes on, every other to the report.

The one way from a file of any format to wherever its events go: to the ledger, or to a rehearsal
that publishes nothing. Keeps the order of the file for each subject, holds little of it at a time,
and goes on after an entry that is no event. Refuses to judge: whatever is well-formed goes on,
verdicts are the folds'. Personal data in free text is warned of, or refused where that is wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from producers.files.entries import BadLine, Doubt, Found, Reported, Source, bad_line, doubt
from runut import Producer, Receipt
from runut.errors import BadFile, BadInput, FieldError
from runut.personal_data import Finding, findings

Report = Callable[[Reported], None]


class Rules(msgspec.Struct, frozen=True):
    """What is refused of a file beyond what is no event."""

    agency: str | None = None
    """Whose events alone may be in it; None lets all pass."""
    refuse_personal_data: bool = False


NO_RULES: Final = Rules()


class Imported(msgspec.Struct):
    """How far an import is, and at its end the summary."""

    size: int = 0
    """Bytes read."""
    lines: int = 0
    """Lines that were not blank; rows, or records."""
    published: int = 0
    """Events that are in the log."""
    bad: int = 0
    """Lines that are no event, or were refused for personal data."""
    doubts: int = 0
    """Places that look like personal data, in lines that went on all the same."""
    ends: dict[int, int] = {}
    """Highest offset that was written in each partition."""

    def note(self, receipt: Receipt) -> None:
        """Count an event that is in the log."""
        self.published += 1
        self.ends[receipt.partition] = max(receipt.offset, self.ends.get(receipt.partition, -1))


class Destination(Protocol):
    """Where events go."""

    async def take(self, found: Sequence[Found]) -> Sequence[Reported]:
        """Take events, in order; gives what there is to tell of them, such as that one is none."""

    async def end(self) -> None:
        """There are no more; returns when all are where they belong."""


class Publishing:
    """The ledger: events are sent, and counted when they are in the log."""

    def __init__(self, producer: Producer, summary: Imported) -> None:
        self._producer = producer
        self._summary = summary
        self._failures: list[BaseException] = []

    async def take(self, found: Sequence[Found]) -> list[BadLine]:
        """Send events; waits while too much is under way.

        Raises:
            Unreachable, NotRecorded: an earlier one could not be stored; import again to go on.
            LedgerMismatch: the ledger does not know this release's schemas.
            MissingKey: the producer requires keys and an agency has none here.
            BadFile: a key cannot be read.
        """
        refused = []
        for one in found:
            self._fail()
            try:
                (await self._producer.send(one.event)).add_done_callback(self._arrived)
            except BadFile:  # a key's, not the line's
                raise
            except BadInput as error:
                refused.append(bad_line(one.line, error, one.text))
        return refused

    async def end(self) -> None:
        """Wait for every receipt. Raises as `take`."""
        await self._producer.flush()
        await asyncio.sleep(0)  # receipts that came just now are noted in the next turn
        self._fail()

    def _arrived(self, receipt: asyncio.Future[Receipt]) -> None:
        error = None if receipt.cancelled() else receipt.exception()
        if error is not None:
            self._failures.append(error)
        elif not receipt.cancelled():
            self._summary.note(receipt.result())

    def _fail(self) -> None:
        if self._failures:
            raise self._failures[0]


async def import_entries(
    source: Source,
    destination: Destination,
    summary: Imported,
    *,
    report: Report,
    progress: Callable[[Imported], None] = lambda _: None,
    rules: Rules = NO_RULES,
) -> None:
    """Take a file to its destination; `summary` counts, and `progress` is told now and then.

    Raises as the destination does.
    """
    batches = source.batches()
    # A pipe may be slow: what was read must go out meanwhile.
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        told: list[Reported] = []
        events = [one for one in batch if isinstance(one, Found) and _passes(one, rules, told)]
        told += [one for one in batch if isinstance(one, BadLine)]
        told += await destination.take(events)
        summary.size = source.size
        summary.lines += len(batch)
        for one in sorted(told, key=lambda each: each.line):
            _count(one, summary)
            report(one)
        progress(summary)
    await destination.end()
    progress(summary)


def _passes(found: Found, rules: Rules, told: list[Reported]) -> bool:
    """Whether an event may go on; what there is to say of it is told."""
    doubts = findings(found.event)
    error = _refusal(found, rules, doubts)
    if error is not None:
        told.append(bad_line(found.line, error, found.text))
        return False
    told += [doubt(found.line, one) for one in doubts]
    return True


def _refusal(found: Found, rules: Rules, doubts: Sequence[Finding]) -> FieldError | None:
    if rules.agency not in {None, found.event.agency}:
        return FieldError("agency", f"{rules.agency} alone", found.event.agency)
    if doubts and rules.refuse_personal_data:
        first = doubts[0]
        return FieldError(first.field, "no personal data", f"what looks like {first.shown}")
    return None


def _count(told: Reported, summary: Imported) -> None:
    if isinstance(told, BadLine):
        summary.bad += 1
    elif isinstance(told, Doubt):
        summary.doubts += 1
