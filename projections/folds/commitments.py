"""Rules of the commitments that agencies make, answer, fulfil, extend and cancel.

Pure. They hold on cases, meetings and agreements alike (events.md §4).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from projections.folds import escalation
from projections.folds.folding import (
    Codes,
    Folding,
    Needs,
    Rule,
    is_blank,
    needs_commitment,
)
from projections.folds.guards import only_system
from projections.folds.obligations import cancel, put_commitment
from projections.folds.rows import OWED, UNSETTLED, Commitment, Decision
from runut.event import Event
from runut.protocol import CommitmentKind
from runut.rfc3339 import format_time

# Commitments of other kinds are settled by the event that they wait for, not by hand.
BY_HAND: Final[frozenset[CommitmentKind]] = frozenset({"PROMISE", "CLAUSE"})
CANCELLABLE: Final[frozenset[CommitmentKind]] = BY_HAND | {
    "LETTER_REPLY",
    "ASSISTANCE_ANSWER",
    "ASSISTANCE_DELIVERY",
}


def _named(
    folding: Folding[Any], kinds: frozenset[CommitmentKind] | None = None
) -> Commitment | None:
    found = folding.find(Commitment, folding.data["commitment_id"])
    return found if found is None or kinds is None or found.kind in kinds else None


def _commitment(folding: Folding[Any]) -> Commitment:
    return folding.get(Commitment, folding.data["commitment_id"])


def _made_needs(event: Event) -> Needs:
    reference = event.data["source_ref"]
    by_decision = event.data["source_kind"] == "DECISION" and reference
    keys = ((Decision, reference),) if by_decision else ()
    return Needs(keys, (event.data["commitment_id"],))


def _is_decided(folding: Folding[Any]) -> bool:
    """Whether it carries out a decision of this subject that the debtor adopted."""
    data = folding.data
    if data["source_kind"] != "DECISION" or not data["source_ref"]:
        return False
    decision = folding.find(Decision, data["source_ref"])
    return decision is not None and data["debtor"] in decision.adopters


def _made_guard(folding: Folding[Any]) -> Codes:
    data = folding.data
    if folding.find(Commitment, data["commitment_id"]) is not None:
        yield "ALREADY_EXISTS"
    if folding.agency not in {data["debtor"], data["creditor"]} and not _is_decided(folding):
        yield "NOT_PARTY"


def _made(folding: Folding[Any]) -> None:
    data = folding.data
    binding = folding.agency == data["debtor"] or _is_decided(folding)
    commitment = Commitment(
        subject=folding.subject,
        commitment_id=data["commitment_id"],
        source=data["commitment_id"],
        kind="PROMISE",
        debtor=data["debtor"],
        creditor=data["creditor"],
        what=data["what"],
        due_at=data["due_at"],
        status="OPEN" if binding else "PROPOSED",
        made_at=folding.at,
        source_event=folding.event.event_id,
        due_recorded_at=folding.recorded.recorded_at,
    )
    put_commitment(folding, commitment)


def _answered_guard(folding: Folding[Any]) -> Codes:
    commitment = _named(folding, BY_HAND)
    if commitment is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != commitment.debtor:
        yield "NOT_DEBTOR"
    if commitment.status != "PROPOSED":
        yield "ALREADY_SETTLED"
    if not folding.data["accepts"] and is_blank(folding.data["reason"]):
        yield "REASON_REQUIRED"


def _answered(folding: Folding[Any]) -> None:
    status = "OPEN" if folding.data["accepts"] else "DECLINED"
    put_commitment(folding, replace(_commitment(folding), status=status))


def _reported_guard(folding: Folding[Any]) -> Codes:
    commitment = _named(folding, BY_HAND)
    if commitment is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != commitment.debtor:
        yield "NOT_DEBTOR"
    if commitment.status == "PROPOSED":
        yield "NOT_ACTIVE"
    elif commitment.status != "OPEN":
        yield "ALREADY_SETTLED"


def _reported(folding: Folding[Any]) -> None:
    put_commitment(
        folding, replace(_commitment(folding), status="REPORTED", reported_at=folding.at)
    )


def _reviewed_guard(folding: Folding[Any]) -> Codes:
    commitment = _named(folding, BY_HAND)
    if commitment is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != commitment.creditor:
        yield "NOT_CREDITOR"
    if commitment.status != "REPORTED":
        yield "NOT_REPORTED"
    if not folding.data["accepted"] and is_blank(folding.data["reason"]):
        yield "REASON_REQUIRED"


def _reviewed(folding: Folding[Any]) -> None:
    commitment = _commitment(folding)
    if folding.data["accepted"]:
        # It was done when the debtor reported it, not when the creditor got round to looking.
        done = replace(commitment, status="FULFILLED", fulfilled_at=commitment.reported_at)
        put_commitment(folding, done)
    else:
        put_commitment(folding, replace(commitment, status="OPEN", reported_at=None))


def _extended_guard(folding: Folding[Any]) -> Codes:
    commitment = _named(folding)
    if commitment is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != commitment.creditor:
        yield "NOT_CREDITOR"
    if commitment.status not in UNSETTLED:
        yield "ALREADY_SETTLED"
    due_at = commitment.due_at
    if due_at is not None and (folding.at > due_at or folding.data["new_due_at"] <= due_at):
        yield "TOO_LATE"


def _extended(folding: Folding[Any]) -> None:
    """A new limit: whatever was escalated for the old one, the ladder begins at its foot again."""
    extended = replace(
        _commitment(folding),
        due_at=folding.data["new_due_at"],
        rule=None,
        due_recorded_at=folding.recorded.recorded_at,
        escalation_level=0,
        escalate_at=None,
    )
    put_commitment(folding, extended)


def _cancelled_guard(folding: Folding[Any]) -> Codes:
    commitment = _named(folding, CANCELLABLE)
    if commitment is None:
        yield "NO_SUCH_REFERENCE"
        return
    # On a case the custodian may cancel as well, though never what it owes itself.
    custodian = getattr(folding.state, "custodian", None)
    by_custodian = folding.agency == custodian != commitment.debtor
    if folding.agency != commitment.creditor and not by_custodian:
        yield "NOT_CREDITOR"
    if commitment.status not in UNSETTLED:
        yield "ALREADY_SETTLED"


def _cancelled(folding: Folding[Any]) -> None:
    cancel(folding, _commitment(folding))


def _breached_guard(folding: Folding[Any]) -> Codes:
    commitment = _named(folding)
    if commitment is None:
        yield "NO_SUCH_REFERENCE"
        return
    yield from only_system(folding)
    claimed, due_at = folding.data["due_at"], commitment.due_at
    if commitment.status not in OWED or _is_breached_for(commitment, claimed):
        yield "ALREADY_SETTLED"
    is_past = due_at is not None and min(folding.at, folding.recorded.recorded_at) > due_at
    if claimed != due_at or not is_past:
        yield "NOT_ACTIVE"


def _is_breached_for(commitment: Commitment, due_at: datetime) -> bool:
    """Whether a breach was recorded for a due date, its present one or one before."""
    return format_time(due_at) in breached_dues(commitment)


def breached_dues(commitment: Commitment) -> tuple[str, ...]:
    """All due dates for which a breach was recorded."""
    latest = commitment.breached_due_at
    return (*commitment.breached_before, format_time(latest)) if latest else ()


def _breached(folding: Folding[Any]) -> None:
    commitment = _commitment(folding)
    breached = replace(
        commitment,
        breached_at=commitment.breached_at or folding.at,
        breached_due_at=commitment.due_at,
        breached_before=breached_dues(commitment),
    )
    put_commitment(folding, escalation.after_breach(folding, breached))


def _escalated_guard(folding: Folding[Any]) -> Codes:
    if _named(folding) is None:
        yield "NO_SUCH_REFERENCE"
        return
    yield from only_system(folding)


def _escalated(folding: Folding[Any]) -> None:
    data = folding.data
    raised = replace(_commitment(folding), escalated_to=data["to"], escalation_level=data["level"])
    folding.put(escalation.after_escalation(folding, raised))


RULES: Final = {
    "CommitmentMade": Rule(_made_guard, _made, _made_needs),
    "CommitmentAnswered": Rule(_answered_guard, _answered, needs_commitment),
    "FulfilmentReported": Rule(_reported_guard, _reported, needs_commitment),
    "FulfilmentReviewed": Rule(_reviewed_guard, _reviewed, needs_commitment),
    "ExtensionGranted": Rule(_extended_guard, _extended, needs_commitment),
    "CommitmentCancelled": Rule(_cancelled_guard, _cancelled, needs_commitment),
    "CommitmentBreached": Rule(_breached_guard, _breached, needs_commitment),
    "EscalationRaised": Rule(_escalated_guard, _escalated, needs_commitment),
}
