"""Rules of a placement agent: licence, inspections, sanctions, draws on its deposit.

Pure (events.md §4, `agent/`). Whether it may work on a day follows from its rows and that day: a
suspension ends by itself. Local dates are those of the protocol's time zone when it was registered.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from projections.folds.folding import (
    Codes,
    Folding,
    Kind,
    Rule,
    needs_unsettled,
    nothing_needed,
)
from projections.folds.guards import role_required
from projections.folds.obligations import local_zone
from projections.folds.rows import DepositDraw, Inspection, Sanction
from runut.calendar import local_time

AgentStatus = Literal["ACTIVE", "EXPIRED", "SUSPENDED", "REVOKED"]


class AgentState(msgspec.Struct, gc=False):
    """What is so about a placement agent, whatever the day."""

    name: str
    licence: str
    valid_to: date
    deposit: Decimal
    timezone: str
    """In which its dates are meant."""
    sanctions: int = 0
    inspections: int = 0
    draws: int = 0


AgentFolding = Folding[AgentState]


def status_at(state: AgentState, sanctions: Iterable[Sanction], moment: datetime) -> AgentStatus:
    """Whether the agent may work at a moment."""
    today = local_time(moment, ZoneInfo(state.timezone)).date()
    begun = [one for one in sanctions if one.from_date <= today]
    if any(one.level == "REVOCATION" for one in begun):
        return "REVOKED"
    if any(_suspends(one, today, moment) for one in begun):
        return "SUSPENDED"
    return "EXPIRED" if today > state.valid_to else "ACTIVE"


def _suspends(sanction: Sanction, today: date, moment: datetime) -> bool:
    lasts = sanction.to_date is None or today <= sanction.to_date
    is_lifted = sanction.lifted_at is not None and sanction.lifted_at <= moment
    return sanction.level == "SUSPENSION" and lasts and not is_lifted


def _only_regulator(folding: AgentFolding) -> Codes:
    yield from role_required(folding, folding.agency, "REGULATOR")


def _only_custodian(folding: AgentFolding) -> Codes:
    yield from role_required(folding, folding.agency, "CUSTODIAN")


def _only_inspector(folding: AgentFolding) -> Codes:
    if not folding.directory.has_role(folding.agency, "REGULATOR"):
        yield from role_required(folding, folding.agency, "INSPECTOR")


def _registered(folding: AgentFolding) -> None:
    data = folding.data
    folding.state = AgentState(
        name=data["name"],
        licence=data["licence"],
        valid_to=data["valid_to"],
        deposit=data["deposit"],
        timezone=local_zone(folding).key,
    )


def _renewed(folding: AgentFolding) -> None:
    folding.state.licence = folding.data["licence"]
    folding.state.valid_to = folding.data["valid_to"]


def _inspected(folding: AgentFolding) -> None:
    data = folding.data
    folding.state.inspections += 1
    inspection = Inspection(
        subject=folding.subject,
        n=folding.state.inspections,
        agency=folding.agency,
        severity=data["severity"],
        findings=data["findings"],
        about_case=data["case"],
        inspected_at=folding.at,
    )
    folding.put(inspection)


def _sanctioned(folding: AgentFolding) -> None:
    data = folding.data
    folding.state.sanctions += 1
    sanction = Sanction(
        subject=folding.subject,
        n=folding.state.sanctions,
        level=data["level"],
        ground=data["ground"],
        from_date=data["from_date"],
        to_date=data["to_date"],
        decided_at=folding.at,
    )
    folding.put(sanction)


def _lifted(folding: AgentFolding) -> None:
    """Every suspension ends, never a revocation."""
    for sanction in folding.seen.unsettled(Sanction):
        if sanction.level == "SUSPENSION":
            folding.put(replace(sanction, status="LIFTED", lifted_at=folding.at))


def _draw_proposed(folding: AgentFolding) -> None:
    data = folding.data
    folding.state.draws += 1
    draw = DepositDraw(
        subject=folding.subject,
        n=folding.state.draws,
        draw_id=data["draw_id"],
        agency=folding.agency,
        amount=data["amount"],
        about_case=data["case"],
        reason=data["reason"],
        proposed_at=folding.at,
    )
    folding.put(draw)


def _draw_decided(folding: AgentFolding) -> None:
    """The oldest proposal with this id that still waits is decided; events.md asks for no match."""
    data = folding.data
    waiting = [d for d in folding.seen.unsettled(DepositDraw) if d.draw_id == data["draw_id"]]
    if not waiting:
        return
    decided = replace(
        min(waiting, key=lambda draw: draw.n),
        status="APPROVED" if data["approved"] else "REFUSED",
        decided_amount=data["amount"],
        decided_at=folding.at,
    )
    folding.put(decided)


RULES: Final[dict[str, Rule]] = {
    "AgentRegistered": Rule(_only_regulator, _registered, nothing_needed),
    "AgentInspected": Rule(_only_inspector, _inspected, nothing_needed),
    "SanctionDecided": Rule(_only_regulator, _sanctioned, nothing_needed),
    "SanctionLifted": Rule(_only_regulator, _lifted, needs_unsettled),
    "LicenceRenewed": Rule(_only_regulator, _renewed, nothing_needed),
    "DepositDrawProposed": Rule(_only_custodian, _draw_proposed, nothing_needed),
    "DepositDrawDecided": Rule(_only_regulator, _draw_decided, needs_unsettled),
}
KIND: Final = Kind(AgentState, frozenset({"AgentRegistered"}), RULES)
