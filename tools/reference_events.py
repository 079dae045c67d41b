"""Write docs/reference/events.md from the Avro schemas: every event and its fields.

Run after each change of a contract; a test refuses a page that says otherwise than the schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from runut.catalogue import EventType, catalogue, schema_folder

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "events.md"
SHARED: Final = ("Attachment", "Party", "PersonRef")
"""Shared records, which have a section of their own."""
NOT_WRITTEN: Final = "UNSPECIFIED"
"""What readers see in place of a symbol that is newer than they are; writers refuse it."""
PLAIN: Final = {
    "string": "text",
    "string.uuid": "UUID",
    "boolean": "true or false",
    "int": "integer",
    "int.date": "date",
    "long": "integer",
    "long.timestamp-micros": "time",
    "bytes": "base64",
    "bytes.decimal": "amount",
}
KINDS: Final = ("case", "meeting", "agreement", "agent", "programme")
HEAD: Final = """\
# Events

Made from the schemas by `python tools/reference_events.py`; do not edit.

An event in its JSON form, as `runut emit`, `runut import` and the SDK take it. `data` holds the
fields of the tables below; any other field of [every event](#every-event) may stand beside it:

```json
{"type": "LetterReceived", "subject": "case/KP2MI-2025-0001", "agency": "bp3mi-ntt",
 "occurred_at": "2025-06-13T15:00:00+07:00", "channel": "LETTER",
 "data": {"letter_id": "L1", "agenda_number": "0771"}}
```

- A *time* is RFC 3339 with its offset, a *date* `2025-06-13`, an *amount* text with two decimals
  (`"42000000.00"`), a *UUID* of any version.
- A field in *italics* may be left out: it is null, an empty list or the default that is named.
  So may `event_id`: the SDK and `runut emit` make a new one, `runut import` derives it from the
  line, so that a line imported again is the same event.
- An unknown field is an error that names it.
- Free text never names a person; a *PersonRef* does, sealed.

Who may emit which event, and what it does to the state, stands in the
[contract](../design/events.md), §3 to §5.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The whole page as Markdown."""
    shared = _shared()
    parts = [HEAD, _contents(), "## Every event\n", _table(shared["Meta"]["fields"], shared)]
    for heading, types in _groups():
        parts.append(f"## {heading}\n")
        parts += [_event(one, shared) for one in types]
    parts.append("## Shared records\n")
    for name in SHARED:
        record = shared[name]
        parts.append(f"### {name}\n\n{record['doc']}\n\n{_table(record['fields'], shared)}")
    return "\n".join(parts)


def _groups() -> Iterator[tuple[str, list[EventType]]]:
    ordered = sorted(catalogue(), key=lambda one: one.name)
    for kind in KINDS:
        yield f"On {kind}/", [one for one in ordered if one.kinds == {kind}]
    rest = [one for one in ordered if one.topic == "events" and len(one.kinds) > 1]
    yield "On several kinds of subject", rest
    yield "Of the directory", [one for one in ordered if _is_of_the_directory(one)]


def _is_of_the_directory(event_type: EventType) -> bool:
    return event_type.topic == "directory" or event_type.kinds == {"directory"}


def _contents() -> str:
    lines = []
    for heading, types in _groups():
        names = ", ".join(f"[{one.name}](#{one.name.lower()})" for one in types)
        lines.append(f"**{heading}** {names}\n")
    return "\n".join(lines)


def _event(event_type: EventType, shared: dict[str, Any]) -> str:
    about = event_type.schema["doc"]
    if len(event_type.kinds) > 1:
        about += f" On {', '.join(f'`{kind}/`' for kind in sorted(event_type.kinds))}."
    payload = [field for field in event_type.schema["fields"] if field["name"] != "meta"]
    fields = _table(payload, shared) if payload else "It carries no more than every event does.\n"
    return f"### {event_type.name}\n\n{about}\n\n{fields}"


def _table(fields: Iterable[dict[str, Any]], named: dict[str, Any]) -> str:
    rows = ["| field | what it takes | meaning |", "|---|---|---|"]
    for field in fields:
        name, optional = f"`{field['name']}`", "default" in field
        takes = _takes(field["type"], named)
        default = field.get("default")
        if default not in (None, [], NOT_WRITTEN):
            takes += f"; default {json.dumps(default)}"
        rows.append(f"| {f'*{name}*' if optional else name} | {takes} | {field['doc']} |")
    return "\n".join([*rows, ""])


def _takes(kind: Any, named: dict[str, Any]) -> str:
    """What a field's type takes in the JSON form."""
    if isinstance(kind, list):
        return _takes(next(one for one in kind if one != "null"), named)
    if isinstance(kind, str):
        name = kind.removeprefix("runut.events.")
        return PLAIN[kind] if kind in PLAIN else _named(name, named)
    if kind["type"] == "array":
        return f"list of {_takes(kind['items'], named)}"
    if kind["type"] in {"enum", "record"}:
        named[kind["name"]] = kind
        return _named(kind["name"], named)
    return PLAIN[".".join(filter(None, (kind["type"], kind.get("logicalType"))))]


def _named(name: str, named: dict[str, Any]) -> str:
    if name in SHARED:
        return f"[{name}](#{name.lower()})"
    schema = named[name]
    if schema["type"] == "enum":
        return ", ".join(f"`{one}`" for one in schema["symbols"] if one != NOT_WRITTEN)
    inner = (f"`{one['name']}` ({_takes(one['type'], named)})" for one in schema["fields"])
    return f"object of {', '.join(inner)}"


def _shared() -> dict[str, Any]:
    """Types that several schemas share, by name."""
    files = (schema_folder() / "common").glob("*.avsc")
    schemas = [json.loads(file.read_bytes()) for file in files]
    return {schema["name"]: schema for schema in schemas}


if __name__ == "__main__":
    main()
