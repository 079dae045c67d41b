"""What each kind of subject shows of itself: the part of its document that other kinds lack.

Pure. Shapes are in docs/reference/states.md; what every kind shows alike is `projections.render`'s.
Times are RFC 3339 in UTC, dates ISO, amounts strings. Time is passed in: whether an agent is
suspended or an agreement over is asked for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Any, Final

import msgspec

from projections.folds import agent, agreement_state
from projections.folds.agent import AgentState
from projections.folds.agreement_state import AgreementState
from projections.folds.case_state import CaseState
from projections.folds.fines import payment_owed
from projections.folds.meeting import MeetingState
from projections.folds.obligations import answer_owed
from projections.folds.programme import ProgrammeState
from projections.folds.rows import (
    Absorption,
    Commitment,
    CustodyInterval,
    Decision,
    DepositDraw,
    Fine,
    Inspection,
    Outreach,
    Row,
    Sanction,
    Transfer,
)
from projections.folds.subject import Past
from runut.rfc3339 import format_time

Document = dict[str, Any]

SHOWN: Final[Mapping[str, tuple[type[Row], ...]]] = {
    "case": (CustodyInterval, Transfer, Absorption, Commitment),
    "meeting": (Decision, Commitment),
    "agreement": (Fine, Commitment),
    "agent": (Sanction, Inspection, DepositDraw, Commitment),
    "programme": (Outreach, Commitment),
}
"""Of each kind the rows that its document shows."""


@singledispatch
def portrait(state: object, _past: Past, _moment: datetime) -> Document:
    """A state, with the rows that belong to it, at a moment."""
    raise TypeError(f"expected the state of a subject, found {type(state).__name__}")


@portrait.register
def _case(state: CaseState, past: Past, _moment: datetime) -> Document:
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
        "opened_at": time_text(state.opened_at),
        "closed_at": time_text(state.closed_at),
    }


@portrait.register
def _meeting(state: MeetingState, past: Past, _moment: datetime) -> Document:
    return {
        "status": state.status,
        "title": state.title,
        "series": state.series,
        "chair": state.chair,
        "mode": state.mode,
        "starts_at": time_text(state.starts_at),
        "started_at": time_text(state.started_at),
        "ended_at": time_text(state.ended_at),
        "invitees": list(state.invitees),
        "agenda": list(state.agenda),
        "cases": list(state.cases),
        "attendance": [msgspec.to_builtins(one) for one in state.attendance],
        "decisions": _rows(
            past.of(Decision), "decision_id", "text", "adopters", "follow_up", "decided_at"
        ),
        "minutes_adopters": list(state.minutes_adopters),
    }


@portrait.register
def _agreement(state: AgreementState, past: Past, moment: datetime) -> Document:
    return {
        "status": agreement_state.status_at(state, moment),
        "title": state.title,
        "parties": list(state.parties),
        "secretariat": state.secretariat,
        "signed": list(state.signed),
        "clauses": [msgspec.to_builtins(clause) for clause in state.clauses],
        "fines": [_fine(fine, past) for fine in past.of(Fine)],
        "fund": state.fund,
        "fund_balance": plain(state.fund_balance),
        "currency": state.currency,
        "valid_to": plain(state.valid_to),
    }


@portrait.register
def _agent(state: AgentState, past: Past, moment: datetime) -> Document:
    sanctions, draws = past.of(Sanction), past.of(DepositDraw)
    drawn = [d.decided_amount for d in draws if d.status == "APPROVED" and d.decided_amount]
    return {
        "status": agent.status_at(state, sanctions, moment),
        "name": state.name,
        "licence": state.licence,
        "valid_to": plain(state.valid_to),
        "deposit": plain(state.deposit),
        "deposit_drawn": plain(sum(drawn, Decimal("0.00"))),
        "sanctions": _rows(
            sanctions, "level", "ground", "from_date", "to_date", "decided_at", "lifted_at"
        ),
        "inspections": [
            _row(one, "agency", "severity", "findings", "inspected_at") | {"case": one.about_case}
            for one in past.of(Inspection)
        ],
        "deposit_draws": [_draw(draw) for draw in draws],
    }


@portrait.register
def _programme(state: ProgrammeState, past: Past, _moment: datetime) -> Document:
    point = state.service_point
    return {
        "status": point.status if point else None,
        "kind": point.kind if point else None,
        "name": point.name if point else None,
        "region": point.region if point else None,
        "desks": list(point.desks) if point else [],
        "pillars": list(point.pillars) if point else [],
        "outreach": _rows(
            past.of(Outreach),
            *("agency", "kind", "phase", "region", "participants", "partners", "held_at"),
        ),
    }


def time_text(moment: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return format_time(moment) if moment else None


def _interval(interval: CustodyInterval) -> Document:
    return {
        "agency": interval.agency,
        "from": time_text(interval.started_at),
        "to": time_text(interval.ended_at),
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
        "due_at": time_text(answer.due_at) if answer else None,
    }


def _fine(fine: Fine, past: Past) -> Document:
    payment = past.row(Commitment, payment_owed(fine))
    shown = _row(
        fine,
        *("fine_id", "debtor", "clause_id", "cause", "amount", "currency", "status", "imposed_at"),
    )
    return {**shown, "due_at": time_text(payment.due_at) if payment else None}


def _draw(draw: DepositDraw) -> Document:
    shown = _row(
        draw,
        *("draw_id", "amount", "reason", "agency", "proposed_at", "status", "decided_amount"),
        "decided_at",
    )
    return {**shown, "case": draw.about_case}


def _rows(rows: Iterable[Row], *fields: str) -> list[Document]:
    return [_row(row, *fields) for row in rows]


def _row(row: Row, *fields: str) -> Document:
    return {name: plain(getattr(row, name)) for name in fields}


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    told = _PLAIN.get(type(value))
    return value if told is None else told(value)


_PLAIN: Final[Mapping[type, Callable[[Any], Any]]] = {
    datetime: format_time,
    date: date.isoformat,
    Decimal: "{:.2f}".format,
    tuple: list,
}
