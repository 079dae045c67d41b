"""Commitments in random histories: the same on cases, meetings and agreements."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from projections.folds.rows import Commitment
from tests.histories.story import Data, Payload

if TYPE_CHECKING:
    from tests.histories.author import Author

BY_HAND = ("PROMISE", "CLAUSE")
CANCELLABLE = (*BY_HAND, "LETTER_REPLY", "ASSISTANCE_ANSWER", "ASSISTANCE_DELIVERY")
UNSETTLED = ("PROPOSED", "OPEN", "REPORTED")
NEEDED: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "CommitmentAnswered": (8, BY_HAND, ("PROPOSED",)),
    "FulfilmentReported": (8, BY_HAND, ("OPEN",)),
    "FulfilmentReviewed": (14, BY_HAND, ("REPORTED",)),
    "ExtensionGranted": (5, (), UNSETTLED),
    "CommitmentCancelled": (2, CANCELLABLE, UNSETTLED),
    "CommitmentBreached": (6, (), ("OPEN", "REPORTED")),
    "EscalationRaised": (2, (), ("OPEN", "REPORTED")),
}
"""How often an event comes where there is a commitment for it: of these kinds and statuses."""
BY_THE_CREDITOR = {"FulfilmentReviewed", "ExtensionGranted", "CommitmentCancelled"}


def weigh(author: Author, name: str) -> int:
    """How often a commitment's event comes: never where none stands as it needs it."""
    if name == "CommitmentMade":
        return 4
    return NEEDED[name][0] if _fitting(author, name) else 0


def _fitting(author: Author, name: str) -> list[str]:
    _, kinds, statuses = NEEDED[name]
    rows: list[Any] = list(author.rows(Commitment, *statuses))
    return [row.commitment_id for row in rows if not kinds or row.kind in kinds]


def _named(author: Author, name: str) -> str:
    """The id of a commitment, mostly of one that the event could be about."""
    known = [str(row.ident) for row in author.rows(Commitment)]
    return author.rng.choice([*(_fitting(author, name) * 5 or known), *known, "C1"])


def concerned(author: Author, name: str, data: Data) -> list[str]:
    """Debtor or creditor of the commitment that an event makes or names."""
    if name == "CommitmentMade":
        return [data["debtor"], data["creditor"]]
    row: Any = author.past.rows.get((Commitment, data["commitment_id"]))
    found = getattr(row, "creditor" if name in BY_THE_CREDITOR else "debtor", "/")
    # Minutes are owed to the meeting, which cannot speak for itself.
    return [] if "/" in found else [found]


def _made(a: Author) -> Data:
    kind = a.rng.choice(["OWN", "DECISION"])
    who = {"debtor": a.agency(), "creditor": a.agency()}
    basis = {"source_kind": kind, "source_ref": a.ident("D") if kind == "DECISION" else None}
    due = a.now + timedelta(days=a.rng.randint(1, 9))
    return {"commitment_id": a.new_ident("C"), **who, **basis, "what": "-", "due_at": due}


def _breached(a: Author) -> Data:
    commitment_id = _named(a, "CommitmentBreached")
    due_at = a.due(commitment_id) + timedelta(seconds=a.rng.choice([0, 0, 0, 1]))
    return {"commitment_id": commitment_id, "due_at": due_at}


PAYLOADS: dict[str, Payload] = {
    "CommitmentMade": _made,
    "CommitmentAnswered": lambda a: {
        "commitment_id": _named(a, "CommitmentAnswered"),
        "accepts": a.coin(),
        "reason": a.text(),
    },
    "FulfilmentReported": lambda a: {"commitment_id": _named(a, "FulfilmentReported")},
    "FulfilmentReviewed": lambda a: {
        "commitment_id": _named(a, "FulfilmentReviewed"),
        "accepted": a.coin(),
        "reason": a.text(),
    },
    "ExtensionGranted": lambda a: {
        "commitment_id": _named(a, "ExtensionGranted"),
        "new_due_at": a.now + timedelta(days=a.rng.choice([1, 20])),
        "reason": "-",
    },
    "CommitmentCancelled": lambda a: {
        "commitment_id": _named(a, "CommitmentCancelled"),
        "reason": "-",
    },
    "CommitmentBreached": _breached,
    "EscalationRaised": lambda a: {
        "commitment_id": _named(a, "EscalationRaised"),
        "to": a.custodian(),
        "level": 1,
    },
}
