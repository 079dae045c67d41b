"""Fold a whole subject from its start: after a correction, for a past moment, for an auditor.

Pure. An EventCorrected neutralises an earlier event of its own emitter: the subject is folded
again without it, and every later verdict is the one of that fold (events.md §4, any subject).
Which corrections count depends on the order of records alone, so they are found first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import Literal

import msgspec

from projections.folds.fold import CORRECTION, State, fold, irregular, judge_record, kind_of
from projections.folds.folding import Folded, Folding, R, RowKey, Seen, pending
from projections.folds.rows import Row
from runut.directory import Directory
from runut.event import Recorded

Directories = Callable[[int], Directory]
"""The directory as of an offset of its topic."""


class Past:
    """A subject's past, held in memory whole: the `Seen` of folds that start from nothing."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, Row] = {}
        self.contents: dict[tuple[str, str], bytes] = {}

    def content_of(self, agency: str, event_id: str) -> bytes | None:
        """Content of the earlier record with this emitter and id."""
        return self.contents.get((agency, event_id))

    def row(self, table: type[R], ident: str | int) -> R | None:
        """A row by its key."""
        return self.rows.get((table, ident))  # type: ignore[return-value]

    def unsettled(self, table: type[R]) -> Iterable[R]:
        """Rows of a table on which something is still pending."""
        return [row for row in self.rows.values() if isinstance(row, table) and pending(row)]

    def of(self, table: type[R]) -> list[R]:
        """All rows of a table, by key."""
        found = [row for row in self.rows.values() if isinstance(row, table)]
        return sorted(found, key=lambda row: row.ident)

    def take(self, recorded: Recorded, folded: Folded[State | None]) -> None:
        """Remember an event and what it wrote."""
        self.rows.update(folded.rows)
        if recorded.is_authentic:
            event = recorded.event
            self.contents.setdefault((event.agency, event.event_id), recorded.content)


class Entry(msgspec.Struct, frozen=True):
    """One event of a subject's history with its verdict."""

    recorded: Recorded
    folded: Folded[State | None]


class FoldedSubject(msgspec.Struct, frozen=True):
    """A subject after all its events: state, rows and each event's verdict, in log order."""

    state: State | None
    past: Past
    entries: tuple[Entry, ...]

    def counts(self) -> dict[str, int]:
        """Events folded, and how many of each verdict but EFFECTIVE."""
        found = {"events": len(self.entries), "irregular": 0, "duplicate": 0, "corrected": 0}
        for entry in self.entries:
            if entry.folded.verdict != "EFFECTIVE":
                found[entry.folded.verdict.lower()] += 1
        return found


def fold_subject(records: Sequence[Recorded], directories: Directories) -> FoldedSubject:
    """Fold all records of one subject, in log order, corrections applied."""
    corrections = Corrections(records)
    past, state = Past(), None
    entries: list[Entry] = []
    for index, recorded in enumerate(records):
        directory = directories(recorded.directory_offset)
        folded = corrections.fold(index, state, directory, past)
        if folded is None:
            folded = fold(state, recorded, directory, past)
        past.take(recorded, folded)
        state = folded.state
        entries.append(Entry(recorded, folded))
    return FoldedSubject(state, past, tuple(entries))


def state_as_of(
    records: Sequence[Recorded],
    directories: Directories,
    moment: datetime,
    by: Literal["recorded", "occurred"],
) -> FoldedSubject:
    """The subject at a moment (events.md §3).

    By `recorded`: what was known then. By `occurred`: what was so then, as known now.
    """
    if by == "recorded":
        return fold_subject([r for r in records if r.recorded_at <= moment], directories)
    known_now = fold_subject(records, directories)
    happened = [
        entry.recorded
        for entry in known_now.entries
        if entry.folded.verdict not in {"CORRECTED", "DUPLICATE"}
        and entry.recorded.event.type != CORRECTION
        and entry.recorded.event.occurred_at <= moment
    ]
    return fold_subject(happened, directories)


class Corrections:
    """Which records of a subject correct others, and which of them are corrected."""

    def __init__(self, records: Sequence[Recorded]) -> None:
        self._records = records
        self._codes, self._neutralised = find_corrections(records)

    def fold(
        self, index: int, state: State | None, directory: Directory, seen: Seen
    ) -> Folded[State | None] | None:
        """Fold the record of this index where it is one of either; None of all others."""
        if index in self._neutralised:
            return Folded(state, "CORRECTED")
        if index not in self._codes:
            return None
        return _fold_correction(state, self._records[index], directory, seen, self._codes[index])


def find_corrections(records: Sequence[Recorded]) -> tuple[dict[int, str | None], set[int]]:
    """Which records are corrections, and which ones they neutralise, by index.

    A correction's value is the code that forbids it, if one does. Everything here depends on the
    order of records alone, so no correction can undo another.
    """
    corrections: dict[int, str | None] = {}
    neutralised: set[int] = set()
    targets: dict[str, list[int]] = {}
    seen: set[tuple[str, str]] = set()
    for index, recorded in enumerate(records):
        event = recorded.event
        identity = (event.agency, event.event_id)
        is_first = not recorded.is_authentic or identity not in seen
        if recorded.is_authentic:
            seen.add(identity)
        if event.type == CORRECTION:
            found = _find_target(records, targets.get(event.data["target"], []), event.agency)
            corrections[index] = found if isinstance(found, str) else None
            passes = is_first and judge_record(None, recorded, Past()) is None
            if isinstance(found, int) and passes:
                neutralised.add(found)
        elif is_first:
            targets.setdefault(event.event_id, []).append(index)
    return corrections, neutralised


def _find_target(records: Sequence[Recorded], candidates: Sequence[int], emitter: str) -> int | str:
    """Index of the event that an emitter means, or the code that forbids the correction.

    Of several with one id, its own authentic one: a forged record must not stand in for it.
    """
    if not candidates:
        return "NO_SUCH_REFERENCE"
    own = [index for index in candidates if records[index].event.agency == emitter]
    if not own:
        return "NOT_ORIGINAL_EMITTER"
    return next((index for index in own if records[index].is_authentic), own[0])


def _fold_correction(
    state: State | None, recorded: Recorded, directory: Directory, seen: Seen, code: str | None
) -> Folded[State | None]:
    before_subject = judge_record(state, recorded, seen)
    if before_subject is not None:
        return before_subject
    if code is not None:
        return irregular(state, code)
    if state is None:
        return Folded(state, "EFFECTIVE")
    folding = Folding(copy(state), recorded, directory, seen)
    kind_of(recorded.event).after(folding)
    return Folded(folding.state, "EFFECTIVE")
