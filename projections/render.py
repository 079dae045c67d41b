"""States, commitments and history as JSON documents (interfaces.md), for every reader alike.

Pure. The current state and a past one go through the same function, so they cannot differ: what
was loaded from the tables and what was folded from the history are both a `Standing`. What each
kind of subject shows of itself is `projections.portraits`. Time is passed in.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import orjson

from projections.batch import HistoryEntry
from projections.folds.fold import State
from projections.folds.rows import OWED, Commitment
from projections.folds.subject import FoldedSubject, Past
from projections.loaded import Counts
from projections.portraits import Document, portrait, time_text
from projections.sentences import sentences
from runut.directory import Directory
from runut.errors import NotFound
from runut.json_form import data_json


class Standing(msgspec.Struct, frozen=True):
    """A subject at some moment: state, rows, and how many events made it."""

    subject: str
    state: State | None
    past: Past
    counts: Counts
    last_recorded_at: datetime | None

    @classmethod
    def of(cls, subject: str, folded: FoldedSubject) -> Standing:
        """The subject after a fold."""
        counts = Counts()
        for entry in folded.entries:
            counts.add(entry.folded.verdict)
        last = folded.entries[-1].recorded.recorded_at if folded.entries else None
        return cls(subject, folded.state, folded.past, counts, last)


def render_state(standing: Standing, moment: datetime, as_of: datetime | None) -> Document:
    """A subject's state; `moment` is when what time decides is asked for, `as_of` the T given.

    Raises:
        NotFound: it has none.
    """
    subject, state = standing.subject, standing.state
    if state is None:
        when = f" up to {time_text(as_of)}" if as_of else ""
        raise NotFound(f"state of {subject}", f"no effective event created it{when}")
    return {
        "subject": subject,
        **portrait(state, standing.past, moment),
        "commitments": commitment_counts(standing.past.of(Commitment), moment),
        "counts": msgspec.to_builtins(standing.counts),
        "last_recorded_at": time_text(standing.last_recorded_at),
        "as_of": time_text(as_of),
    }


def commitment_counts(commitments: list[Commitment], moment: datetime) -> dict[str, int]:
    """How many commitments are open, overdue at a moment, fulfilled, late, breached, cancelled."""
    status = [one.status for one in commitments]
    return {
        "open": sum(one in OWED for one in status),
        "overdue": sum(one.overdue(moment) for one in commitments),
        "fulfilled": status.count("FULFILLED"),
        "fulfilled_late": sum(one.late for one in commitments),
        "breached": sum(one.breached_at is not None for one in commitments),
        "cancelled": status.count("CANCELLED"),
    }


def render_commitment(commitment: Commitment, moment: datetime) -> Document:
    """One commitment; `overdue` at a moment."""
    return {
        "commitment_id": commitment.commitment_id,
        "subject": commitment.subject,
        "kind": commitment.kind,
        "debtor": commitment.debtor,
        "creditor": commitment.creditor,
        "what": commitment.what,
        "due_at": time_text(commitment.due_at),
        "status": commitment.status,
        "late": commitment.late,
        "overdue": commitment.overdue(moment),
        "breached_at": time_text(commitment.breached_at),
        "fulfilled_at": time_text(commitment.fulfilled_at),
        "source_event": commitment.source_event,
    }


def render_entry(entry: HistoryEntry, directory: Directory) -> Document:
    """One line of the history, with its sentences; `differs` stands only where it is true."""
    recorded = entry.recorded
    event = recorded.event
    document = {
        "seq": entry.seq,
        "event_id": event.event_id,
        "type": event.type,
        "agency": event.agency,
        "occurred_at": time_text(event.occurred_at),
        "recorded_at": time_text(recorded.recorded_at),
        "partition": recorded.partition,
        "offset": recorded.offset,
        "verdict": entry.verdict,
        "codes": list(entry.codes),
        "signature": recorded.signature,
        "data": orjson.loads(data_json(event)),
        "text": sentences(event, entry.verdict, entry.codes, entry.differs, directory),
    }
    return {**document, "differs": True} if entry.differs else document
