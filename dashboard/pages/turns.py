"""Whose turn it is on a subject: who has to act next, on what, by when.

Pure: from its state and its commitments as documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from projections.portraits import Document

OVER: Final = frozenset({"CLOSED", "REJECTED", "MERGED", "CANCELLED", "ENDED"})
WAITING: Final = frozenset({"OPEN", "REPORTED", "PROPOSED"})


class Turn(NamedTuple):
    """Somebody has to act."""

    agency: str
    doing: str
    """ANSWER what is proposed, REVIEW what is reported, DO what is owed, or HANDLE the case."""
    commitment: Document | None


def whose_turn(state: Document, commitments: Sequence[Document]) -> Turn | None:
    """Who is to act first: by the earliest limit, else the custodian; None where nobody is.

    An agreement that ended may leave a fine to be paid.
    """
    waiting = [one for one in commitments if one["status"] in WAITING]
    if waiting:
        return _turn(min(waiting, key=_by_limit))
    custodian = None if state["status"] in OVER else state.get("custodian")
    return Turn(custodian, "HANDLE", None) if custodian else None


def _turn(one: Document) -> Turn:
    # What is owed to a subject (minutes) has no creditor who could review it.
    if one["status"] == "REPORTED" and "/" not in one["creditor"]:
        return Turn(one["creditor"], "REVIEW", one)
    doing = "ANSWER" if one["status"] == "PROPOSED" else "DO"
    return Turn(one["debtor"], doing, one)


def _by_limit(one: Document) -> tuple[bool, str, str]:
    return one["due_at"] is None, one["due_at"] or "", one["commitment_id"]
