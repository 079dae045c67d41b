"""Commitments: how they open and end, and the events about them (events.md §4 and §5).

A commitment is a dict in state["commitments"], by its id. A rule takes (state, event, view) and
gives the codes that forbid the event; if there are none it has changed the state.
"""

from datetime import datetime

from tests.naive import directory
from tests.naive.words import Codes, Event, Record, Rule, State, View

OWED = ("OPEN", "REPORTED")
UNSETTLED = ("PROPOSED", "OPEN", "REPORTED")
ANSWERABLE = ("PROMISE", "CLAUSE")
CANCELLABLE = ("PROMISE", "CLAUSE", "LETTER_REPLY", "ASSISTANCE_ANSWER", "ASSISTANCE_DELIVERY")


def is_blank(text: str | None) -> bool:
    return text is None or not text.strip()


def open_one(
    state: State,
    event: Event,
    kind: str,
    source: str,
    debtor: str,
    creditor: str,
    due_at: datetime | None,
) -> Record:
    """Open a commitment that nobody wrote down; gives it."""
    commitment_id = f"{kind}:{source}:{debtor}"
    return put(state, event, commitment_id, kind, source, debtor, creditor, due_at, "OPEN")


def put(
    state: State,
    event: Event,
    commitment_id: str,
    kind: str,
    source: str,
    debtor: str,
    creditor: str,
    due_at: datetime | None,
    status: str,
) -> Record:
    before = state["commitments"].get(commitment_id, {})
    state["commitments"][commitment_id] = {
        "commitment_id": commitment_id,
        "subject": event["subject"],
        "kind": kind,
        "source": source,
        "debtor": debtor,
        "creditor": creditor,
        "what": None,
        "due_at": due_at,
        "status": status,
        "reported_at": None,
        "fulfilled_at": None,
        "breached_at": before.get("breached_at"),
        "breached_for": before.get("breached_for", []),
        "source_event": event["event_id"],
    }
    return state["commitments"][commitment_id]


def settle(state: State, event: Event, commitment_id: str, status: str = "FULFILLED") -> None:
    """What was owed is owed no more."""
    commitment = state["commitments"].get(commitment_id)
    if commitment is not None and commitment["status"] in OWED:
        commitment["status"] = status
        if status == "FULFILLED":
            commitment["fulfilled_at"] = event["occurred_at"]


def cancel(state: State, commitment: Record) -> None:
    commitment["status"] = "CANCELLED"
    if commitment["kind"] in ("ASSISTANCE_ANSWER", "ASSISTANCE_DELIVERY"):
        state["assistances"][commitment["source"]]["ended"] = True


def is_late(commitment: Record) -> bool:
    fulfilled_at, due_at = commitment["fulfilled_at"], commitment["due_at"]
    return fulfilled_at is not None and due_at is not None and fulfilled_at > due_at


def is_overdue(commitment: Record, moment: datetime) -> bool:
    due_at = commitment["due_at"]
    return commitment["status"] in OWED and due_at is not None and due_at < moment


def counts(state: State, moment: datetime) -> dict[str, int]:
    all_of_them = list(state["commitments"].values())
    return {
        "open": len([c for c in all_of_them if c["status"] in OWED]),
        "overdue": len([c for c in all_of_them if is_overdue(c, moment)]),
        "fulfilled": len([c for c in all_of_them if c["status"] == "FULFILLED"]),
        "fulfilled_late": len([c for c in all_of_them if is_late(c)]),
        "breached": len([c for c in all_of_them if c["breached_at"] is not None]),
        "cancelled": len([c for c in all_of_them if c["status"] == "CANCELLED"]),
    }


def named(state: State, event: Event, kinds: tuple[str, ...] | None = None) -> Record:
    commitment = state["commitments"].get(event["data"]["commitment_id"])
    if commitment is None or (kinds is not None and commitment["kind"] not in kinds):
        return None
    return commitment


def made(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    debtor, creditor = data["debtor"], data["creditor"]
    from_decision = False
    if data["source_kind"] == "DECISION":
        decision = state["decisions"].get(data["source_ref"])
        from_decision = decision is not None and debtor in decision["adopters"]
    if event["agency"] not in (debtor, creditor) and not from_decision:
        codes.append("NOT_PARTY")
    if data["commitment_id"] in state["commitments"]:
        codes.append("ALREADY_EXISTS")
    if codes:
        return codes
    is_open = event["agency"] == debtor or from_decision
    status, ident = "OPEN" if is_open else "PROPOSED", data["commitment_id"]
    promise = put(state, event, ident, "PROMISE", ident, debtor, creditor, data["due_at"], status)
    promise["what"] = data["what"]
    return []


def answered(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    commitment = named(state, event, ANSWERABLE)
    if commitment is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != commitment["debtor"]:
        codes.append("NOT_DEBTOR")
    if commitment["status"] != "PROPOSED":
        codes.append("ALREADY_SETTLED")
    if not data["accepts"] and is_blank(data["reason"]):
        codes.append("REASON_REQUIRED")
    if not codes:
        commitment["status"] = "OPEN" if data["accepts"] else "DECLINED"
    return codes


def reported(state: State, event: Event, view: View) -> Codes:
    codes = []
    commitment = named(state, event, ANSWERABLE)
    if commitment is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != commitment["debtor"]:
        codes.append("NOT_DEBTOR")
    if commitment["status"] == "PROPOSED":
        codes.append("NOT_ACTIVE")
    elif commitment["status"] != "OPEN":
        codes.append("ALREADY_SETTLED")
    if not codes:
        commitment["status"] = "REPORTED"
        commitment["reported_at"] = event["occurred_at"]
    return codes


def reviewed(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    commitment = named(state, event, ANSWERABLE)
    if commitment is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != commitment["creditor"]:
        codes.append("NOT_CREDITOR")
    if commitment["status"] != "REPORTED":
        codes.append("NOT_REPORTED")
    if not data["accepted"] and is_blank(data["reason"]):
        codes.append("REASON_REQUIRED")
    if codes:
        return codes
    if data["accepted"]:
        commitment["status"] = "FULFILLED"
        commitment["fulfilled_at"] = commitment["reported_at"]
    else:
        commitment["status"] = "OPEN"
    return []


def extended(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    commitment = named(state, event)
    if commitment is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != commitment["creditor"]:
        codes.append("NOT_CREDITOR")
    if commitment["status"] not in UNSETTLED:
        codes.append("ALREADY_SETTLED")
    due_at = commitment["due_at"]
    if due_at is not None and (event["occurred_at"] > due_at or data["new_due_at"] <= due_at):
        codes.append("TOO_LATE")
    if not codes:
        commitment["due_at"] = data["new_due_at"]
    return codes


def cancelled(state: State, event: Event, view: View) -> Codes:
    codes = []
    commitment = named(state, event, CANCELLABLE)
    if commitment is None:
        return ["NO_SUCH_REFERENCE"]
    agency = event["agency"]
    may = agency == commitment["creditor"]
    if event["subject"].startswith("case/"):
        may = may or (agency == state["custodian"] and agency != commitment["debtor"])
    if not may:
        codes.append("NOT_CREDITOR")
    if commitment["status"] not in UNSETTLED:
        codes.append("ALREADY_SETTLED")
    if not codes:
        cancel(state, commitment)
    return codes


def breached(state: State, event: Event, view: View) -> Codes:
    claimed, codes = event["data"]["due_at"], []
    commitment = named(state, event)
    if commitment is None:
        return ["NO_SUCH_REFERENCE"]
    if not directory.is_system(view, event["agency"]):
        codes.append("ROLE_REQUIRED")
    if commitment["status"] not in OWED or claimed in commitment["breached_for"]:
        codes.append("ALREADY_SETTLED")
    due_at = commitment["due_at"]
    if (
        due_at is None
        or claimed != due_at
        or event["occurred_at"] <= due_at
        or event["recorded_at"] <= due_at
    ):
        codes.append("NOT_ACTIVE")
    if not codes:
        if commitment["breached_at"] is None:
            commitment["breached_at"] = event["occurred_at"]
        commitment["breached_for"] = [*commitment["breached_for"], due_at]
    return codes


def escalated(state: State, event: Event, view: View) -> Codes:
    if named(state, event) is None:
        return ["NO_SUCH_REFERENCE"]
    return [] if directory.is_system(view, event["agency"]) else ["ROLE_REQUIRED"]


RULES: dict[str, Rule] = {
    "CommitmentMade": made,
    "CommitmentAnswered": answered,
    "FulfilmentReported": reported,
    "FulfilmentReviewed": reviewed,
    "ExtensionGranted": extended,
    "CommitmentCancelled": cancelled,
    "CommitmentBreached": breached,
    "EscalationRaised": escalated,
}
