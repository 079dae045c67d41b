"""Guards that many rules share: who may, which roles, which agencies are known.

Pure. Each yields codes of events.md §3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from projections.folds.folding import Codes, Folding
from runut.catalogue import catalogue
from runut.event import Event
from runut.native import IS_USED

if IS_USED:
    from runut.native import folding as compiled


class FieldsOf(dict[str, tuple[str, ...]]):
    """Of each type of event, those of some fields that it has at all."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, event_type: str) -> tuple[str, ...]:
        had = {field["name"] for field in catalogue().by_name(event_type).schema["fields"]}
        found = self[event_type] = tuple(name for name in self._wanted if name in had)
        return found


ADDRESSING: Final = FieldsOf(("to", "provider", "debtor", "with"))
"""Fields that address an agency and so make it a participant (events.md §4)."""
NAMING: Final = FieldsOf(("to", "provider", "debtor", "with", "creditor", "custodian", "clauses"))
"""Fields that name agencies which the directory has to know; a clause names its debtor."""


def named_agencies(event: Event) -> Sequence[str]:
    """Agencies that an event names, which the directory has to know; some perhaps twice."""
    return _agencies_in(event, NAMING[event.type])


def plain_newcomers(
    event: Event, fields: tuple[str, ...], custodian: str, known: Sequence[str]
) -> list[str]:
    """Which of emitter, custodian and the agencies in some fields are not known yet."""
    named = (event.agency, custodian, *_agencies_in(event, fields))
    return [agency for agency in named if agency not in known]


newcomers: Final = compiled.newcomers if IS_USED else plain_newcomers


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
