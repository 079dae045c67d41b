"""Histories that the store has only in part while a batch is being written."""

from __future__ import annotations

import pytest

from projections.batch import Changes, fold_batch
from projections.folds.fold import CORRECTION
from projections.history import add_unwritten, history_values
from projections.loaded import Loaded, Subjects
from tests.builders import directory_from
from tests.histories import SUBJECT, Author

BEFORE = 10


@pytest.mark.parametrize("is_written", [False, True])
def test_a_history_is_whole_whether_or_not_its_last_batch_is_written_yet(is_written: bool) -> None:
    subjects, written, writing = Subjects(), Changes(), Changes()
    subjects.put(SUBJECT, Loaded())
    records = [one for one in Author(1).write(30) if one.event.type != CORRECTION]
    fold_batch(records[:BEFORE], subjects, {}, directory_from(), written)
    fold_batch(records[BEFORE:], subjects, {}, directory_from(), writing)
    stored = written.history + (writing.history if is_written else [])
    histories = {SUBJECT: list(stored), "case/OTHER": []}
    lines = [history_values(entry) for entry in writing.history]
    add_unwritten(histories, lines, directory_from())
    assert histories == {SUBJECT: written.history + writing.history, "case/OTHER": []}
