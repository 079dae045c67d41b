"""What happens on a case beside its custody: offers, letters, contacts, assistance, data."""

from tests.naive import commitments, directory
from tests.naive.words import Codes, Event, Record, Rule, State, View


def answer_of(transfer: Record) -> str:
    return f"TRANSFER_ANSWER:{transfer['transfer_id']}:{transfer['to']}"


def end_offer(state: State, event: Event, transfer: Record, status: str, answer: str) -> None:
    """An offer ends, and with it the answer owed: FULFILLED, CANCELLED or LAPSED."""
    transfer["status"] = status
    commitments.settle(state, event, answer_of(transfer), answer)


def offer_document(state: State, transfer: Record) -> Record:
    answer = state["commitments"][answer_of(transfer)]
    return {
        "transfer_id": transfer["transfer_id"],
        "to": transfer["to"],
        "due_at": answer["due_at"],
    }


def offered(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    if event["agency"] != state["custodian"]:
        codes.append("NOT_CUSTODIAN")
    if any(transfer["status"] == "OPEN" for transfer in state["transfers"].values()):
        codes.append("TRANSFER_PENDING")
    if data["to"] == state["custodian"]:
        codes.append("TRANSFER_TO_SELF")
    if not directory.has_role(view, data["to"], "CUSTODIAN"):
        codes.append("ROLE_REQUIRED")
    if data["transfer_id"] in state["transfers"]:
        codes.append("ALREADY_EXISTS")
    if codes:
        return codes
    ident, to = data["transfer_id"], data["to"]
    state["transfers"][ident] = {"transfer_id": ident, "to": to, "status": "OPEN"}
    due_at = data["answer_due_at"]
    if due_at is None:
        due_at = directory.due(view, "TRANSFER_ANSWER", event["occurred_at"])
    commitments.open_one(state, event, "TRANSFER_ANSWER", ident, to, state["custodian"], due_at)
    return []


def offer_codes(transfer: Record, agency_code: str | None) -> Codes:
    """What forbids to answer an offer."""
    codes = [agency_code] if agency_code else []
    if transfer["status"] != "OPEN":
        codes.append("ALREADY_SETTLED")
    return codes


def named_offer(state: State, event: Event) -> Record:
    return state["transfers"].get(event["data"]["transfer_id"])


def unless(condition: bool, code: str) -> str | None:
    return None if condition else code


def accept_offer(state: State, event: Event, view: View) -> Codes:
    transfer = named_offer(state, event)
    if transfer is None:
        return ["NO_SUCH_REFERENCE"]
    codes = offer_codes(transfer, unless(event["agency"] == transfer["to"], "NOT_ADDRESSEE"))
    if not codes:
        end_offer(state, event, transfer, "ACCEPTED", "FULFILLED")
        state["streak"] = 0
    return codes


def refuse_offer(state: State, event: Event, view: View) -> Codes:
    transfer = named_offer(state, event)
    if transfer is None:
        return ["NO_SUCH_REFERENCE"]
    codes = offer_codes(transfer, unless(event["agency"] == transfer["to"], "NOT_ADDRESSEE"))
    if commitments.is_blank(event["data"]["reason"]):
        codes.append("REASON_REQUIRED")
    if not codes:
        end_offer(state, event, transfer, "REFUSED", "FULFILLED")
        state["streak"] += 1
    return codes


def withdraw_offer(state: State, event: Event, view: View) -> Codes:
    transfer = named_offer(state, event)
    if transfer is None:
        return ["NO_SUCH_REFERENCE"]
    codes = offer_codes(transfer, unless(event["agency"] == state["custodian"], "NOT_CUSTODIAN"))
    if not codes:
        end_offer(state, event, transfer, "WITHDRAWN", "CANCELLED")
    return codes


def lapse_offer(state: State, event: Event, view: View) -> Codes:
    transfer = named_offer(state, event)
    if transfer is None:
        return ["NO_SUCH_REFERENCE"]
    is_system = directory.is_system(view, event["agency"])
    codes = offer_codes(transfer, unless(is_system, "ROLE_REQUIRED"))
    due_at = state["commitments"][answer_of(transfer)]["due_at"]
    if due_at is None or event["occurred_at"] <= due_at:
        codes.append("NOT_ACTIVE")
    if not codes:
        end_offer(state, event, transfer, "LAPSED", "LAPSED")
        state["streak"] += 1
    return codes


def escalate_offer(state: State, event: Event, view: View) -> Codes:
    transfer, arbiter = named_offer(state, event), event["data"]["arbiter"]
    if transfer is None:
        return ["NO_SUCH_REFERENCE"]
    parties, codes = (state["custodian"], transfer["to"]), []
    if event["agency"] in parties:
        if arbiter in parties:
            codes.append("NOT_ARBITER")
    elif not directory.is_system(view, event["agency"]):
        codes.append("NOT_PARTY")
    if not codes:
        state["arbiter"] = arbiter
    return codes


def letter_sent(state: State, event: Event, view: View) -> Codes:
    data = event["data"]
    if data["letter_id"] in state["letters"]:
        return ["ALREADY_EXISTS"]
    letter = {"sender": event["agency"], "to": data["to"], "settled_by": set()}
    state["letters"][data["letter_id"]] = letter
    if data["reply_expected"]:
        due_at = data["reply_due_at"]
        if due_at is None:
            due_at = directory.due(view, "LETTER_REPLY", event["occurred_at"], data["urgency"])
        for to in set(data["to"]):
            commitments.open_one(
                state, event, "LETTER_REPLY", data["letter_id"], to, event["agency"], due_at
            )
    return []


def letter_by_addressee(state: State, event: Event, view: View) -> Codes:
    letter = state["letters"].get(event["data"]["letter_id"])
    if letter is None:
        return ["NO_SUCH_REFERENCE"]
    return [] if event["agency"] in letter["to"] else ["NOT_ADDRESSEE"]


def letter_answered(state: State, event: Event, view: View) -> Codes:
    data, agency = event["data"], event["agency"]
    codes = letter_by_addressee(state, event, view)
    if codes == ["NO_SUCH_REFERENCE"]:
        return codes
    letter = state["letters"][data["letter_id"]]
    if agency in letter["settled_by"]:
        codes.append("ALREADY_SETTLED")
    if data["answer"] == "DECLINED" and commitments.is_blank(data["reason"]):
        codes.append("REASON_REQUIRED")
    if not codes and data["answer"] in ("COMPLETE", "DECLINED"):
        letter["settled_by"].add(agency)
        commitments.settle(state, event, f"LETTER_REPLY:{data['letter_id']}:{agency}")
    return codes


def letter_reminded(state: State, event: Event, view: View) -> Codes:
    letter = state["letters"].get(event["data"]["letter_id"])
    if letter is None:
        return ["NO_SUCH_REFERENCE"]
    return [] if event["agency"] == letter["sender"] else ["NOT_SENDER"]


def contact_logged(state: State, event: Event, view: View) -> Codes:
    data = event["data"]
    if data["contact_id"] in state["contacts"]:
        return ["ALREADY_EXISTS"]
    state["contacts"][data["contact_id"]] = data["with"]
    return []


def contact_acknowledged(state: State, event: Event, view: View) -> Codes:
    partners = state["contacts"].get(event["data"]["contact_id"])
    if partners is None:
        return ["NO_SUCH_REFERENCE"]
    return [] if event["agency"] in partners else ["NOT_ADDRESSEE"]


def is_open(assistance: Record) -> bool:
    """Asked for or under way."""
    if assistance["ended"] or assistance["delivered"]:
        return False
    return not assistance["answered"] or assistance["accepted"]


def assistance_requested(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    if event["agency"] != state["custodian"]:
        codes.append("NOT_CUSTODIAN")
    if data["assistance_id"] in state["assistances"]:
        codes.append("ALREADY_EXISTS")
    if codes:
        return codes
    ident, provider = data["assistance_id"], data["provider"]
    state["assistances"][ident] = {
        "provider": provider,
        "due_at": data["due_at"],
        "answered": False,
        "accepted": False,
        "delivered": False,
        "ended": False,
    }
    limit = "ASSISTANCE_ANSWER_EMERGENCY" if data["emergency"] else "ASSISTANCE_ANSWER"
    due_at, creditor = directory.due(view, limit, event["occurred_at"]), state["custodian"]
    commitments.open_one(state, event, "ASSISTANCE_ANSWER", ident, provider, creditor, due_at)
    return []


def assistance_answered(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    ident = data["assistance_id"]
    assistance = state["assistances"].get(ident)
    if assistance is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != assistance["provider"]:
        codes.append("NOT_PROVIDER")
    if assistance["answered"] or assistance["ended"]:
        codes.append("ALREADY_SETTLED")
    if not data["accepted"] and (data["ground"] is None or commitments.is_blank(data["reason"])):
        codes.append("REASON_REQUIRED")
    if codes:
        return codes
    assistance["answered"], assistance["accepted"] = True, data["accepted"]
    commitments.settle(state, event, f"ASSISTANCE_ANSWER:{ident}:{event['agency']}")
    if data["accepted"]:
        due_at = assistance["due_at"]
        if due_at is None:
            due_at = directory.due(view, "ASSISTANCE_DELIVERY", event["occurred_at"])
        debtor, creditor = event["agency"], state["custodian"]
        commitments.open_one(state, event, "ASSISTANCE_DELIVERY", ident, debtor, creditor, due_at)
    return []


def assistance_delivered(state: State, event: Event, view: View) -> Codes:
    codes, ident = [], event["data"]["assistance_id"]
    assistance = state["assistances"].get(ident)
    if assistance is None:
        return ["NO_SUCH_REFERENCE"]
    if event["agency"] != assistance["provider"]:
        codes.append("NOT_PROVIDER")
    if not assistance["accepted"]:
        codes.append("NOT_ACTIVE")
    elif not is_open(assistance):
        codes.append("ALREADY_SETTLED")
    if not codes:
        assistance["delivered"] = True
        commitments.settle(state, event, f"ASSISTANCE_DELIVERY:{ident}:{event['agency']}")
    return codes


def data_shared(state: State, event: Event, view: View) -> Codes:
    data = event["data"]
    if commitments.is_blank(data["lawful_basis"]) and commitments.is_blank(data["agreement"]):
        return ["BASIS_REQUIRED"]
    return []


RULES: dict[str, Rule] = {
    "TransferOffered": offered,
    "TransferRefused": refuse_offer,
    "TransferWithdrawn": withdraw_offer,
    "TransferLapsed": lapse_offer,
    "TransferEscalated": escalate_offer,
    "LetterSent": letter_sent,
    "LetterReceived": letter_by_addressee,
    "LetterDisposed": letter_by_addressee,
    "LetterAnswered": letter_answered,
    "LetterReminded": letter_reminded,
    "ContactLogged": contact_logged,
    "ContactAcknowledged": contact_acknowledged,
    "AssistanceRequested": assistance_requested,
    "AssistanceAnswered": assistance_answered,
    "AssistanceDelivered": assistance_delivered,
    "DataShared": data_shared,
}
