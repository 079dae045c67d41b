"""Random histories of one agreement: its clauses come round again, its fines are fought over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.histories import commitments
from tests.histories.story import Data, Payload, Story

if TYPE_CHECKING:
    from tests.histories.author import Author

BY_THE_DEBTOR = {"FineContested", "FinePaid"}
AFTER = {
    "FineContested": ("FineImposed",),
    "FineDecided": ("FineContested",),
    "FinePaid": ("FineImposed", "FineDecided"),
}
"""What must have happened to a fine last before another thing can."""
AMOUNTS = ["100.00", "100.00", "250.50"]
AFTER_WEIGHTS = {"FineContested": 20, "FineDecided": 30, "FinePaid": 10}
PERIODS = [None, 1, 7, 7, 30, 30, 0, -3, 2**31 - 1]
"""Days after which a clause is owed again; nobody promises that they make sense."""
WEIGHTS = {"AgreementProposed": 1, "AgreementEnded": 1, "AgreementSigned": 1, "FineImposed": 10}


def _weigh(author: Author, name: str) -> int:
    if name in commitments.PAYLOADS:
        return commitments.weigh(author, name) * (4 if name == "CommitmentBreached" else 1)
    if name == "AgreementSigned" and len(author.told(name)) < len(_parties(author)):
        return 40
    if name in AFTER:
        return AFTER_WEIGHTS[name] if _fitting(author, name) else 0
    if name == "FundDisbursed":
        return 8 if author.told("FinePaid") else 1
    return WEIGHTS[name]


def _fitting(author: Author, name: str) -> list[str]:
    """Fines to which this can happen now."""
    last = {e.data["fine_id"]: e.type for e in author.effective if "fine_id" in e.data}
    return [fine_id for fine_id, event in last.items() if event in AFTER[name]]


def _parties(author: Author) -> set[str]:
    return {party for one in author.told("AgreementProposed") for party in one["parties"]}


def _concerned(author: Author, name: str, data: Data) -> list[str]:
    if name in commitments.PAYLOADS:
        return commitments.concerned(author, name, data)
    if name == "AgreementProposed":
        return list(data["parties"])
    if name == "AgreementSigned":
        signed = [str(event.agency) for event in author.effective if event.type == name]
        return [one for one in sorted(_parties(author)) if one not in signed] or signed
    if name in BY_THE_DEBTOR:
        fines = author.told("FineImposed")
        return [one["debtor"] for one in fines if one["fine_id"] == data["fine_id"]]
    return [one["secretariat"] for one in author.told("AgreementProposed")]


def _proposed(a: Author) -> Data:
    parties = [a.custodian() for _ in range(a.rng.randint(1, 3))]
    clauses = [
        {
            "clause_id": clause_id,
            "text": f"Pasal {clause_id}",
            "debtor": a.rng.choice([*parties * 2, a.agency()]),
            "every_days": a.rng.choice(PERIODS),
        }
        for clause_id in a.rng.choices(["K1", "K2", "K3"], k=a.rng.randint(0, 3))
    ]
    return {
        "title": "PKS",
        "parties": parties,
        "secretariat": a.rng.choice([*parties * 3, a.agency()]),
        "clauses": clauses,
        "fines": _schedule(a),
        "fund": "dana",
        "valid_to": a.rng.choice([None, None, a.day(-1, 0, 1, 10, 60)]),
    }


def _schedule(a: Author) -> list[Data]:
    """Mostly amounts above zero in one currency."""
    odd = a.rng.random() < 0.15
    amounts, currencies = AMOUNTS + ["0.00", "-5.00"] * odd, ["IDR", "IDR"] + ["USD"] * odd
    return [
        {"clause_id": one, "amount": a.rng.choice(amounts), "currency": a.rng.choice(currencies)}
        for one in a.rng.choice([["K1"], ["K1", "K2"], ["K1", "K1", "K3"], []])
    ]


def _imposed(a: Author) -> Data:
    schedule = [fine for one in a.told("AgreementProposed") for fine in one["fines"]]
    entry = a.rng.choice(schedule or [{"clause_id": "K1", "amount": "100.00"}])
    wrong = a.rng.random() < 0.2
    return {
        "fine_id": a.new_ident("F"),
        "debtor": a.rng.choice([*sorted(_parties(a)) * 2, a.agency()]),
        "clause_id": a.rng.choice(["K1", "K2", "K9"]) if wrong else entry["clause_id"],
        "cause": "-",
        "amount": a.rng.choice(AMOUNTS) if wrong else entry["amount"],
        "due_at": a.soon(),
    }


def _fine(a: Author, name: str) -> str:
    known: list[str] = [one["fine_id"] for one in a.told("FineImposed")]
    if name == "FineContested":
        # To contest late, after a breach, takes some luck: help it.
        known += [fine_id for fine_id in _fitting(a, name) if _is_breached(a, fine_id)] * 20
    return a.rng.choice([*_fitting(a, name) * 5, *known, "F1"])


def _is_breached(a: Author, fine_id: str) -> bool:
    start = f"FINE_PAYMENT:{fine_id}:"
    return any(one["commitment_id"].startswith(start) for one in a.told("CommitmentBreached"))


def _paid(a: Author) -> Data:
    fine_id = _fine(a, "FinePaid")
    owed = [one["amount"] for one in a.told("FineImposed") if one["fine_id"] == fine_id]
    amount = a.rng.choice([*owed * 4, "99.99"])
    return {"fine_id": fine_id, "amount": amount, "reference": "-"}


PAYLOADS: dict[str, Payload] = {
    "AgreementProposed": _proposed,
    "AgreementSigned": lambda a: {},
    "AgreementEnded": lambda a: {"reason": a.text()},
    "FineImposed": _imposed,
    "FineContested": lambda a: {"fine_id": _fine(a, "FineContested"), "reason": a.text()},
    "FineDecided": lambda a: {
        "fine_id": _fine(a, "FineDecided"),
        "decision": a.rng.choice(["UPHELD", "UPHELD", "WAIVED"]),
        "reason": a.text(),
    },
    "FinePaid": _paid,
    "FundDisbursed": lambda a: {
        "amount": a.rng.choice(["50.00", "10.25", "500.00", "0.00", "-1.00"]),
        "purpose": "-",
        "case": a.rng.choice([None, "case/OTHER"]),
    },
    **commitments.PAYLOADS,
}
STORY = Story("agreement/RANDOM-1", ["AgreementProposed"], PAYLOADS, _weigh, _concerned)
