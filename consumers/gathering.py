"""What one transaction is going to write, gathered from one poll after the other.

Owns what becomes of an event between its fold and its write. What can be folded from memory is
folded as it comes, a few records at a time, and its line of the history made ready at once: read,
folded and written down within the processor's cache, and gone. What PostgreSQL has to be asked
about waits, so that one question asks for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from projections.batch import Changes, HistoryEntry, corrected_subjects, fold_batch
from projections.folds.subject import Directories
from projections.history import history_values
from projections.loaded import Subjects
from projections.store import Moves, Position, Quarantined
from projections.writing import CopyRows
from runut.event import Recorded


class Batch:
    """The records of one poll as what they are, with the positions before and after them."""

    def __init__(self) -> None:
        self.moves: list[tuple[Position, Position]] = []
        self.recorded: list[Recorded] = []
        self.quarantined: list[Quarantined] = []


class Gathered:
    """One transaction's share of the log, so far."""

    def __init__(self, subjects: Subjects, lines: CopyRows) -> None:
        """Take the subjects in memory, and where lines of the history are made ready."""
        self.changes = Changes()
        self.lines = lines
        self.quarantined: list[Quarantined] = []
        self.waiting: list[Recorded] = []
        """In their order; of each subject all from the first one that waits."""
        self.corrected: set[str] = set()
        """Subjects to be folded whole again. What is recorded of them waits."""
        self._subjects = subjects
        self._waiting_subjects: set[str] = set()
        self._moves: dict[int, tuple[Position, Position]] = {}

    def __len__(self) -> int:
        """How many records, as far as their offsets tell."""
        return sum(after.next_offset - before.next_offset for before, after in self.moves)

    @property
    def moves(self) -> Moves:
        """Each partition's position before and after."""
        return list(self._moves.values())

    def take(self, batch: Batch) -> list[Recorded]:
        """Take a poll's records; gives those that can be folded now, in their order."""
        for before, after in batch.moves:
            first, _ = self._moves.get(after.partition, (before, before))
            self._moves[after.partition] = first, after
        self.quarantined += batch.quarantined
        corrected = corrected_subjects(batch.recorded)
        self.corrected |= corrected
        self._waiting_subjects |= corrected
        ready: list[Recorded] = []
        for recorded in batch.recorded:
            subject = recorded.event.subject
            if subject in self._waiting_subjects:
                self.waiting.append(recorded)
            elif self._subjects.is_new(subject, recorded.partition):
                ready.append(recorded)
            else:
                self._waiting_subjects.add(subject)
                self.waiting.append(recorded)
        return ready

    def fold(self, events: Sequence[Recorded], directories: Directories) -> None:
        """Fold events whose subjects are loaded and get no correction."""
        fold_batch(events, self._subjects, {}, directories, self.changes)
        self._make_lines_ready()

    def fold_whole(
        self, histories: Mapping[str, Sequence[HistoryEntry]], directories: Directories
    ) -> None:
        """Fold subjects that get a correction; the histories are all that was folded of them."""
        events = [one for one in self.waiting if one.event.subject in self.corrected]
        fold_batch(events, self._subjects, histories, directories, self.changes)
        self._make_lines_ready()

    def _make_lines_ready(self) -> None:
        entries, self.changes.history = self.changes.history, []
        self.lines.add([history_values(entry) for entry in entries])
