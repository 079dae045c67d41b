"""A case: custody, what ends it, merges (events.md §4, case/).

Offers, letters, contacts and assistance are in `case_matters.py`.
"""

import re
from datetime import datetime

from tests.naive import case_matters, commitments, directory
from tests.naive.words import Codes, Event, Record, Rule, State, View

CASE = re.compile(r"case/[A-Za-z0-9._-]{1,80}")
ENDED = ("CLOSED", "REJECTED", "MERGED")


def subject_code(state: State, event: Event) -> str | None:
    """Stage 4."""
    if state is None:
        return None if event["type"] == "CaseReported" else "UNKNOWN_SUBJECT"
    if event["type"] == "CaseReported":
        return "ALREADY_EXISTS"
    if state["status"] not in ENDED:
        return None
    if event["type"] == "CaseReopened" and state["status"] != "MERGED":
        return None
    if event["type"] == "CaseClosed" and event["data"]["scope"] == "LOCAL":
        return None
    if event["type"] in (
        "ContactLogged",
        "ContactAcknowledged",
        "DuplicateSuspected",
        "DataBreachNotified",
        "PersonalDataErased",
    ):
        return None
    return "CASE_NOT_OPEN"


def participants(state: State) -> set[str]:
    """Any that is or was custodian, did something effective or was addressed; SYSTEM apart."""
    found = set()
    for interval in state["custody"]:
        if not directory.is_system(interval["view"], interval["agency"]):
            found.add(interval["agency"])
    for event, view in state["effective"]:
        concerned = {event["agency"]}
        for field in ("to", "provider", "debtor", "with"):
            value = event["data"].get(field)
            if isinstance(value, list):
                concerned.update(value)
            elif value is not None:
                concerned.add(value)
        found.update(one for one in concerned if not directory.is_system(view, one))
    return found


def not_custodian(state: State, event: Event) -> Codes:
    return [] if event["agency"] == state["custodian"] else ["NOT_CUSTODIAN"]


def begin_interval(state: State, event: Event, view: View, agency: str, start: datetime) -> None:
    state["custodian"] = agency
    state["custody"].append(
        {"agency": agency, "from": start, "to": None, "event_id": event["event_id"], "view": view}
    )


def end_interval(state: State, event: Event) -> datetime:
    """End the running one; gives the boundary."""
    running = state["custody"][-1]
    boundary: datetime = max(event["occurred_at"], running["from"])
    running["to"] = boundary
    return boundary


def change_custody(state: State, event: Event, view: View, agency: str, source: str) -> None:
    """The case goes to another agency, and with it the duty to verify."""
    boundary = end_interval(state, event)
    begin_interval(state, event, view, agency, boundary)
    for commitment in list(state["commitments"].values()):
        if commitment["kind"] == "VERIFICATION" and commitment["status"] in commitments.OWED:
            commitments.cancel(state, commitment)
            due_at = directory.due(view, "VERIFICATION", event["occurred_at"])
            creditor = commitment["creditor"]
            commitments.open_one(state, event, "VERIFICATION", source, agency, creditor, due_at)


def end_case(state: State, event: Event, status: str) -> None:
    state["status"] = status
    state["closed_at"] = end_interval(state, event)


def cancel_everything(state: State) -> None:
    """The open transfer and whatever is not settled."""
    for transfer in state["transfers"].values():
        if transfer["status"] == "OPEN":
            transfer["status"] = "CANCELLED"
    for commitment in state["commitments"].values():
        if commitment["status"] in commitments.UNSETTLED:
            commitments.cancel(state, commitment)


def reported(state: State, event: Event, view: View) -> Codes:
    data, agency = event["data"], event["agency"]
    if data["custodian"] is None and not directory.has_role(view, agency, "CUSTODIAN"):
        return ["CUSTODIAN_REQUIRED"]
    custodian = data["custodian"] or agency
    state.update(
        {
            "status": "REPORTED",
            "category": data["category"],
            "urgency": data["urgency"],
            "phase": data["phase"],
            "country": data["country"],
            "trafficking": data["category"] == "TRAFFICKING",
            "opened_at": event["occurred_at"],
            "closed_at": None,
            "custody": [],
            "streak": 0,
            "arbiter": None,
            "consents": set(),
            "locally_closed_by": set(),
            "merge": None,
            "merged_into": None,
            "absorbed": [],
            "transfers": {},
            "letters": {},
            "contacts": {},
            "assistances": {},
        }
    )
    begin_interval(state, event, view, custodian, event["occurred_at"])
    due_at = directory.due(view, "VERIFICATION", event["occurred_at"])
    source = event["subject"].removeprefix("case/")
    commitments.open_one(state, event, "VERIFICATION", source, custodian, agency, due_at)
    return []


def verified(state: State, event: Event, view: View) -> Codes:
    codes = not_custodian(state, event)
    if codes:
        return codes
    for commitment in state["commitments"].values():
        if commitment["kind"] == "VERIFICATION":
            commitments.settle(state, event, commitment["commitment_id"])
    if state["status"] == "REPORTED" and event["data"]["result"] == "VERIFIED":
        state["status"] = "IN_HANDLING"
    elif state["status"] == "REPORTED":
        cancel_everything(state)
        end_case(state, event, "REJECTED")
    return []


def classified(state: State, event: Event, view: View) -> Codes:
    codes, data = not_custodian(state, event), event["data"]
    if not codes:
        state["category"], state["urgency"] = data["category"], data["urgency"]
        state["trafficking"] = data["trafficking"] or data["category"] == "TRAFFICKING"
    return codes


def resolved(state: State, event: Event, view: View) -> Codes:
    codes = not_custodian(state, event)
    if not codes:
        state["status"] = "RESOLVED"
    return codes


def consented(state: State, event: Event, view: View) -> Codes:
    if event["agency"] not in participants(state):
        return ["NOT_PARTICIPANT"]
    state["consents"].add(event["agency"])
    return []


def closed(state: State, event: Event, view: View) -> Codes:
    if event["data"]["scope"] == "LOCAL":
        if event["agency"] not in participants(state):
            return ["NOT_PARTICIPANT"]
        state["locally_closed_by"].add(event["agency"])
        return []
    codes = not_custodian(state, event)
    if state["status"] == "REPORTED" or something_is_open(state):
        codes.append("OPEN_OBLIGATIONS")
    protocol = directory.protocol_at(view, event["occurred_at"])
    if protocol is not None and state["trafficking"]:
        needed = protocol.get("consents", {}).get("TRAFFICKING", [])
        if any(agency not in state["consents"] for agency in needed):
            codes.append("CONSENT_REQUIRED")
    if not codes:
        end_case(state, event, "CLOSED")
    return codes


def something_is_open(state: State) -> bool:
    return (
        any(transfer["status"] == "OPEN" for transfer in state["transfers"].values())
        or any(c["status"] in commitments.OWED for c in state["commitments"].values())
        or any(case_matters.is_open(one) for one in state["assistances"].values())
    )


def reopened(state: State, event: Event, view: View) -> Codes:
    codes = []
    if event["agency"] not in participants(state):
        codes.append("NOT_PARTICIPANT")
    if state["status"] not in ("CLOSED", "REJECTED"):
        codes.append("NOT_ACTIVE")
    if not codes:
        state["status"], state["closed_at"], state["consents"] = "IN_HANDLING", None, set()
        start = max(event["occurred_at"], state["custody"][-1]["to"])
        begin_interval(state, event, view, state["custodian"], start)
    return codes


def merge_proposed(state: State, event: Event, view: View) -> Codes:
    survivor = event["data"]["survivor"]
    if not CASE.fullmatch(survivor) or survivor == event["subject"]:
        return ["NO_SUCH_REFERENCE"]
    codes = not_custodian(state, event)
    if not codes:
        state["merge"] = {"survivor": survivor, "to": event["data"]["to"]}
    return codes


def merge_accepted(state: State, event: Event, view: View) -> Codes:
    codes = merge_answer_codes(state, event)
    if not codes:
        state["merged_into"], state["merge"] = state["merge"]["survivor"], None
        cancel_everything(state)
        end_case(state, event, "MERGED")
    return codes


def merge_refused(state: State, event: Event, view: View) -> Codes:
    codes = merge_answer_codes(state, event)
    if not codes:
        state["merge"] = None
    return codes


def merge_answer_codes(state: State, event: Event) -> Codes:
    merge = state["merge"]
    if merge is None or merge["survivor"] != event["data"]["survivor"]:
        return ["NO_SUCH_REFERENCE"]
    return [] if event["agency"] == merge["to"] else ["NOT_ADDRESSEE"]


def absorbed(state: State, event: Event, view: View) -> Codes:
    other = event["data"]["absorbed"]
    if not CASE.fullmatch(other):
        return ["NO_SUCH_REFERENCE"]
    codes = not_custodian(state, event)
    if not codes and other not in state["absorbed"]:
        state["absorbed"].append(other)
    return codes


def ruled(state: State, event: Event, view: View) -> Codes:
    agency, to, codes = event["agency"], event["data"]["custodian"], []
    if agency != state["arbiter"] and not directory.has_role(view, agency, "COORDINATOR"):
        codes.append("NOT_ARBITER")
    if not directory.has_role(view, to, "CUSTODIAN"):
        codes.append("ROLE_REQUIRED")
    if codes:
        return codes
    for transfer in state["transfers"].values():
        if transfer["status"] == "OPEN":
            case_matters.end_offer(state, event, transfer, "CANCELLED", "CANCELLED")
    if to != state["custodian"]:
        change_custody(state, event, view, to, event["event_id"])
    state["streak"], state["arbiter"] = 0, None
    return []


def decided(state: State, event: Event, view: View) -> Codes:
    codes, data = not_custodian(state, event), event["data"]
    if data["decision_id"] in state["decisions"]:
        codes.append("ALREADY_EXISTS")
    if not codes:
        state["decisions"][data["decision_id"]] = data
    return codes


def erased(state: State, event: Event, view: View) -> Codes:
    if directory.is_system(view, event["agency"]):
        return []
    return not_custodian(state, event)


def by_custodian(state: State, event: Event, view: View) -> Codes:
    return not_custodian(state, event)


def by_any(state: State, event: Event, view: View) -> Codes:
    return []


def transfer_accepted(state: State, event: Event, view: View) -> Codes:
    codes = case_matters.accept_offer(state, event, view)
    if not codes:
        change_custody(state, event, view, event["agency"], event["data"]["transfer_id"])
    return codes


RULES: dict[str, Rule] = {
    **commitments.RULES,
    **case_matters.RULES,
    "CaseReported": reported,
    "CaseVerified": verified,
    "CaseClassified": classified,
    "HearingHeld": by_custodian,
    "CaseResolved": resolved,
    "ClosureConsented": consented,
    "CaseClosed": closed,
    "CaseReopened": reopened,
    "DuplicateSuspected": by_any,
    "MergeProposed": merge_proposed,
    "MergeAccepted": merge_accepted,
    "MergeRefused": merge_refused,
    "CaseAbsorbed": absorbed,
    "TransferAccepted": transfer_accepted,
    "CustodyRuled": ruled,
    "DecisionRecorded": decided,
    "PersonalDataErased": erased,
    "DataBreachNotified": by_any,
}


def document(state: State, view: View, moment: datetime) -> Record:
    offers = [one for one in state["transfers"].values() if one["status"] == "OPEN"]
    return {
        "status": state["status"],
        "custodian": state["custodian"],
        "category": state["category"],
        "urgency": state["urgency"],
        "phase": state["phase"],
        "country": state["country"],
        "trafficking": state["trafficking"],
        "participants": participants(state),
        "custody": [
            {name: one[name] for name in ("agency", "from", "to", "event_id")}
            for one in state["custody"]
        ],
        "open_transfer": case_matters.offer_document(state, offers[0]) if offers else None,
        "escalation_due": state["streak"] >= 2,
        "locally_closed_by": state["locally_closed_by"],
        "merged_into": state["merged_into"],
        "absorbed": state["absorbed"],
        "opened_at": state["opened_at"],
        "closed_at": state["closed_at"],
    }
