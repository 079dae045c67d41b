"""Rules of an agreement between agencies: signing, clauses with periods, its end.

Pure (events.md §4, `agreement/`). Fines and the fund they fill are `fines`. Its local dates are
those of the protocol's time zone when it was proposed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from projections.folds import commitments, fines
from projections.folds.agreement_state import (
    AgreementFolding,
    AgreementState,
    Clause,
    ScheduledFine,
    only_secretariat,
    status_at,
)
from projections.folds.folding import (
    Codes,
    Kind,
    Rule,
    needs_unsettled,
    nothing_needed,
    sorted_set,
)
from projections.folds.obligations import add_commitment, cancel, local_zone
from projections.folds.rows import Commitment
from runut.calendar import end_of_day, local_time


def _proposed_guard(folding: AgreementFolding) -> Codes:
    data = folding.data
    if folding.agency not in data["parties"]:
        yield "NOT_PARTY"
    amounts = [one["amount"] for one in data["fines"]]
    currencies = {one["currency"] for one in data["fines"]}
    if len(currencies) > 1 or any(amount <= 0 for amount in amounts):
        yield "AMOUNT_MISMATCH"


def _proposed(folding: AgreementFolding) -> None:
    data = folding.data
    folding.state = AgreementState(
        status="PROPOSED",
        title=data["title"],
        parties=sorted_set(data["parties"]),
        secretariat=data["secretariat"],
        clauses=tuple(Clause(**one) for one in data["clauses"]),
        schedule=tuple(ScheduledFine(**one) for one in data["fines"]),
        fund=data["fund"],
        valid_to=data["valid_to"],
        timezone=local_zone(folding).key,
    )


def _signed_guard(folding: AgreementFolding) -> Codes:
    state = folding.state
    if folding.agency not in state.parties:
        yield "NOT_PARTY"
    if folding.agency in state.signed:
        yield "ALREADY_SETTLED"


def _signed(folding: AgreementFolding) -> None:
    state = folding.state
    state.signed = tuple(sorted({*state.signed, folding.agency}))
    if state.signed != state.parties or status_at(state, folding.at) == "ENDED":
        return
    state.status = "ACTIVE"
    state.signed_on = local_time(folding.at, ZoneInfo(state.timezone)).date()
    for clause in state.clauses:
        if clause.every_days is not None:
            _open_period(folding, clause, 1)


def _open_period(folding: AgreementFolding, clause: Clause, n: int) -> None:
    """The n-th period of a clause begins: its debtor owes it until its last second."""
    state = folding.state
    if state.signed_on is None or clause.every_days is None:
        raise LookupError(f"clause {clause.clause_id} of {folding.subject} has no periods")
    source = f"{clause.clause_id}#{n}"
    period = Commitment(
        subject=folding.subject,
        commitment_id=f"CLAUSE:{source}:{clause.debtor}",
        source=source,
        kind="CLAUSE",
        debtor=clause.debtor,
        creditor=state.secretariat,
        what=clause.text,
        due_at=_last_second(state.signed_on, n * clause.every_days, state.timezone),
        status="OPEN",
        made_at=folding.at,
        source_event=folding.event.event_id,
        due_recorded_at=folding.recorded.recorded_at,
    )
    add_commitment(folding, period)


def _last_second(signed_on: date, days: int, timezone: str) -> datetime | None:
    """When a period is due, so many days after the last signature."""
    try:
        return end_of_day(signed_on + timedelta(days=days), ZoneInfo(timezone))
    except OverflowError:
        # Beyond the calendar: owed and never overdue. A clause's days are any number.
        return None


def _ended(folding: AgreementFolding) -> None:
    folding.state.status = "ENDED"
    for owed in list(folding.unsettled_commitments()):
        if owed.kind == "CLAUSE":
            cancel(folding, owed)


def _then_next_period(rule: Rule) -> Rule:
    """A rule that may end a clause's period, whereupon the next one begins."""

    def effect(folding: AgreementFolding) -> None:
        rule.effect(folding)
        period = folding.get(Commitment, folding.data["commitment_id"])
        if period.kind == "CLAUSE" and period.status in {"FULFILLED", "CANCELLED"}:
            _open_next(folding, period)

    return Rule(rule.guard, effect, rule.needs)


def _open_next(folding: AgreementFolding, period: Commitment) -> None:
    if status_at(folding.state, folding.at) != "ACTIVE":
        return
    clause_id, _, n = period.source.rpartition("#")
    for clause in folding.state.clauses:
        is_its = (clause.clause_id, clause.debtor) == (clause_id, period.debtor)
        if is_its and clause.every_days is not None:
            _open_period(folding, clause, int(n) + 1)
            return


RULES: Final[dict[str, Rule]] = {
    **commitments.RULES,
    **fines.RULES,
    "AgreementProposed": Rule(_proposed_guard, _proposed, nothing_needed),
    "AgreementSigned": Rule(_signed_guard, _signed, nothing_needed),
    "AgreementEnded": Rule(only_secretariat, _ended, needs_unsettled),
    "FulfilmentReviewed": _then_next_period(commitments.RULES["FulfilmentReviewed"]),
    "CommitmentCancelled": _then_next_period(commitments.RULES["CommitmentCancelled"]),
}
KIND: Final = Kind(AgreementState, frozenset({"AgreementProposed"}), RULES)
