"""What of an event may be told to whom, by its security class (events.md §1, `security`).

Pure. That a guarded event happened, and what it changed, everybody sees who sees its subject: they
have to work together. What it says in words is for its emitter, the agencies that it names, who
ever was custodian, and auditors. Where it may not be told, neither its payload nor any of its words
shows anywhere: rows and states took them from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from projections.batch import HistoryEntry
from projections.portraits import Document
from projections.rights import Sight
from projections.sentences import AGENCY_FIELDS, SUBJECT_FIELDS
from runut.catalogue import catalogue
from runut.event import Event
from runut.personal_data import NAMES_OF_THINGS

OPEN: Final = "ORDINARY"
"""The class of what is told to everybody who takes part."""

# Text that is a name for something, and shows wherever that thing does.
_NAMES: Final = (
    *(NAMES_OF_THINGS | AGENCY_FIELDS | SUBJECT_FIELDS),
    *("region", "replacement", "series", "target"),
)


def may_be_told(event: Event, sight: Sight, custodians: Collection[str]) -> bool:
    """Whether somebody may read what an event says; `custodians` are all that its case ever had."""
    if event.meta["security"] == OPEN or sight.is_auditor:
        return True
    agency = sight.agency
    return agency is not None and (agency in custodians or agency in named_agencies(event))


def named_agencies(event: Event) -> set[str]:
    """Its emitter, for whom that emitted, and every agency that its payload names."""
    named = {event.agency, event.meta["on_behalf_of"]}
    for field, value in event.data.items():
        if field in AGENCY_FIELDS:
            named.update([value] if isinstance(value, str) else value or ())
        elif field == "attendance":
            named.update(one["agency"] for one in value)
        elif field == "clauses":
            named.update(one["debtor"] for one in value)
    return {one for one in named if one is not None}


def withhold_entry(entry: Document, security: str) -> Document:
    """A line of the history without what its event says; `withheld` names its class."""
    text = {
        "id": f"Isi peristiwa ini tidak untuk instansi Anda ({security}).",
        "en": f"What this event says is not for your agency ({security}).",
    }
    return {**entry, "data": {}, "text": text, "withheld": security}


class Words:
    """What guarded events say in words: of each text its event, and whether it may be told."""

    def __init__(self) -> None:
        self._said: dict[tuple[str | None, str], list[tuple[HistoryEntry, bool]]] = {}

    def add(self, entry: HistoryEntry, told: bool) -> None:
        """Take in the words of one more guarded event."""
        event = entry.recorded.event
        for text in words_of(event):
            self._said.setdefault((event.subject, text), []).append((entry, told))

    def withheld_from(
        self,
        document: Any,
        read: list[HistoryEntry],
        subject: str | None = None,
        field: str | None = None,
    ) -> Any:
        """The document with the class in place of every text that may not be told.

        An object is about its `subject`, else about that of what it is in. Only fields that hold
        words are looked at: a custodian or a limit stays, whatever somebody wrote. The events whose
        texts it does show are added to `read`.
        """
        match document:
            case dict():
                about = document.get("subject", subject)
                return {
                    name: self.withheld_from(one, read, about, name)
                    for name, one in document.items()
                }
            case list():
                return [self.withheld_from(one, read, subject, field) for one in document]
            case str() if (subject, document) in self._said and field in fields_of_words():
                return self._shown(self._said[subject, document], document, read)
            case _:
                return document

    def _shown(
        self, said: Sequence[tuple[HistoryEntry, bool]], text: str, read: list[HistoryEntry]
    ) -> str:
        for entry, told in said:
            if not told:
                return f"[{entry.recorded.event.meta['security']}]"
        read += [entry for entry, _ in said]
        return text


@cache
def fields_of_words() -> frozenset[str]:
    """Names under which documents show free text: those of payloads, and one that rows add."""
    named = {
        name
        for one in catalogue()
        for field, schema in _free_fields(one.name).items()
        for name in _names(field, schema)
    }
    return frozenset({*named, "answer_reason"})


def words_of(event: Event) -> set[str]:
    """All free text of an event's payload."""
    found: set[str] = set()
    for name, schema in _free_fields(event.type).items():
        found.update(_strings(schema, event.data[name]))
    return found


Schema = Any
"""An Avro type: a name, a union, or an object; named types stand in full."""


def _strings(schema: Schema, value: Any) -> Iterator[str]:
    """Free text in a value of some Avro type."""
    if value is None:
        return
    if isinstance(schema, list):
        schema = schema[1]
    if schema == "string":
        if any(char.isalnum() for char in value):
            yield value
    elif isinstance(schema, Mapping) and schema["type"] == "array":
        for one in value:
            yield from _strings(schema["items"], one)
    elif isinstance(schema, Mapping) and schema["type"] == "record":
        for field in schema["fields"]:
            if _is_free(field["name"]):
                yield from _strings(field["type"], value[field["name"]])


def _names(name: str, schema: Schema) -> Iterator[str]:
    """A field's own name if it holds free text, and those of fields within it that do."""
    if isinstance(schema, list):
        schema = schema[1]
    if schema == "string":
        yield name
    elif isinstance(schema, Mapping) and schema["type"] == "array":
        yield from _names(name, schema["items"])
    elif isinstance(schema, Mapping) and schema["type"] == "record":
        for field in schema["fields"]:
            if _is_free(field["name"]):
                yield from _names(field["name"], field["type"])


@cache
def _free_fields(event_type: str) -> dict[str, Schema]:
    defined: dict[str, Schema] = {}
    _, *payload = catalogue().by_name(event_type).schema["fields"]
    whole = [(field["name"], _in_full(field["type"], defined)) for field in payload]
    return {name: schema for name, schema in whole if _is_free(name)}


def _in_full(schema: Schema, defined: dict[str, Schema]) -> Schema:
    """A type with those that it names, which a schema defines at their first use alone."""
    if isinstance(schema, list):
        return [_in_full(one, defined) for one in schema]
    if isinstance(schema, str):
        return defined.get(schema, schema)
    if schema["type"] == "array":
        return {**schema, "items": _in_full(schema["items"], defined)}
    if schema["type"] == "record":
        fields = [{**one, "type": _in_full(one["type"], defined)} for one in schema["fields"]]
        schema = {**schema, "fields": fields}
    if "name" in schema:
        defined[schema["name"]] = schema
    return schema


def _is_free(name: str) -> bool:
    return name not in _NAMES and not name.endswith("_id")
