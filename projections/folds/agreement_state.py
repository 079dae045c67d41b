"""The state of an agreement between agencies, and whether it is in force at a moment.

Pure. Clauses and the schedule of fines come with the proposal and never grow.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from projections.folds.folding import Codes, Folding
from runut.calendar import local_time

AgreementStatus = Literal["PROPOSED", "ACTIVE", "ENDED"]


class Clause(msgspec.Struct, frozen=True, gc=False):
    """What one party promises; every so many days, where it recurs."""

    clause_id: str
    text: str
    debtor: str
    every_days: int | None


class ScheduledFine(msgspec.Struct, frozen=True, gc=False):
    """What breaking a clause costs."""

    clause_id: str
    amount: Decimal
    currency: str


class AgreementState(msgspec.Struct, gc=False):
    """What is so about an agreement; its fines and commitments are rows."""

    status: AgreementStatus
    title: str
    parties: tuple[str, ...]
    secretariat: str
    clauses: tuple[Clause, ...]
    schedule: tuple[ScheduledFine, ...]
    fund: str
    valid_to: date | None
    timezone: str
    """In which its dates are meant."""
    signed: tuple[str, ...] = ()
    signed_on: date | None = None
    """Local date of the last signature: periods of clauses count from it."""
    fund_balance: Decimal = Decimal("0.00")
    open_commitments: int = 0

    @property
    def currency(self) -> str | None:
        """The agreement's one currency; None where its schedule has no fine."""
        return self.schedule[0].currency if self.schedule else None


AgreementFolding = Folding[AgreementState]


def status_at(state: AgreementState, moment: datetime) -> AgreementStatus:
    """The status at a moment: past its last day an agreement has ended by itself."""
    if state.valid_to is None:
        return state.status
    today = local_time(moment, ZoneInfo(state.timezone)).date()
    return "ENDED" if today > state.valid_to else state.status


def only_secretariat(folding: AgreementFolding) -> Codes:
    """Events that belong to the secretariat."""
    if folding.agency != folding.state.secretariat:
        yield "NOT_SECRETARIAT"
