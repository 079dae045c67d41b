"""Rules of a case's own course: reported, verified, resolved, closed, reopened.

Pure (events.md §4, `case/`). Who holds it is `custody`, what is written about it `letters`.
"""

from __future__ import annotations

from typing import Final

from projections.folds import assistance, commitments, custody, letters
from projections.folds.case_state import (
    ENDED,
    CaseFolding,
    CaseState,
    begin_custody,
    cancel_everything,
    end_case,
    only_custodian,
    only_participant,
    owe_verification,
    with_agency,
)
from projections.folds.folding import (
    Codes,
    Kind,
    Needs,
    Rule,
    is_blank,
    needs_unsettled,
    no_effect,
    no_guard,
    nothing_needed,
)
from projections.folds.guards import ADDRESSING, newcomers
from projections.folds.obligations import fulfil
from projections.folds.rows import CustodyInterval
from runut.event import Event, subject_id

# What still counts on a case that is CLOSED, REJECTED or MERGED (events.md §3).
ON_ENDED_CASES: Final = frozenset(
    {
        "CaseReopened",
        "CaseClosed",
        "ContactLogged",
        "ContactAcknowledged",
        "DuplicateSuspected",
        "DataBreachNotified",
        "PersonalDataErased",
    }
)


def admits(state: CaseState, event: Event) -> bool:
    """Whether a case in this state takes an event of this type at all (CASE_NOT_OPEN)."""
    if state.status not in ENDED:
        return True
    if event.type == "CaseReopened":
        return state.status != "MERGED"
    if event.type == "CaseClosed":
        return bool(event.data["scope"] == "LOCAL")
    return event.type in ON_ENDED_CASES


def _reported_guard(folding: CaseFolding) -> Codes:
    named = folding.data["custodian"]
    if named is None and not folding.directory.has_role(folding.agency, "CUSTODIAN"):
        yield "CUSTODIAN_REQUIRED"


def _reported(folding: CaseFolding) -> None:
    data, at = folding.data, folding.at
    custodian = data["custodian"] or folding.agency
    unset = CustodyInterval(folding.subject, 0, custodian, at, None, folding.event.event_id)
    folding.state = CaseState(
        status="REPORTED",
        custodian=custodian,
        reporter=folding.agency,
        category=data["category"],
        urgency=data["urgency"],
        phase=data["phase"],
        country=data["country"],
        trafficking=data["category"] == "TRAFFICKING",
        opened_at=at,
        interval=unset,
    )
    begin_custody(folding, custodian, at, 1)
    owe_verification(folding, subject_id(folding.subject))


def _needs_own_id(event: Event) -> Needs:
    return Needs(sources=(subject_id(event.subject),))


def _verified(folding: CaseFolding) -> None:
    state = folding.state
    if state.verification is not None:
        fulfil(folding, state.verification)
        state.verification = None
    if state.status != "REPORTED":
        return
    if folding.data["result"] == "REJECTED":
        cancel_everything(folding)
        end_case(folding, "REJECTED")
    else:
        state.status = "IN_HANDLING"


def _classified(folding: CaseFolding) -> None:
    state, data = folding.state, folding.data
    state.category, state.urgency = data["category"], data["urgency"]
    state.trafficking = data["trafficking"] or data["category"] == "TRAFFICKING"


def _resolved(folding: CaseFolding) -> None:
    folding.state.status = "RESOLVED"


def _consented(folding: CaseFolding) -> None:
    folding.state.consents = with_agency(folding.state.consents, folding.agency)


def _closed_guard(folding: CaseFolding) -> Codes:
    if folding.data["scope"] == "LOCAL":
        yield from only_participant(folding)
        return
    yield from only_custodian(folding)
    state = folding.state
    # Transfers and assistance are covered: each has an answer or a delivery that is owed.
    if state.open_commitments or state.status == "REPORTED":
        yield "OPEN_OBLIGATIONS"
    if _consents_demanded(folding) - set(state.consents):
        yield "CONSENT_REQUIRED"


def _consents_demanded(folding: CaseFolding) -> frozenset[str]:
    protocol = folding.directory.protocol_at(folding.at)
    if protocol is None or not folding.state.trafficking:
        return frozenset()
    return protocol.consents.get("TRAFFICKING", frozenset())


def _closed(folding: CaseFolding) -> None:
    state = folding.state
    if folding.data["scope"] == "LOCAL":
        state.locally_closed_by = with_agency(state.locally_closed_by, folding.agency)
    else:
        end_case(folding, "CLOSED")


def _reopened_guard(folding: CaseFolding) -> Codes:
    yield from only_participant(folding)
    if folding.state.is_open:
        yield "NOT_ACTIVE"


def _reopened(folding: CaseFolding) -> None:
    state = folding.state
    state.status, state.closed_at, state.consents = "IN_HANDLING", None, ()
    ended_at = state.interval.ended_at
    started_at = max(folding.at, ended_at) if ended_at else folding.at
    begin_custody(folding, state.custodian, started_at, state.interval.n + 1)


def _shared_guard(folding: CaseFolding) -> Codes:
    if is_blank(folding.data["lawful_basis"]) and is_blank(folding.data["agreement"]):
        yield "BASIS_REQUIRED"


def _erased_guard(folding: CaseFolding) -> Codes:
    if not folding.is_system(folding.agency):
        yield from only_custodian(folding)


def add_participants(folding: CaseFolding) -> None:
    """After an effective event: its emitter and whom it addressed take part from now on.

    Custodians are named too, and custody begins with them, so they are added alike.
    """
    state, event = folding.state, folding.event
    for agency in newcomers(event, ADDRESSING[event.type], state.custodian, state.participants):
        if not folding.is_system(agency):
            state.participants = with_agency(state.participants, agency)


RULES: Final[dict[str, Rule]] = {
    "CaseReported": Rule(_reported_guard, _reported, _needs_own_id),
    "CaseVerified": Rule(only_custodian, _verified, needs_unsettled),
    "CaseClassified": Rule(only_custodian, _classified, nothing_needed),
    "HearingHeld": Rule(only_custodian, no_effect, nothing_needed),
    "CaseResolved": Rule(only_custodian, _resolved, nothing_needed),
    "ClosureConsented": Rule(only_participant, _consented, nothing_needed),
    "CaseClosed": Rule(_closed_guard, _closed, nothing_needed),
    "CaseReopened": Rule(_reopened_guard, _reopened, nothing_needed),
    "DataShared": Rule(_shared_guard, no_effect, nothing_needed),
    "PersonalDataErased": Rule(_erased_guard, no_effect, nothing_needed),
    "DataBreachNotified": Rule(no_guard, no_effect, nothing_needed),
    **custody.RULES,
    **letters.RULES,
    **assistance.RULES,
    **commitments.RULES,
}
KIND: Final = Kind(
    CaseState, frozenset({"CaseReported"}), RULES, admits=admits, after=add_participants
)
