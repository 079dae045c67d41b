"""Rules of fines under an agreement, and of the fund that they fill.

Pure (events.md §4, `agreement/`). What is owed for a fine is its FINE_PAYMENT commitment: cancelled
while the fine is contested, opened again under the same id where it is upheld.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from projections.folds.agreement_state import (
    AgreementFolding,
    only_secretariat,
    status_at,
)
from projections.folds.folding import Codes, Needs, Rule, nothing_needed
from projections.folds.obligations import cancel, fulfil, open_commitment
from projections.folds.rows import Commitment, Fine
from runut.event import Event


def _needs_fine(event: Event) -> Needs:
    fine_id = event.data["fine_id"]
    return Needs(((Fine, fine_id),), (fine_id,))


def _fine(folding: AgreementFolding) -> Fine:
    return folding.get(Fine, folding.data["fine_id"])


def payment_owed(fine: Fine) -> str:
    """Id of the commitment to pay a fine."""
    return f"FINE_PAYMENT:{fine.fine_id}:{fine.debtor}"


def _imposed_guard(folding: AgreementFolding) -> Codes:
    yield from only_secretariat(folding)
    state, data = folding.state, folding.data
    if folding.find(Fine, data["fine_id"]) is not None:
        yield "ALREADY_EXISTS"
    if status_at(state, folding.at) != "ACTIVE":
        yield "NOT_ACTIVE"
    if data["debtor"] not in state.parties:
        yield "NOT_PARTY"
    if (data["clause_id"], data["amount"]) not in {(s.clause_id, s.amount) for s in state.schedule}:
        yield "AMOUNT_MISMATCH"


def _imposed(folding: AgreementFolding) -> None:
    data = folding.data
    fine = Fine(
        subject=folding.subject,
        fine_id=data["fine_id"],
        debtor=data["debtor"],
        clause_id=data["clause_id"],
        cause=data["cause"],
        amount=data["amount"],
        currency=folding.state.currency or "",
        imposed_at=folding.at,
    )
    folding.put(fine)
    open_commitment(
        folding,
        "FINE_PAYMENT",
        fine.fine_id,
        fine.debtor,
        folding.state.secretariat,
        fine.clause_id,
        due_at=data["due_at"],
    )


def _contested_guard(folding: AgreementFolding) -> Codes:
    fine = folding.find(Fine, folding.data["fine_id"])
    if fine is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != fine.debtor:
        yield "NOT_DEBTOR"
    if fine.status != "IMPOSED":
        yield "ALREADY_SETTLED"


def _contested(folding: AgreementFolding) -> None:
    fine = replace(_fine(folding), status="CONTESTED", was_contested=True)
    folding.put(fine)
    cancel(folding, folding.get(Commitment, payment_owed(fine)))


def _decided_guard(folding: AgreementFolding) -> Codes:
    fine = folding.find(Fine, folding.data["fine_id"])
    if fine is None:
        yield "NO_SUCH_REFERENCE"
        return
    yield from only_secretariat(folding)
    if fine.status != "CONTESTED":
        yield "NOT_ACTIVE"


def _decided(folding: AgreementFolding) -> None:
    fine = _fine(folding)
    if folding.data["decision"] == "WAIVED":
        folding.put(replace(fine, status="WAIVED", settled_at=folding.at))
        return
    folding.put(replace(fine, status="UPHELD"))
    before = folding.get(Commitment, payment_owed(fine))
    secretariat = folding.state.secretariat
    # Under the id it had, the limit counted from this decision; a breach before it stays true.
    again = open_commitment(
        folding, "FINE_PAYMENT", fine.fine_id, fine.debtor, secretariat, fine.clause_id
    )
    folding.put(
        replace(
            again,
            breached_at=before.breached_at,
            breached_due_at=before.breached_due_at,
            breached_before=before.breached_before,
        )
    )


def _paid_guard(folding: AgreementFolding) -> Codes:
    fine = folding.find(Fine, folding.data["fine_id"])
    if fine is None:
        yield "NO_SUCH_REFERENCE"
        return
    if folding.agency != fine.debtor:
        yield "NOT_DEBTOR"
    if fine.status == "CONTESTED":
        yield "NOT_ACTIVE"
    elif fine.status in {"PAID", "WAIVED"}:
        yield "ALREADY_SETTLED"
    if folding.data["amount"] != fine.amount:
        yield "AMOUNT_MISMATCH"


def _paid(folding: AgreementFolding) -> None:
    fine = replace(_fine(folding), status="PAID", settled_at=folding.at)
    folding.put(fine)
    folding.state.fund_balance += fine.amount
    fulfil(folding, payment_owed(fine))


def _disbursed_guard(folding: AgreementFolding) -> Codes:
    yield from only_secretariat(folding)
    amount = folding.data["amount"]
    if amount <= 0:
        yield "AMOUNT_MISMATCH"
    if amount > folding.state.fund_balance:
        yield "INSUFFICIENT_FUND"


def _disbursed(folding: AgreementFolding) -> None:
    folding.state.fund_balance -= folding.data["amount"]


RULES: Final[dict[str, Rule]] = {
    "FineImposed": Rule(_imposed_guard, _imposed, _needs_fine),
    "FineContested": Rule(_contested_guard, _contested, _needs_fine),
    "FineDecided": Rule(_decided_guard, _decided, _needs_fine),
    "FinePaid": Rule(_paid_guard, _paid, _needs_fine),
    "FundDisbursed": Rule(_disbursed_guard, _disbursed, nothing_needed),
}
