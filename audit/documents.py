"""What a bundle says in words of its subject: state and history, as replayed up to a seal.

Pure. The same for whoever writes a bundle and for whoever verifies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from audit.bundle import to_json
from projections.batch import HistoryEntry
from projections.folds.subject import FoldedSubject
from projections.portraits import Document
from projections.render import Standing, render_entry, render_state
from runut.directory import Directory
from runut.errors import BadInput, NotFound
from runut.rfc3339 import format_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(milliseconds: int) -> datetime:
    """A moment in UTC, of milliseconds since 1970.

    Raises:
        BadInput: it lies beyond all years.
    """
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise BadInput("time", "milliseconds of the years 1 to 9999", milliseconds) from None


def state_document(subject: str, folded: FoldedSubject, at: datetime) -> dict[str, Any]:
    """The subject's state, null where no effective event created it; overdue is asked for `at`."""
    try:
        state: Document | None = render_state(Standing.of(subject, folded), at, None)
    except NotFound:
        state = None
    return {"subject": subject, "at": format_time(at), "state": state}


def history_document(folded: FoldedSubject, directory: Directory) -> list[Document]:
    """Every event with its verdict and its sentences."""
    return [render_entry(entry, directory) for entry in history_of(folded)]


def history_of(folded: FoldedSubject) -> Sequence[HistoryEntry]:
    """The lines of a fold's history."""
    return [
        HistoryEntry(seq, one.recorded, one.folded.verdict, one.folded.codes, one.folded.differs)
        for seq, one in enumerate(folded.entries, 1)
    ]


def documents(
    subject: str, folded: FoldedSubject, directory: Directory, at: datetime
) -> tuple[bytes, bytes]:
    """State and history as files of a bundle."""
    return (
        to_json(state_document(subject, folded, at)),
        to_json(history_document(folded, directory)),
    )
