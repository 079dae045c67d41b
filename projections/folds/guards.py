"""Guards that many rules share: who may, which roles, which agencies are known.

Pure. Each yields codes of events.md §3.
"""

from __future__ import annotations

from typing import Any, Final

from projections.folds.folding import Codes, Folding
from runut.event import Event

# Fields that name agencies which the directory has to know (events.md §4).
NAMING_FIELDS: Final = ("to", "provider", "debtor", "creditor", "with", "custodian")
# Of these, the ones that address an agency and so make it a participant.
ADDRESSING_FIELDS: Final = ("to", "provider", "debtor", "with")


def named_agencies(event: Event, fields: tuple[str, ...] = NAMING_FIELDS) -> set[str]:
    """Agencies that an event names in these fields; a list counts as a set."""
    named: set[str] = set()
    for name in fields:
        value = event.data.get(name)
        if isinstance(value, str):
            named.add(value)
        elif value:
            named.update(value)
    return named


def names_unknown_agency(folding: Folding[Any]) -> bool:
    """Whether an event names an agency that the directory does not know."""
    known = folding.directory.agency
    return any(known(code) is None for code in named_agencies(folding.event))


def only_system(folding: Folding[Any]) -> Codes:
    """Events that the ledger itself emits."""
    if not folding.is_system(folding.agency):
        yield "ROLE_REQUIRED"


def role_required(folding: Folding[Any], agency: str, role: str) -> Codes:
    """An agency has to have a role in the directory."""
    if not folding.directory.has_role(agency, role):
        yield "ROLE_REQUIRED"
