"""Random histories of one case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projections.folds.rows import Assistance, Commitment, Contact, Letter, Row, Transfer
from tests.histories import commitments
from tests.histories.story import Data, Payload, Story

if TYPE_CHECKING:
    from tests.histories.author import Author

SUBJECT = "case/RANDOM-1"
ABOUT: dict[str, tuple[type[Row], set[str]]] = {
    "TransferAccepted": (Transfer, {"OPEN"}),
    "TransferRefused": (Transfer, {"OPEN"}),
    "TransferWithdrawn": (Transfer, {"OPEN"}),
    "TransferLapsed": (Transfer, {"OPEN"}),
    "TransferEscalated": (Transfer, set()),
    "LetterReceived": (Letter, set()),
    "LetterDisposed": (Letter, set()),
    "LetterAnswered": (Letter, set()),
    "LetterReminded": (Letter, set()),
    "ContactAcknowledged": (Contact, set()),
    "AssistanceAnswered": (Assistance, {"REQUESTED"}),
    "AssistanceDelivered": (Assistance, {"ACCEPTED"}),
}
OFTEN = {"TransferOffered", "AssistanceRequested", "LetterSent", "ClosureConsented"}
WHOSE = (
    ("letter_id", "LetterReminded", "sender", "to_agencies"),
    ("transfer_id", "TransferWithdrawn", "from_agency", "to_agency"),
    ("assistance_id", "", "", "provider"),
    ("contact_id", "", "", "with_agencies"),
)
"""The field that names a thing, and who of that thing emits an event, and who all others."""
CATEGORIES = ["UNPAID_WAGES", "TRAFFICKING", "ABUSE"]
RESPONDENT = {"kind": "EMPLOYER", "ref": "majikan-1"}
SURVIVORS = ["case/OTHER", "case/OTHER", "case/THIRD", SUBJECT, "meeting/OTHER", "case/"]


def _weigh(author: Author, name: str) -> int:
    if name in commitments.PAYLOADS:
        return commitments.weigh(author, name)
    if name in ABOUT:
        table, statuses = ABOUT[name]
        return (14 if statuses else 5) if any(author.rows(table, *statuses)) else 0
    if name in {"MergeAccepted", "MergeRefused"}:
        return 8 if author.told("MergeProposed") else 0
    status = getattr(author.state, "status", None)
    if name == "CaseVerified":
        return 16 if status == "REPORTED" else 1
    if name == "CaseReopened":
        return 30 if status in {"CLOSED", "REJECTED"} else 0
    if name == "CaseClosed":
        return 2 if any(author.rows(Commitment, "OPEN", "REPORTED")) else 16
    return 6 if name in OFTEN else 2


def _concerned(author: Author, name: str, data: Data) -> list[str]:
    if name in commitments.PAYLOADS:
        return commitments.concerned(author, name, data)
    if name in {"MergeAccepted", "MergeRefused"}:
        return [one["to"] for one in author.told("MergeProposed")[-1:]]
    for field, exception, of_this, of_others in WHOSE:
        row: Any = author.row(data.get(field))
        found = getattr(row, of_this if name == exception else of_others or "-", None)
        if found is not None:
            return [found] if isinstance(found, str) else list(found)
    if name == "ClosureConsented":
        return ["polri", "kemensos"]
    custodian = getattr(author.state, "custodian", None)
    return [custodian] if custodian else []


def _reported(a: Author) -> Data:
    codes = {"country": "MY", "intake": "WALK_IN", "relation": "FAMILY", "phase": "DURING"}
    kind = {"category": a.rng.choice(CATEGORIES), "urgency": "URGENT", "sector": "FORMAL"}
    named = a.rng.choice([None, a.custodian(), a.agency()])
    return {**codes, **kind, "placement": "PROCEDURAL", "summary": "-", "custodian": named}


def _letter(a: Author) -> Data:
    about = {"number": "1", "dated": "2025-03-03", "doc_type": "MEMO", "title": "-"}
    to = [a.agency() for _ in range(a.rng.randint(0, 3))]
    urgency = a.rng.choice(["IMMEDIATE", "URGENT", "NORMAL"])
    reply = {"reply_expected": a.coin(), "reply_due_at": a.soon(), "cc": [a.agency()]}
    return {"letter_id": a.new_ident("L"), **about, "urgency": urgency, "to": to, **reply}


PAYLOADS: dict[str, Payload] = {
    "CaseReported": _reported,
    "CaseVerified": lambda a: {
        "result": a.rng.choice(["VERIFIED", "VERIFIED", "REJECTED"]),
        "note": "-",
    },
    "CaseClassified": lambda a: {
        "category": a.rng.choice(CATEGORIES),
        "urgency": "NORMAL",
        "trafficking": a.coin(),
    },
    "HearingHeld": lambda a: {
        "kind": "MEDIATION",
        "respondent": RESPONDENT,
        "admission": "PARTIAL",
        "outcome": "-",
    },
    "CaseResolved": lambda a: {"outcome": "-", "amount": "125.50", "currency": "IDR"},
    "ClosureConsented": lambda a: {},
    "CaseClosed": lambda a: {"scope": a.rng.choice(["LEDGER", "LEDGER", "LOCAL"]), "ground": "-"},
    "CaseReopened": lambda a: {"reason": "-"},
    "DuplicateSuspected": lambda a: {"other": "case/OTHER", "basis": "-"},
    "MergeProposed": lambda a: {"survivor": a.rng.choice(SURVIVORS), "to": a.custodian()},
    "MergeAccepted": lambda a: {"survivor": a.rng.choice(SURVIVORS[:3])},
    "MergeRefused": lambda a: {"survivor": a.rng.choice(SURVIVORS[:3]), "reason": a.text()},
    "CaseAbsorbed": lambda a: {
        "absorbed": a.rng.choice([f"case/{a.new_ident('X')}", SUBJECT, "agent/X"])
    },
    "TransferOffered": lambda a: {
        "transfer_id": a.new_ident("T"),
        "to": a.agency(),
        "ground": "MANDATE",
        "reason": "-",
        "answer_due_at": a.soon(),
    },
    "TransferAccepted": lambda a: {"transfer_id": a.ident("T")},
    "TransferRefused": lambda a: {
        "transfer_id": a.ident("T"),
        "ground": "LEGAL_BAR",
        "reason": a.text(),
    },
    "TransferWithdrawn": lambda a: {"transfer_id": a.ident("T"), "reason": "-"},
    "TransferLapsed": lambda a: {"transfer_id": a.ident("T")},
    "TransferEscalated": lambda a: {"transfer_id": a.ident("T"), "arbiter": a.agency()},
    "CustodyRuled": lambda a: {"custodian": a.agency(), "reason": "-"},
    "LetterSent": _letter,
    "LetterReceived": lambda a: {"letter_id": a.ident("L")},
    "LetterDisposed": lambda a: {"letter_id": a.ident("L"), "unit": "-", "instruction": "-"},
    "LetterAnswered": lambda a: {
        "letter_id": a.ident("L"),
        "answer": a.rng.choice(["COMPLETE", "PARTIAL", "DECLINED"]),
        "reason": a.rng.choice([None, "alasan"]),
    },
    "LetterReminded": lambda a: {"letter_id": a.ident("L"), "nth": 1},
    "ContactLogged": lambda a: {
        "contact_id": a.new_ident("K"),
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": [a.agency()],
        "summary": "-",
    },
    "ContactAcknowledged": lambda a: {"contact_id": a.ident("K"), "agrees": a.coin()},
    "DecisionRecorded": lambda a: {
        "decision_id": a.new_ident("D"),
        "meeting": "meeting/M1",
        "text": "-",
        "adopters": [a.agency(), a.agency()],
        "follow_up": "COMMITMENTS",
    },
    "AssistanceRequested": lambda a: {
        "assistance_id": a.new_ident("A"),
        "kind": "SHELTER",
        "provider": a.agency(),
        "emergency": a.coin(),
        "reason": "-",
        "due_at": a.soon(),
    },
    "AssistanceAnswered": lambda a: {
        "assistance_id": a.ident("A"),
        "accepted": a.coin(),
        "ground": a.rng.choice([None, "LEGAL_BAR"]),
        "reason": a.text(),
    },
    "AssistanceDelivered": lambda a: {"assistance_id": a.ident("A")},
    "DataShared": lambda a: {
        "share_id": "S1",
        "to": [a.agency()],
        "purpose": "-",
        "lawful_basis": a.rng.choice([None, "UU 27/2022", "  "]),
        "agreement": a.rng.choice([None, "agreement/X"]),
    },
    "PersonalDataErased": lambda a: {"person_id": "p-1", "ground": "-"},
    "DataBreachNotified": lambda a: {"what": "-", "happened_at": a.now, "remedy": "-"},
    **commitments.PAYLOADS,
}
STORY = Story(SUBJECT, ["CaseReported"], PAYLOADS, _weigh, _concerned)
