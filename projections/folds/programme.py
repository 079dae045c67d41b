"""Rules of a programme: one-stop centres (LTSA), Desmigratif villages, and outreach.

Pure (events.md §4, `programme/`). Either event may be the first that is heard of a programme.
"""

from __future__ import annotations

from typing import Final

import msgspec

from projections.folds.folding import (
    Codes,
    Folding,
    Kind,
    Rule,
    no_guard,
    nothing_needed,
    sorted_set,
)
from projections.folds.guards import role_required
from projections.folds.rows import Outreach


class ServicePoint(msgspec.Struct, frozen=True, gc=False):
    """Where people are served, as its registrar described it last."""

    kind: str
    name: str
    region: str
    desks: tuple[str, ...]
    pillars: tuple[str, ...]
    status: str


class ProgrammeState(msgspec.Struct, gc=False):
    """What is so about a programme."""

    service_point: ServicePoint | None = None
    outreach: int = 0


ProgrammeFolding = Folding[ProgrammeState]


def _only_registrar(folding: ProgrammeFolding) -> Codes:
    yield from role_required(folding, folding.agency, "REGISTRAR")


def _updated(folding: ProgrammeFolding) -> None:
    data = folding.data
    folding.state = folding.state or ProgrammeState()
    folding.state.service_point = ServicePoint(
        kind=data["kind"],
        name=data["name"],
        region=data["region"],
        desks=sorted_set(data["desks"]),
        pillars=sorted_set(data["pillars"]),
        status=data["status"],
    )


def _outreach_held(folding: ProgrammeFolding) -> None:
    data = folding.data
    folding.state = folding.state or ProgrammeState()
    folding.state.outreach += 1
    outreach = Outreach(
        subject=folding.subject,
        n=folding.state.outreach,
        agency=folding.agency,
        kind=data["kind"],
        phase=data["phase"],
        region=data["region"],
        participants=data["participants"],
        partners=sorted_set(data["partners"]),
        held_at=folding.at,
    )
    folding.put(outreach)


RULES: Final[dict[str, Rule]] = {
    "ServicePointUpdated": Rule(_only_registrar, _updated, nothing_needed),
    "OutreachHeld": Rule(no_guard, _outreach_held, nothing_needed),
}
KIND: Final = Kind(ProgrammeState, frozenset(RULES), RULES, created_once=False)
