"""The state of one case, and the custody that it always has.

Pure. The invariant (events.md §4): while a case is open it has exactly one custodian at each
instant, and the custody intervals add up to the time it was open.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from projections.folds.folding import Codes, Folding
from projections.folds.obligations import cancel, cancel_transfer, open_commitment
from projections.folds.rows import Commitment, CustodyInterval
from runut.native import IS_USED

if IS_USED:
    from runut.native import folding as compiled

CaseStatus = Literal["REPORTED", "IN_HANDLING", "RESOLVED", "CLOSED", "REJECTED", "MERGED"]

ENDED: Final[frozenset[CaseStatus]] = frozenset({"CLOSED", "REJECTED", "MERGED"})


class CaseState(msgspec.Struct, gc=False):
    """What is so about a case; everything that grows with its events is a row instead."""

    status: CaseStatus
    custodian: str
    reporter: str
    category: str
    urgency: str
    phase: str
    country: str
    trafficking: bool
    opened_at: datetime
    interval: CustodyInterval
    """The running custody, or the last one."""
    participants: tuple[str, ...] = ()
    closed_at: datetime | None = None
    verification: str | None = None
    """Id of the commitment to verify the report, until it is verified."""
    open_transfer: str | None = None
    failed_offers: int = 0
    """Refusals and lapses running since the last acceptance or ruling."""
    escalation_pending: str | None = None
    """The offer whose failure, recorded as it happened, the ledger has to bring to the arbiter."""
    arbiter: str | None = None
    proposed_survivor: str | None = None
    """The merge proposed last and not yet answered: the surviving case …"""
    merge_addressee: str | None = None
    """… and the agency that has to answer."""
    merged_into: str | None = None
    locally_closed_by: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    absorbed: int = 0
    open_commitments: int = 0

    @property
    def is_open(self) -> bool:
        """Not CLOSED, REJECTED or MERGED."""
        return self.status not in ENDED

    @property
    def escalation_due(self) -> bool:
        """Two offers in a row failed."""
        return self.failed_offers >= 2


CaseFolding = Folding[CaseState]


def only_custodian(folding: CaseFolding) -> Codes:
    """Events that belong to the custodian."""
    if folding.agency != folding.state.custodian:
        yield "NOT_CUSTODIAN"


def only_participant(folding: CaseFolding) -> Codes:
    """Events of agencies that already take part in the case."""
    if folding.agency not in folding.state.participants:
        yield "NOT_PARTICIPANT"


def plain_with_agency(agencies: tuple[str, ...], agency: str) -> tuple[str, ...]:
    """A sorted set of agencies with one more."""
    return agencies if agency in agencies else tuple(sorted((*agencies, agency)))


with_agency: Final = compiled.with_agency if IS_USED else plain_with_agency


def without_agency(agencies: tuple[str, ...], agency: str) -> tuple[str, ...]:
    """A sorted set of agencies with one less."""
    return tuple(a for a in agencies if a != agency) if agency in agencies else agencies


def begin_custody(folding: CaseFolding, agency: str, started_at: datetime, n: int) -> None:
    """Give the case to an agency: the n-th interval begins."""
    state = folding.state
    state.custodian = agency
    event_id = folding.event.event_id
    state.interval = CustodyInterval(folding.subject, n, agency, started_at, None, event_id)
    folding.put(state.interval)


def end_custody(folding: CaseFolding) -> datetime:
    """End the running interval, never before it started; gives the boundary."""
    interval = folding.state.interval
    boundary = max(folding.at, interval.started_at)
    folding.state.interval = replace(interval, ended_at=boundary)
    folding.put(folding.state.interval)
    return boundary


def change_custodian(folding: CaseFolding, agency: str, source: str) -> None:
    """Hand the case over now; a report not yet verified is owed by the new custodian.

    `source` is the transfer_id, or a ruling's event_id. The present custodian keeps its interval.
    """
    state = folding.state
    if agency == state.custodian:
        return
    boundary = end_custody(folding)
    begin_custody(folding, agency, boundary, state.interval.n + 1)
    if state.verification is not None:
        cancel(folding, folding.get(Commitment, state.verification))
        owe_verification(folding, source)


def owe_verification(folding: CaseFolding, source: str) -> None:
    """The custodian owes the emitter of the report its verification."""
    state = folding.state
    owed = open_commitment(folding, "VERIFICATION", source, state.custodian, state.reporter, "")
    state.verification = owed.commitment_id


def end_case(folding: CaseFolding, status: CaseStatus) -> None:
    """Close, reject or merge: the running custody ends, its agency stays named."""
    folding.state.closed_at = end_custody(folding)
    folding.state.status = status
    folding.state.escalation_pending = None


def cancel_everything(folding: CaseFolding) -> None:
    """Cancel the open transfer and all that is PROPOSED, OPEN or REPORTED."""
    state = folding.state
    if state.open_transfer is not None:
        cancel_transfer(folding, state.open_transfer)
        state.open_transfer = None
    for commitment in list(folding.unsettled_commitments()):
        cancel(folding, commitment)
    state.verification = None
