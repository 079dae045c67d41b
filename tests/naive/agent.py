"""A placement agent: licence, sanctions, inspections, deposit.

From events.md §4, agent/, and docs/decisions/0024 where it is silent.
"""

from datetime import datetime
from decimal import Decimal

from tests.naive import directory
from tests.naive.words import Codes, Event, Record, Rule, State, View


def subject_code(state: State, event: Event) -> str | None:
    """Stage 4."""
    if event["type"] == "AgentRegistered":
        return None if state is None else "ALREADY_EXISTS"
    return "UNKNOWN_SUBJECT" if state is None else None


def without_role(view: View, event: Event, *roles: str) -> Codes:
    if any(directory.has_role(view, event["agency"], role) for role in roles):
        return []
    return ["ROLE_REQUIRED"]


def registered(state: State, event: Event, view: View) -> Codes:
    codes = without_role(view, event, "REGULATOR")
    if not codes:
        for field in ("name", "licence", "valid_to", "deposit"):
            state[field] = event["data"][field]
        state["sanctions"], state["inspections"], state["draws"] = [], [], []
        state["zone"] = directory.zone_at(view, event["occurred_at"])
    return codes


def inspected(state: State, event: Event, view: View) -> Codes:
    codes, data = without_role(view, event, "INSPECTOR", "REGULATOR"), event["data"]
    if not codes:
        inspection = {"agency": event["agency"], "inspected_at": event["occurred_at"]}
        for field in ("severity", "findings", "case"):
            inspection[field] = data[field]
        state["inspections"].append(inspection)
    return codes


def sanctioned(state: State, event: Event, view: View) -> Codes:
    codes = without_role(view, event, "REGULATOR")
    if not codes:
        sanction = {"decided_at": event["occurred_at"], "lifted_at": None}
        for field in ("level", "ground", "from_date", "to_date"):
            sanction[field] = event["data"][field]
        state["sanctions"].append(sanction)
    return codes


def lifted(state: State, event: Event, view: View) -> Codes:
    codes = without_role(view, event, "REGULATOR")
    if not codes:
        for sanction in state["sanctions"]:
            if sanction["level"] == "SUSPENSION" and sanction["lifted_at"] is None:
                sanction["lifted_at"] = event["occurred_at"]
    return codes


def renewed(state: State, event: Event, view: View) -> Codes:
    codes = without_role(view, event, "REGULATOR")
    if not codes:
        state["licence"] = event["data"]["licence"]
        state["valid_to"] = event["data"]["valid_to"]
    return codes


def draw_proposed(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], without_role(view, event, "CUSTODIAN")
    if not codes:
        draw = {"agency": event["agency"], "proposed_at": event["occurred_at"]}
        for field in ("draw_id", "amount", "case", "reason"):
            draw[field] = data[field]
        pending = {"status": "PROPOSED", "decided_amount": None, "decided_at": None}
        state["draws"].append({**draw, **pending})
    return codes


def draw_decided(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], without_role(view, event, "REGULATOR")
    if codes:
        return codes
    for draw in state["draws"]:
        if draw["status"] == "PROPOSED" and draw["draw_id"] == data["draw_id"]:
            draw["status"] = "APPROVED" if data["approved"] else "REFUSED"
            draw["decided_amount"], draw["decided_at"] = data["amount"], event["occurred_at"]
            break
    return []


RULES: dict[str, Rule] = {
    "AgentRegistered": registered,
    "AgentInspected": inspected,
    "SanctionDecided": sanctioned,
    "SanctionLifted": lifted,
    "LicenceRenewed": renewed,
    "DepositDrawProposed": draw_proposed,
    "DepositDrawDecided": draw_decided,
}


def status_at(state: State, moment: datetime) -> str:
    today = moment.astimezone(state["zone"]).date()
    begun = [one for one in state["sanctions"] if one["from_date"] <= today]
    if any(one["level"] == "REVOCATION" for one in begun):
        return "REVOKED"
    for one in begun:
        is_over = one["to_date"] is not None and today > one["to_date"]
        is_lifted = one["lifted_at"] is not None and moment >= one["lifted_at"]
        if one["level"] == "SUSPENSION" and not is_over and not is_lifted:
            return "SUSPENDED"
    return "EXPIRED" if today > state["valid_to"] else "ACTIVE"


def document(state: State, view: View, moment: datetime) -> Record:
    drawn = [one["decided_amount"] for one in state["draws"] if one["status"] == "APPROVED"]
    return {
        "status": status_at(state, moment),
        "name": state["name"],
        "licence": state["licence"],
        "valid_to": state["valid_to"],
        "deposit": state["deposit"],
        "deposit_drawn": sum(drawn, Decimal(0)),
        "sanctions": state["sanctions"],
        "inspections": state["inspections"],
        "deposit_draws": state["draws"],
    }
