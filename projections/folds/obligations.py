"""Commitments as every subject keeps them: open, settle, cancel, and what is still owed.

Pure. A state counts what is owed; the commitments themselves are rows (events.md §5).
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from projections.folds.folding import Folding, pending
from projections.folds.rows import OWED, Assistance, Commitment, CommitmentStatus, Transfer
from runut.protocol import CommitmentKind, Limit
from runut.protocol import Protocol as ProtocolInForce

_DEFAULT_ZONE: Final = ZoneInfo("Asia/Jakarta")


class Obliged(Protocol):
    """A state that counts its commitments which are OPEN or REPORTED."""

    open_commitments: int


def open_commitment(
    folding: Folding[Any],
    kind: CommitmentKind,
    source: str,
    debtor: str,
    creditor: str,
    what: str,
    *,
    due_at: datetime | None = None,
    rule: str | None = None,
    variant: str | None = None,
) -> Commitment:
    """Open the commitment that an event brings about; a due date in the event itself wins.

    `rule` is what gave the due date, where the event did not.
    """
    if due_at is None:
        due_at, rule = limit_of(folding, kind, variant)
    commitment = Commitment(
        subject=folding.subject,
        commitment_id=f"{kind}:{source}:{debtor}",
        source=source,
        kind=kind,
        debtor=debtor,
        creditor=creditor,
        what=what,
        due_at=due_at,
        status="OPEN",
        made_at=folding.at,
        source_event=folding.event.event_id,
        rule=rule,
        due_recorded_at=folding.recorded.recorded_at,
    )
    put_commitment(folding, commitment)
    return commitment


def limit_of(
    folding: Folding[Any], kind: CommitmentKind, variant: str | None = None
) -> tuple[datetime | None, str | None]:
    """Due date and the rule that gave it; (None, None) where no protocol is known."""
    protocol = folding.directory.protocol_at(folding.at)
    if protocol is None:
        return None, None
    limit, rule = _named_limit(protocol, kind, variant)
    return limit.after(folding.at, folding.directory.calendar, protocol.timezone), rule


@lru_cache(maxsize=256)  # much is owed by the same few rules
def _named_limit(
    protocol: ProtocolInForce, kind: CommitmentKind, variant: str | None
) -> tuple[Limit, str]:
    limit = protocol.limit(kind, variant)
    return limit, f"{protocol.version} {kind} {limit}"


def local_zone(folding: Folding[Any]) -> ZoneInfo:
    """The time zone in which dates are meant: the protocol's, Jakarta's where none is known."""
    protocol = folding.directory.protocol_at(folding.at)
    return protocol.timezone if protocol else _DEFAULT_ZONE


def add_commitment(folding: Folding[Any], commitment: Commitment) -> None:
    """Write a commitment whose id cannot be in use yet."""
    if (Commitment, commitment.ident) not in folding.written:
        folding.state.open_commitments += commitment.status in OWED
        folding.put(commitment)


def put_commitment(folding: Folding[Any], commitment: Commitment) -> None:
    """Write a commitment and keep the state's count of what is owed."""
    before = folding.find(Commitment, commitment.ident)
    was_owed = before is not None and before.status in OWED
    folding.state.open_commitments += (commitment.status in OWED) - was_owed
    folding.put(commitment)


def fulfil(folding: Folding[Any], commitment_id: str) -> None:
    """Settle what was owed, if it still is."""
    _end(folding, commitment_id, "FULFILLED", folding.at)


def lapse(folding: Folding[Any], commitment_id: str) -> None:
    """Close what was owed, unfulfilled."""
    _end(folding, commitment_id, "LAPSED", None)


def _end(
    folding: Folding[Any], commitment_id: str, status: CommitmentStatus, at: datetime | None
) -> None:
    commitment = folding.find(Commitment, commitment_id)
    if commitment is not None and commitment.status in OWED:
        folding.state.open_commitments -= 1
        folding.put(replace(commitment, status=status, fulfilled_at=at))


def cancel(folding: Folding[Any], commitment: Commitment) -> None:
    """Cancel a commitment; an assistance whose answer or delivery it was ends with it."""
    put_commitment(folding, replace(commitment, status="CANCELLED"))
    if commitment.kind in {"ASSISTANCE_ANSWER", "ASSISTANCE_DELIVERY"}:
        assistance = folding.get(Assistance, commitment.source)
        if pending(assistance):
            folding.put(replace(assistance, status="ENDED"))


def cancel_transfer(folding: Folding[Any], transfer_id: str) -> None:
    """Cancel an open offer together with the answer owed."""
    transfer = folding.get(Transfer, transfer_id)
    folding.put(replace(transfer, status="CANCELLED", answered_at=folding.at))
    answer = folding.find(Commitment, answer_owed(transfer))
    if answer is not None and answer.status in OWED:
        cancel(folding, answer)


def answer_owed(transfer: Transfer) -> str:
    """Id of the commitment to answer an offer."""
    return f"TRANSFER_ANSWER:{transfer.transfer_id}:{transfer.to_agency}"
