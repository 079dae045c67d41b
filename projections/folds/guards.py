"""Guards that many rules share: who may, which roles, which agencies are known.

Pure. Each yields codes of events.md §3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from projections.folds.folding import Codes, Folding
from runut.catalogue import catalogue
from runut.event import Event

# Fields that address an agency and so make it a participant (events.md §4) …
ADDRESSING_FIELDS: Final = ("to", "provider", "debtor", "with")
# … and all that name agencies which the directory has to know; a clause names its debtor.
NAMING_FIELDS: Final = (*ADDRESSING_FIELDS, "creditor", "custodian", "clauses")


def addressed_agencies(event: Event) -> Sequence[str]:
    """Agencies that an event addresses, some perhaps more than once."""
    fields = _addressing_fields(event.type)
    return _agencies_in(event, fields) if fields else ()


def named_agencies(event: Event) -> Sequence[str]:
    """Agencies that an event names, which the directory has to know."""
    fields = _naming_fields(event.type)
    return _agencies_in(event, fields) if fields else ()


@cache
def _addressing_fields(event_type: str) -> tuple[str, ...]:
    return _fields_of(event_type, ADDRESSING_FIELDS)


@cache
def _naming_fields(event_type: str) -> tuple[str, ...]:
    return _fields_of(event_type, NAMING_FIELDS)


def _fields_of(event_type: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the wanted fields that events of a type have at all."""
    fields = {field["name"] for field in catalogue().by_name(event_type).schema["fields"]}
    return tuple(name for name in wanted if name in fields)


def _agencies_in(event: Event, fields: tuple[str, ...]) -> Sequence[str]:
    named: list[str] = []
    for name in fields:
        value = event.data[name]
        if type(value) is str:
            named.append(value)
        elif value:
            named += [one["debtor"] for one in value] if name == "clauses" else value
    return named


def only_system(folding: Folding[Any]) -> Codes:
    """Events that the ledger itself emits."""
    if not folding.is_system(folding.agency):
        yield "ROLE_REQUIRED"


def role_required(folding: Folding[Any], agency: str, role: str) -> Codes:
    """An agency has to have a role in the directory."""
    if not folding.directory.has_role(agency, role):
        yield "ROLE_REQUIRED"
