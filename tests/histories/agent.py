"""Random histories of one placement agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.histories.story import Data, Payload, Story

if TYPE_CHECKING:
    from tests.histories.author import Author

WEIGHTS = {"AgentRegistered": 1, "DepositDrawDecided": 5, "DepositDrawProposed": 5}
DRAWS = [None, "W1", "W2", "W3", "W4", "W5"]


def _weigh(author: Author, name: str) -> int:
    return WEIGHTS.get(name, 3)


def _concerned(author: Author, name: str, data: Data) -> list[str]:
    if name == "DepositDrawProposed":
        return ["bp3mi-ntt", "kbri-kl"]
    return ["kp2mi", "bp3mi-ntt"] if name == "AgentInspected" else ["kp2mi"]


def _sanction(a: Author) -> Data:
    level = a.rng.choice(["WARNING", "SUSPENSION", "SUSPENSION", "SUSPENSION", "REVOCATION"])
    from_date, to_date = a.day(-3, 0, 0, 1, 40), a.rng.choice([None, a.day(0, 5, 60)])
    return {"level": level, "ground": "-", "from_date": from_date, "to_date": to_date}


def _decision(a: Author) -> Data:
    proposed = a.told("DepositDrawProposed")
    draw_id = a.rng.choice([one["draw_id"] for one in proposed] or DRAWS)
    amounts = [str(one["amount"]) for one in proposed if one["draw_id"] == draw_id]
    amount = a.rng.choice([*amounts * 3, "40.00", "900.00", "0.00", "-1.00"])
    return {"approved": a.coin(), "amount": amount, "reason": "-", "draw_id": draw_id}


PAYLOADS: dict[str, Payload] = {
    "AgentRegistered": lambda a: {
        "name": "PT Sentosa",
        "licence": "SIP3MI-1",
        "valid_to": a.day(-1, 1, 30, 300),
        "deposit": a.rng.choice(["500.00", "1500000000.00"]),
    },
    "AgentInspected": lambda a: {
        "findings": "-",
        "severity": a.rng.choice(["NONE", "MAJOR"]),
        "case": a.rng.choice([None, "case/OTHER"]),
    },
    "SanctionDecided": _sanction,
    "SanctionLifted": lambda a: {"reason": a.text()},
    "LicenceRenewed": lambda a: {"licence": "SIP3MI-2", "valid_to": a.day(-1, 0, 20, 400)},
    "DepositDrawProposed": lambda a: {
        "amount": a.rng.choice(["100.00", "450.75", "0.00", "-3.00"]),
        "case": "case/OTHER",
        "reason": "-",
        "draw_id": a.rng.choice(DRAWS),
    },
    "DepositDrawDecided": _decision,
}
STORY = Story("agent/RANDOM-1", ["AgentRegistered"], PAYLOADS, _weigh, _concerned)
