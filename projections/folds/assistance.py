"""Rules of help between agencies: asked, answered, delivered.

Pure (events.md §4, `case/`). The case keeps its custodian.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from projections.folds.case_state import CaseFolding, only_custodian
from projections.folds.folding import Codes, Needs, Rule, is_blank
from projections.folds.obligations import fulfil, open_commitment
from projections.folds.rows import Assistance
from runut.event import Event


def _assistance(folding: CaseFolding) -> Assistance:
    return folding.get(Assistance, folding.data["assistance_id"])


def _needs_assistance(event: Event) -> Needs:
    assistance_id = event.data["assistance_id"]
    return Needs(((Assistance, assistance_id),), (assistance_id,))


def _requested_guard(folding: CaseFolding) -> Codes:
    yield from only_custodian(folding)
    if folding.find(Assistance, folding.data["assistance_id"]) is not None:
        yield "ALREADY_EXISTS"


def _requested(folding: CaseFolding) -> None:
    data = folding.data
    assistance = Assistance(
        subject=folding.subject,
        assistance_id=data["assistance_id"],
        kind=data["kind"],
        requester=folding.agency,
        provider=data["provider"],
        emergency=data["emergency"],
        reason=data["reason"],
        requested_at=folding.at,
        delivery_due_at=data["due_at"],
    )
    folding.put(assistance)
    open_commitment(
        folding,
        "ASSISTANCE_ANSWER",
        assistance.assistance_id,
        assistance.provider,
        folding.state.custodian,
        assistance.kind,
        variant="EMERGENCY" if assistance.emergency else None,
    )


def _answered_guard(folding: CaseFolding) -> Codes:
    data = folding.data
    assistance = folding.find(Assistance, data["assistance_id"])
    if assistance is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != assistance.provider:
        yield "NOT_PROVIDER"
    if assistance.status != "REQUESTED":
        yield "ALREADY_SETTLED"
    if not data["accepted"] and (data["ground"] is None or is_blank(data["reason"])):
        yield "REASON_REQUIRED"


def _answered(folding: CaseFolding) -> None:
    assistance, data = _assistance(folding), folding.data
    fulfil(folding, f"ASSISTANCE_ANSWER:{assistance.assistance_id}:{assistance.provider}")
    if not data["accepted"]:
        refused = replace(assistance, answer_ground=data["ground"], answer_reason=data["reason"])
        folding.put(replace(refused, status="REFUSED", answered_at=folding.at))
        return
    folding.put(replace(assistance, status="ACCEPTED", answered_at=folding.at))
    open_commitment(
        folding,
        "ASSISTANCE_DELIVERY",
        assistance.assistance_id,
        assistance.provider,
        folding.state.custodian,
        assistance.kind,
        due_at=assistance.delivery_due_at,
    )


def _delivered_guard(folding: CaseFolding) -> Codes:
    assistance = folding.find(Assistance, folding.data["assistance_id"])
    if assistance is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != assistance.provider:
        yield "NOT_PROVIDER"
    if not assistance.was_accepted:
        yield "NOT_ACTIVE"
    elif assistance.status != "ACCEPTED":
        yield "ALREADY_SETTLED"


def _delivered(folding: CaseFolding) -> None:
    assistance = _assistance(folding)
    folding.put(replace(assistance, status="DELIVERED", delivered_at=folding.at))
    fulfil(folding, f"ASSISTANCE_DELIVERY:{assistance.assistance_id}:{assistance.provider}")


RULES: Final = {
    "AssistanceRequested": Rule(_requested_guard, _requested, _needs_assistance),
    "AssistanceAnswered": Rule(_answered_guard, _answered, _needs_assistance),
    "AssistanceDelivered": Rule(_delivered_guard, _delivered, _needs_assistance),
}
