"""Guards that many rules share: who may, which roles, which agencies are known.

Pure. Each yields codes of events.md §3.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from projections.folds.folding import Codes, Folding
from runut.catalogue import catalogue
from runut.event import Event

# Fields that address an agency and so make it a participant (events.md §4) …
ADDRESSING_FIELDS: Final = ("to", "provider", "debtor", "with")
# … and all that name agencies which the directory has to know; a clause names its debtor.
NAMING_FIELDS: Final = (*ADDRESSING_FIELDS, "creditor", "custodian", "clauses")


def addressed_agencies(event: Event) -> set[str]:
    """Agencies that an event addresses; a list counts as a set."""
    return _agencies_in(event, _fields_of(event.type, ADDRESSING_FIELDS))


def names_unknown_agency(folding: Folding[Any]) -> bool:
    """Whether an event names an agency that the directory does not know."""
    event, known = folding.event, folding.directory.agency
    named = _agencies_in(event, _fields_of(event.type, NAMING_FIELDS))
    return any(known(code) is None for code in named)


@cache
def _fields_of(event_type: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the wanted fields that events of a type have at all."""
    fields = {field["name"] for field in catalogue().by_name(event_type).schema["fields"]}
    return tuple(name for name in wanted if name in fields)


def _agencies_in(event: Event, fields: tuple[str, ...]) -> set[str]:
    named: set[str] = set()
    for name in fields:
        value = event.data[name]
        if isinstance(value, str):
            named.add(value)
        else:
            named.update(one if isinstance(one, str) else one["debtor"] for one in value or ())
    return named


def only_system(folding: Folding[Any]) -> Codes:
    """Events that the ledger itself emits."""
    if not folding.is_system(folding.agency):
        yield "ROLE_REQUIRED"


def role_required(folding: Folding[Any], agency: str, role: str) -> Codes:
    """An agency has to have a role in the directory."""
    if not folding.directory.has_role(agency, role):
        yield "ROLE_REQUIRED"
