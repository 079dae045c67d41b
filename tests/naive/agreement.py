"""An agreement: signatures, clauses that come round again, fines and the fund they go to.

From events.md §4, agreement/, §5, and docs/decisions/0024 where they are silent. ENDED past
valid_to is never stored: it is asked for.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.naive import commitments, directory
from tests.naive.words import Codes, Event, Record, Rule, State, View


def subject_code(state: State, event: Event) -> str | None:
    """Stage 4."""
    if event["type"] == "AgreementProposed":
        return None if state is None else "ALREADY_EXISTS"
    return "UNKNOWN_SUBJECT" if state is None else None


def status_at(state: State, moment: datetime) -> str:
    if state["valid_to"] is not None and local_date(state, moment) > state["valid_to"]:
        return "ENDED"
    return str(state["status"])


def local_date(state: State, moment: datetime) -> date:
    return moment.astimezone(state["zone"]).date()


def proposed(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    if event["agency"] not in data["parties"]:
        codes.append("NOT_PARTY")
    amounts = [entry["amount"] for entry in data["fines"]]
    currencies = {entry["currency"] for entry in data["fines"]}
    if any(amount <= 0 for amount in amounts) or len(currencies) > 1:
        codes.append("AMOUNT_MISMATCH")
    if codes:
        return codes
    for field in ("title", "secretariat", "clauses", "fund", "valid_to"):
        state[field] = data[field]
    state["parties"], state["schedule"] = set(data["parties"]), data["fines"]
    state["currency"] = currencies.pop() if currencies else None
    state["status"], state["signed"] = "PROPOSED", set()
    state["fines"], state["fund_balance"] = {}, Decimal("0.00")
    state["last_signature"] = None
    state["zone"] = directory.zone_at(view, event["occurred_at"])
    return []


def signed(state: State, event: Event, view: View) -> Codes:
    agency, codes = event["agency"], []
    if agency not in state["parties"]:
        codes.append("NOT_PARTY")
    if agency in state["signed"]:
        codes.append("ALREADY_SETTLED")
    if codes:
        return codes
    state["signed"].add(agency)
    is_over = status_at(state, event["occurred_at"]) == "ENDED"
    if state["signed"] == state["parties"] and not is_over:
        state["status"] = "ACTIVE"
        state["last_signature"] = local_date(state, event["occurred_at"])
        for clause in state["clauses"]:
            if clause["every_days"] is not None:
                open_period(state, event, clause, 1)
    return []


def open_period(state: State, event: Event, clause: Record, n: int) -> None:
    source = f"{clause['clause_id']}#{n}"
    if f"CLAUSE:{source}:{clause['debtor']}" in state["commitments"]:
        return
    try:
        day = state["last_signature"] + timedelta(days=n * clause["every_days"])
        due_at = directory.end_of_day(day, state["zone"])
    except OverflowError:
        due_at = None  # no day of any calendar
    commitment = commitments.open_one(
        state, event, "CLAUSE", source, clause["debtor"], state["secretariat"], due_at
    )
    commitment["what"] = clause["text"]


def open_next_period(state: State, event: Event) -> None:
    """After a period of a clause was fulfilled or cancelled."""
    done = state["commitments"][event["data"]["commitment_id"]]
    if done["kind"] != "CLAUSE" or done["status"] not in ("FULFILLED", "CANCELLED"):
        return
    if status_at(state, event["occurred_at"]) == "ENDED":
        return
    clause_id, _, n = done["source"].rpartition("#")
    for clause in state["clauses"]:
        is_its = clause["clause_id"] == clause_id and clause["debtor"] == done["debtor"]
        if is_its and clause["every_days"] is not None:
            open_period(state, event, clause, int(n) + 1)


def reviewed(state: State, event: Event, view: View) -> Codes:
    codes = commitments.reviewed(state, event, view)
    if not codes:
        open_next_period(state, event)
    return codes


def commitment_cancelled(state: State, event: Event, view: View) -> Codes:
    codes = commitments.cancelled(state, event, view)
    if not codes:
        open_next_period(state, event)
    return codes


def not_secretariat(state: State, event: Event) -> Codes:
    return [] if event["agency"] == state["secretariat"] else ["NOT_SECRETARIAT"]


def ended(state: State, event: Event, view: View) -> Codes:
    codes = not_secretariat(state, event)
    if not codes:
        state["status"] = "ENDED"
        for one in state["commitments"].values():
            if one["kind"] == "CLAUSE" and one["status"] in commitments.UNSETTLED:
                commitments.cancel(state, one)
    return codes


def fine_imposed(state: State, event: Event, view: View) -> Codes:
    data = event["data"]
    amounts = [one["amount"] for one in state["schedule"] if one["clause_id"] == data["clause_id"]]
    codes = not_secretariat(state, event)
    if status_at(state, event["occurred_at"]) != "ACTIVE":
        codes.append("NOT_ACTIVE")
    if data["debtor"] not in state["parties"]:
        codes.append("NOT_PARTY")
    if data["fine_id"] in state["fines"]:
        codes.append("ALREADY_EXISTS")
    if data["amount"] not in amounts:
        codes.append("AMOUNT_MISMATCH")
    if codes:
        return codes
    fine = {"imposed_at": event["occurred_at"], "status": "IMPOSED"}
    for field in ("fine_id", "debtor", "clause_id", "cause", "amount"):
        fine[field] = data[field]
    state["fines"][data["fine_id"]] = fine
    open_payment(state, event, view, fine, data["due_at"])
    return []


def open_payment(
    state: State, event: Event, view: View, fine: Record, due_at: datetime | None
) -> None:
    if due_at is None:
        due_at = directory.due(view, "FINE_PAYMENT", event["occurred_at"])
    debtor, creditor = fine["debtor"], state["secretariat"]
    commitments.open_one(state, event, "FINE_PAYMENT", fine["fine_id"], debtor, creditor, due_at)


def payment_of(state: State, fine: Record) -> Record:
    return state["commitments"][f"FINE_PAYMENT:{fine['fine_id']}:{fine['debtor']}"]


def fine_contested(state: State, event: Event, view: View) -> Codes:
    fine, codes = state["fines"].get(event["data"]["fine_id"]), []
    if fine is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != fine["debtor"]:
        codes.append("NOT_DEBTOR")
    if fine["status"] != "IMPOSED":
        codes.append("ALREADY_SETTLED")
    if not codes:
        fine["status"] = "CONTESTED"
        commitments.cancel(state, payment_of(state, fine))
    return codes


def fine_decided(state: State, event: Event, view: View) -> Codes:
    fine = state["fines"].get(event["data"]["fine_id"])
    if fine is None:
        return ["NO_SUCH_REFERENCE"]
    codes = not_secretariat(state, event)
    if fine["status"] != "CONTESTED":
        codes.append("NOT_ACTIVE")
    if not codes:
        fine["status"] = event["data"]["decision"]
        if fine["status"] == "UPHELD":
            open_payment(state, event, view, fine, None)
    return codes


def fine_paid(state: State, event: Event, view: View) -> Codes:
    fine, codes = state["fines"].get(event["data"]["fine_id"]), []
    if fine is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != fine["debtor"]:
        codes.append("NOT_DEBTOR")
    if fine["status"] == "CONTESTED":
        codes.append("NOT_ACTIVE")
    if fine["status"] in ("PAID", "WAIVED"):
        codes.append("ALREADY_SETTLED")
    if event["data"]["amount"] != fine["amount"]:
        codes.append("AMOUNT_MISMATCH")
    if not codes:
        fine["status"] = "PAID"
        state["fund_balance"] += fine["amount"]
        commitments.settle(state, event, payment_of(state, fine)["commitment_id"])
    return codes


def fund_disbursed(state: State, event: Event, view: View) -> Codes:
    codes, amount = not_secretariat(state, event), event["data"]["amount"]
    if amount <= 0:
        codes.append("AMOUNT_MISMATCH")
    if amount > state["fund_balance"]:
        codes.append("INSUFFICIENT_FUND")
    if not codes:
        state["fund_balance"] -= amount
    return codes


RULES: dict[str, Rule] = {
    **commitments.RULES,
    "FulfilmentReviewed": reviewed,
    "CommitmentCancelled": commitment_cancelled,
    "AgreementProposed": proposed,
    "AgreementSigned": signed,
    "AgreementEnded": ended,
    "FineImposed": fine_imposed,
    "FineContested": fine_contested,
    "FineDecided": fine_decided,
    "FinePaid": fine_paid,
    "FundDisbursed": fund_disbursed,
}

SHOWN = ("title", "parties", "secretariat", "signed", "clauses", "fund", "fund_balance")


def document(state: State, view: View, moment: datetime) -> Record:
    fines = []
    for fine in sorted(state["fines"].values(), key=lambda one: one["fine_id"]):
        due_at = payment_of(state, fine)["due_at"]
        fines.append({**fine, "currency": state["currency"], "due_at": due_at})
    return {
        "status": status_at(state, moment),
        **{field: state[field] for field in SHOWN},
        "fines": fines,
        "currency": state["currency"],
        "valid_to": state["valid_to"],
    }
