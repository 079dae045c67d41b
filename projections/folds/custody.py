"""Rules of who is responsible for a case: transfers, escalation, rulings, merging.

Pure (events.md §4, `case/`).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from projections.folds.case_state import (
    CaseFolding,
    cancel_everything,
    change_custodian,
    end_case,
    only_custodian,
)
from projections.folds.escalation import is_live
from projections.folds.folding import (
    Codes,
    Needs,
    Rule,
    is_blank,
    needs_unsettled,
    no_effect,
    no_guard,
    nothing_needed,
)
from projections.folds.guards import only_system, role_required
from projections.folds.obligations import (
    answer_owed,
    cancel_transfer,
    fulfil,
    lapse,
    open_commitment,
)
from projections.folds.rows import Absorption, Commitment, Transfer, TransferStatus
from runut.event import Event, is_subject, subject_kind


def _transfer(folding: CaseFolding) -> Transfer:
    return folding.get(Transfer, folding.data["transfer_id"])


def _needs_transfer(event: Event) -> Needs:
    transfer_id = event.data["transfer_id"]
    return Needs(((Transfer, transfer_id),), (transfer_id,))


def _needs_transfer_and_verification(event: Event) -> Needs:
    needed = _needs_transfer(event)
    return Needs(needed.keys, needed.sources, unsettled=True)


def _offered_guard(folding: CaseFolding) -> Codes:
    yield from only_custodian(folding)
    data, state = folding.data, folding.state
    if folding.find(Transfer, data["transfer_id"]) is not None:
        yield "ALREADY_EXISTS"
    if state.open_transfer is not None:
        yield "TRANSFER_PENDING"
    if data["to"] == state.custodian:
        yield "TRANSFER_TO_SELF"
    yield from role_required(folding, data["to"], "CUSTODIAN")


def _offered(folding: CaseFolding) -> None:
    data, state = folding.data, folding.state
    transfer = Transfer(
        subject=folding.subject,
        transfer_id=data["transfer_id"],
        from_agency=state.custodian,
        to_agency=data["to"],
        ground=data["ground"],
        reason=data["reason"],
        offered_at=folding.at,
    )
    folding.put(transfer)
    state.open_transfer = transfer.transfer_id
    open_commitment(
        folding,
        "TRANSFER_ANSWER",
        transfer.transfer_id,
        transfer.to_agency,
        state.custodian,
        transfer.reason,
        due_at=data["answer_due_at"],
    )


def _open_offer_guard(folding: CaseFolding) -> Codes:
    """The offer exists and nobody answered, withdrew or cancelled it yet."""
    transfer = folding.find(Transfer, folding.data["transfer_id"])
    if transfer is None:
        yield "NO_SUCH_REFERENCE"
    elif transfer.status != "OPEN":
        yield "ALREADY_SETTLED"


def _addressee_guard(folding: CaseFolding) -> Codes:
    yield from _open_offer_guard(folding)
    transfer = folding.find(Transfer, folding.data["transfer_id"])
    if transfer is not None and folding.agency != transfer.to_agency:
        yield "NOT_ADDRESSEE"


def _end_offer(folding: CaseFolding, status: TransferStatus) -> Transfer:
    transfer = replace(_transfer(folding), status=status, answered_at=folding.at)
    folding.put(transfer)
    folding.state.open_transfer = None
    return transfer


def _accepted(folding: CaseFolding) -> None:
    transfer = _end_offer(folding, "ACCEPTED")
    fulfil(folding, answer_owed(transfer))
    folding.state.failed_offers = 0
    folding.state.escalation_pending = None
    change_custodian(folding, transfer.to_agency, transfer.transfer_id)


def _offer_failed(folding: CaseFolding, transfer: Transfer) -> None:
    """One more refusal or lapse: after two in a row the case goes to an arbiter."""
    state = folding.state
    state.failed_offers += 1
    protocol = folding.directory.protocol_at(folding.at)
    arbiter = protocol.default_arbiter if protocol else None
    if state.escalation_due and state.arbiter is None and arbiter and is_live(folding):
        state.escalation_pending = transfer.transfer_id


def _refused_guard(folding: CaseFolding) -> Codes:
    exists = folding.find(Transfer, folding.data["transfer_id"]) is not None
    yield from _addressee_guard(folding)
    if exists and is_blank(folding.data["reason"]):
        yield "REASON_REQUIRED"


def _refused(folding: CaseFolding) -> None:
    transfer = _end_offer(folding, "REFUSED")
    data = folding.data
    folding.put(replace(transfer, answer_ground=data["ground"], answer_reason=data["reason"]))
    fulfil(folding, answer_owed(transfer))
    _offer_failed(folding, transfer)


def _withdrawn_guard(folding: CaseFolding) -> Codes:
    exists = folding.find(Transfer, folding.data["transfer_id"]) is not None
    yield from _open_offer_guard(folding)
    if exists:
        yield from only_custodian(folding)


def _withdrawn(folding: CaseFolding) -> None:
    transfer_id = folding.data["transfer_id"]
    cancel_transfer(folding, transfer_id)
    folding.put(replace(_transfer(folding), status="WITHDRAWN"))
    folding.state.open_transfer = None


def _lapsed_guard(folding: CaseFolding) -> Codes:
    transfer = folding.find(Transfer, folding.data["transfer_id"])
    yield from _open_offer_guard(folding)
    if transfer is None:
        return
    yield from only_system(folding)
    answer = folding.find(Commitment, answer_owed(transfer))
    due_at = answer.due_at if answer else None
    if due_at is None or folding.at <= due_at:
        yield "NOT_ACTIVE"


def _lapsed(folding: CaseFolding) -> None:
    transfer = _end_offer(folding, "LAPSED")
    lapse(folding, answer_owed(transfer))
    _offer_failed(folding, transfer)


def _escalated_guard(folding: CaseFolding) -> Codes:
    transfer = folding.find(Transfer, folding.data["transfer_id"])
    if transfer is None:
        yield "NO_SUCH_REFERENCE"
        return
    parties = {folding.state.custodian, transfer.to_agency}
    if folding.agency in parties:
        if folding.data["arbiter"] in parties:
            yield "NOT_ARBITER"
    elif not folding.is_system(folding.agency):
        yield "NOT_PARTY"


def _escalated(folding: CaseFolding) -> None:
    folding.state.arbiter = folding.data["arbiter"]
    folding.state.escalation_pending = None


def _ruled_guard(folding: CaseFolding) -> Codes:
    may_rule = folding.directory.has_role(folding.agency, "COORDINATOR")
    if folding.agency != folding.state.arbiter and not may_rule:
        yield "NOT_ARBITER"
    yield from role_required(folding, folding.data["custodian"], "CUSTODIAN")


def _ruled(folding: CaseFolding) -> None:
    state = folding.state
    if state.open_transfer is not None:
        cancel_transfer(folding, state.open_transfer)
        state.open_transfer = None
    state.failed_offers, state.arbiter, state.escalation_pending = 0, None, None
    change_custodian(folding, folding.data["custodian"], folding.event.event_id)


def _needs_ruling(event: Event) -> Needs:
    return Needs(sources=(event.event_id,), unsettled=True)


def _merge_proposed_guard(folding: CaseFolding) -> Codes:
    survivor = folding.data["survivor"]
    if survivor == folding.subject or not _is_case(survivor):
        yield "NO_SUCH_REFERENCE"
        return
    yield from only_custodian(folding)


def _merge_proposed(folding: CaseFolding) -> None:
    folding.state.proposed_survivor = folding.data["survivor"]
    folding.state.merge_addressee = folding.data["to"]


def _merge_answer_guard(folding: CaseFolding) -> Codes:
    if folding.data["survivor"] != folding.state.proposed_survivor:
        yield "NO_SUCH_REFERENCE"
    elif folding.agency != folding.state.merge_addressee:
        yield "NOT_ADDRESSEE"


def _merge_accepted(folding: CaseFolding) -> None:
    _merge_answered(folding)
    folding.state.merged_into = folding.data["survivor"]
    cancel_everything(folding)
    end_case(folding, "MERGED")


def _merge_answered(folding: CaseFolding) -> None:
    folding.state.proposed_survivor = folding.state.merge_addressee = None


def _absorbed_guard(folding: CaseFolding) -> Codes:
    if not _is_case(folding.data["absorbed"]):
        yield "NO_SUCH_REFERENCE"
        return
    yield from only_custodian(folding)


def _is_case(subject: str) -> bool:
    return is_subject(subject) and subject_kind(subject) == "case"


def _absorbed(folding: CaseFolding) -> None:
    absorbed = folding.data["absorbed"]
    if folding.find(Absorption, absorbed) is None:
        folding.state.absorbed += 1
        folding.put(Absorption(folding.subject, absorbed, folding.state.absorbed, folding.at))


def _needs_absorption(event: Event) -> Needs:
    return Needs(((Absorption, event.data["absorbed"]),))


RULES: Final = {
    "TransferOffered": Rule(_offered_guard, _offered, _needs_transfer),
    "TransferAccepted": Rule(_addressee_guard, _accepted, _needs_transfer_and_verification),
    "TransferRefused": Rule(_refused_guard, _refused, _needs_transfer),
    "TransferWithdrawn": Rule(_withdrawn_guard, _withdrawn, _needs_transfer),
    "TransferLapsed": Rule(_lapsed_guard, _lapsed, _needs_transfer),
    "TransferEscalated": Rule(_escalated_guard, _escalated, _needs_transfer),
    "CustodyRuled": Rule(_ruled_guard, _ruled, _needs_ruling),
    "MergeProposed": Rule(_merge_proposed_guard, _merge_proposed, nothing_needed),
    "MergeAccepted": Rule(_merge_answer_guard, _merge_accepted, needs_unsettled),
    "MergeRefused": Rule(_merge_answer_guard, _merge_answered, nothing_needed),
    "CaseAbsorbed": Rule(_absorbed_guard, _absorbed, _needs_absorption),
    "DuplicateSuspected": Rule(no_guard, no_effect, nothing_needed),
}
