"""Fold a batch of records and gather what one transaction has to write.

Pure: `projections.store` loads what `missing_needs` names and writes the `Changes`. Subjects that
get a correction are folded whole again (events.md §4), all others event by event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from projections.folds.fold import CORRECTION, KINDS, State, fold, needs_of
from projections.folds.folding import Folded, Folding, Needs, RowKey
from projections.folds.guards import NAMING
from projections.folds.rows import Row
from projections.folds.subject import Corrections, Directories
from projections.loaded import Counts, Loaded, Subjects
from runut.directory import Directory
from runut.event import Recorded, Verdict
from runut.native import IS_USED

if IS_USED:
    from runut.native import folding as compiled


class HistoryEntry(msgspec.Struct, frozen=True, gc=False):
    """One event's line in the history: the n-th of its subject, with its verdict."""

    seq: int
    recorded: Recorded
    verdict: Verdict
    codes: tuple[str, ...]
    differs: bool


class NewVerdict(msgspec.Struct, frozen=True, gc=False):
    """A line of the history that a correction judges anew."""

    subject: str
    seq: int
    verdict: Verdict
    codes: tuple[str, ...]


class Written:
    """Rows of a subject: those that are new to the store, and those that may be there."""

    __slots__ = ("added", "changed")

    def __init__(self) -> None:
        self.added: dict[RowKey, Row] = {}
        self.changed: dict[RowKey, Row] = {}

    def take(self, rows: Mapping[RowKey, Row], loaded: Loaded) -> None:
        """Take what an event wrote, before `loaded` has moved on past it."""
        for key, row in rows.items():
            if key in self.added or loaded.lacks(key):
                self.added[key] = row
            else:
                self.changed[key] = row


@dataclass
class Changes:
    """What a batch writes."""

    history: list[HistoryEntry] = field(default_factory=list)
    subjects: dict[str, Loaded] = field(default_factory=dict)
    new_subjects: set[str] = field(default_factory=set)
    """Those of them that the store has no state of."""
    rows: dict[str, Written] = field(default_factory=dict)
    """By subject."""
    rewritten: set[str] = field(default_factory=set)
    """Subjects whose rows are written anew from nothing."""
    verdicts: list[NewVerdict] = field(default_factory=list)


def corrected_subjects(records: Iterable[Recorded]) -> set[str]:
    """Subjects whose whole history has to be loaded."""
    return {r.event.subject for r in records if r.event.type == CORRECTION}


def missing_needs(records: Iterable[Recorded], subjects: Subjects) -> dict[str, list[Needs]]:
    """What has to be loaded of each subject before the records are folded."""
    missing: dict[str, list[Needs]] = {}
    for recorded in records:
        subject = recorded.event.subject
        needs = subjects.get(subject).missing(needs_of(recorded.event))
        if needs.keys or needs.sources or needs.unsettled:
            missing.setdefault(subject, []).append(needs)
    return missing


def plain_fold_next(
    loaded: Loaded, recorded: Recorded, directory: Directory, changes: Changes
) -> None:
    """Fold the next event of a loaded subject into the changes, and move the subject on past it."""
    _take(fold(loaded.state, recorded, directory, loaded), loaded, recorded, changes)


def _take(
    folded: Folded[State | None], loaded: Loaded, recorded: Recorded, changes: Changes
) -> None:
    if folded.rows:
        subject: str = recorded.event.subject
        if subject not in changes.rows:
            changes.rows[subject] = Written()
        changes.rows[subject].take(folded.rows, loaded)
    loaded.take(recorded, folded)
    changes.history.append(_entry(loaded.counts.events, recorded, folded))


_CLASSES: Final = (HistoryEntry, Written, Folding, Loaded, Counts)
fold_next: Final = (
    compiled.EffectiveFold(plain_fold_next, KINDS, NAMING, *_CLASSES).fold_next
    if IS_USED
    else plain_fold_next
)


def fold_batch(
    records: Sequence[Recorded],
    subjects: Subjects,
    histories: Mapping[str, Sequence[HistoryEntry]],
    directories: Directories,
    changes: Changes | None = None,
) -> Changes:
    """Fold records in log order; `histories` holds the past of every corrected subject.

    `changes` are those of the records before, where a batch without corrections is folded in steps.
    """
    changes = changes or Changes()
    touched = changes.subjects
    directory: Directory | None = None
    whole: dict[str, list[Recorded]] = {subject: [] for subject in histories}
    for recorded in records:
        subject: str = recorded.event.subject
        if subject in whole:
            whole[subject].append(recorded)
            continue
        loaded = touched.get(subject)
        if loaded is None:
            loaded = touched[subject] = subjects.get(subject)
            if loaded.is_new and not loaded.counts.events:
                changes.new_subjects.add(subject)
        if directory is None or directory.offset != recorded.directory_offset:
            directory = directories(recorded.directory_offset)
        fold_next(loaded, recorded, directory, changes)
    for subject, new in whole.items():
        _fold_whole(subject, histories[subject], new, subjects, directories, changes)
    return changes


def _fold_whole(
    subject: str,
    history: Sequence[HistoryEntry],
    new: Sequence[Recorded],
    subjects: Subjects,
    directories: Directories,
    changes: Changes,
) -> None:
    loaded, whole = _folded_anew([*(entry.recorded for entry in history), *new], directories)
    for before, after in zip(history, whole.history, strict=False):
        if (before.verdict, before.codes) != (after.verdict, after.codes):
            changes.verdicts.append(NewVerdict(subject, before.seq, after.verdict, after.codes))
    changes.history += whole.history[len(history) :]
    changes.rewritten.add(subject)
    changes.rows[subject] = whole.rows.get(subject) or Written()
    subjects.put(subject, loaded)
    changes.subjects[subject] = loaded


def _folded_anew(records: Sequence[Recorded], directories: Directories) -> tuple[Loaded, Changes]:
    """A subject after all its records, and what they gave."""
    # All of it is in memory, so what is absent does not exist: it is as good as new.
    corrections, loaded, changes = Corrections(records), Loaded(), Changes()
    for index, recorded in enumerate(records):
        directory = directories(recorded.directory_offset)
        folded = corrections.fold(index, loaded.state, directory, loaded)
        if folded is None:
            fold_next(loaded, recorded, directory, changes)
        else:
            _take(folded, loaded, recorded, changes)
    return loaded, changes


def _entry(seq: int, recorded: Recorded, folded: Folded[State | None]) -> HistoryEntry:
    return HistoryEntry(seq, recorded, folded.verdict, folded.codes, folded.differs)
