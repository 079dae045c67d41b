"""States, commitments and history as JSON documents (interfaces.md), for every reader alike.

Pure. The current state and a past one go through the same function, so they cannot differ: what
was loaded from the tables and what was folded from the history are both a `Standing`. Time is
passed in; times are RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson

from projections.batch import HistoryEntry
from projections.folds.case_state import CaseState
from projections.folds.fold import State
from projections.folds.obligations import answer_owed
from projections.folds.rows import (
    OWED,
    Absorption,
    Commitment,
    CustodyInterval,
    Transfer,
)
from projections.folds.subject import FoldedSubject, Past
from projections.loaded import Counts
from projections.sentences import sentences
from runut.directory import Directory
from runut.errors import NotFound
from runut.event import subject_kind
from runut.json_form import data_json
from runut.rfc3339 import format_time

Document = dict[str, Any]


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
    """A subject's state; `moment` is when overdue is asked for, `as_of` the T that was given.

    Raises:
        NotFound: it has none, or its kind keeps none in this release.
    """
    subject, state = standing.subject, standing.state
    render = _RENDER.get(subject_kind(subject))
    if render is None:
        kinds = ", ".join(_RENDER)
        raise NotFound(
            f"state of {subject}",
            f"this release keeps states of {kinds} alone; see: runut history {subject}",
        )
    if state is None:
        when = f" up to {format_time(as_of)}" if as_of else ""
        raise NotFound(f"state of {subject}", f"no effective event created it{when}")
    return {"subject": subject, **render(standing, state, moment), "as_of": _time(as_of)}


def render_case(standing: Standing, state: CaseState, moment: datetime) -> Document:
    """State of a case, in the shape of interfaces.md."""
    past = standing.past
    return {
        "status": state.status,
        "custodian": state.custodian,
        "category": state.category,
        "urgency": state.urgency,
        "phase": state.phase,
        "country": state.country,
        "trafficking": state.trafficking,
        "participants": list(state.participants),
        "custody": [_interval(interval) for interval in past.of(CustodyInterval)],
        "open_transfer": _open_transfer(state, past),
        "escalation_due": state.escalation_due,
        "locally_closed_by": list(state.locally_closed_by),
        "merged_into": state.merged_into,
        "absorbed": [one.absorbed for one in sorted(past.of(Absorption), key=lambda one: one.n)],
        "commitments": commitment_counts(past.of(Commitment), moment),
        "counts": msgspec.to_builtins(standing.counts),
        "opened_at": _time(state.opened_at),
        "closed_at": _time(state.closed_at),
        "last_recorded_at": _time(standing.last_recorded_at),
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
        "due_at": _time(commitment.due_at),
        "status": commitment.status,
        "late": commitment.late,
        "overdue": commitment.overdue(moment),
        "breached_at": _time(commitment.breached_at),
        "fulfilled_at": _time(commitment.fulfilled_at),
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
        "occurred_at": _time(event.occurred_at),
        "recorded_at": _time(recorded.recorded_at),
        "partition": recorded.partition,
        "offset": recorded.offset,
        "verdict": entry.verdict,
        "codes": list(entry.codes),
        "signature": recorded.signature,
        "data": orjson.loads(data_json(event)),
        "text": sentences(event, entry.verdict, entry.codes, entry.differs, directory),
    }
    return {**document, "differs": True} if entry.differs else document


def _interval(interval: CustodyInterval) -> Document:
    return {
        "agency": interval.agency,
        "from": _time(interval.started_at),
        "to": _time(interval.ended_at),
        "event_id": interval.event_id,
    }


def _open_transfer(state: CaseState, past: Past) -> Document | None:
    transfer = past.row(Transfer, state.open_transfer) if state.open_transfer else None
    if transfer is None:
        return None
    answer = past.row(Commitment, answer_owed(transfer))
    return {
        "transfer_id": transfer.transfer_id,
        "to": transfer.to_agency,
        "due_at": _time(answer.due_at) if answer else None,
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


_RENDER: Final[dict[str, Callable[[Standing, Any, datetime], Document]]] = {"case": render_case}
