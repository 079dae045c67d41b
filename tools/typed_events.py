"""Write runut/events/ from the Avro schemas: a class for every event that an agency emits.

A module for each folder of schemas; types that several schemas share are in `shared`. Run after
each change of a contract; a test refuses classes that say otherwise than the schemas.
"""

from __future__ import annotations

import json
import keyword
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from runut.catalogue import schema_folder
from runut.event import LEDGER_KINDS

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "runut" / "events"
ABOUT: Final = {
    "agent": "Events on agent/: placement agents (P3MI).",
    "agreement": "Events on agreement/: what agencies owe each other by agreement (PKS).",
    "case": "Events on case/: one worker's trouble, from the report to the closing.",
    "common": "Events on several kinds of subject: commitments, decisions, corrections.",
    "meeting": "Events on meeting/: how agencies meet, and what they decide.",
    "programme": "Events on programme/: one-stop centres, villages, outreach.",
    "shared": "What events have in common: their meta fields, records and lists of words.",
}
MADE: Final = "Made from the schemas by `python tools/typed_events.py`; do not edit."
ARGUMENTS: Final = frozenset({"subject", "agency", "occurred_at"})
"""Meta fields that are arguments of their own wherever an event is emitted."""
NOT_WRITTEN: Final = "UNSPECIFIED"
PLAIN: Final = {
    "string": "str",
    "string.uuid": "str | UUID",
    "boolean": "bool",
    "int": "int",
    "int.date": "datetime.date",
    "long": "int",
    "long.timestamp-micros": "datetime.datetime",
    "bytes": "bytes",
    "bytes.decimal": "Decimal",
}
IMPORTS: Final = {
    "datetime": "import datetime",
    "Decimal": "from decimal import Decimal",
    "Literal": "from typing import Literal",
    "TypedDict": "from typing import TypedDict",
    "TypeVar": "from typing import TypeVar",
    "UUID": "from uuid import UUID",
    "msgspec": "import msgspec",
    "TypedEvent": "from runut.typed_event import TypedEvent",
}

ITEMS: Final = '''\
Item = TypeVar("Item")

Items = list[Item] | tuple[Item, ...]
"""A list, or a tuple that stands for one."""
'''

Schema = dict[str, Any]


def main() -> None:
    """Write the package."""
    PACKAGE.mkdir(exist_ok=True)
    for name, text in modules().items():
        (PACKAGE / name).write_text(text)


def modules() -> dict[str, str]:
    """The text of each file, by its name."""
    folders = _schemas()
    events = {
        folder: [one for one in schemas if _is_emitted(one)] for folder, schemas in folders.items()
    }
    shared = [one for one in folders["common"] if "subjects" not in one]
    texts = {"shared": _shared_module(shared)}
    known = {one["name"]: "shared" for one in shared} | {"Items": "shared"}
    for folder, schemas in events.items():
        if schemas:
            texts[folder] = _events_module(folder, schemas, known)
    texts["__init__"] = _package({name: _defined(text) for name, text in texts.items()})
    return {f"{name}.py": _formatted(text) for name, text in texts.items()}


def _schemas() -> dict[str, list[Schema]]:
    found: dict[str, list[Schema]] = {}
    for file in sorted(schema_folder().glob("*/*.avsc")):
        found.setdefault(file.parent.name, []).append(json.loads(file.read_bytes()))
    return found


def _is_emitted(schema: Schema) -> bool:
    return not LEDGER_KINDS.isdisjoint(schema.get("subjects", ()))


def _shared_module(schemas: list[Schema]) -> str:
    body = [text for schema in schemas for text in _definitions(schema)]
    return _module("shared", [ITEMS, *body], set())


def _events_module(folder: str, schemas: list[Schema], known: dict[str, str]) -> str:
    body = [text for schema in schemas for text in _definitions(schema)]
    return _module(folder, body, set(known))


def _module(name: str, body: list[str], known: set[str]) -> str:
    text = "\n".join(body)
    words = set(_words(text))
    used = sorted(known & words)
    imports = [line for word, line in IMPORTS.items() if word in words]
    if used:
        imports.append(f"from runut.events.shared import {', '.join(used)}")
    head = _doc(f"{ABOUT[name]}\n\n{MADE}")
    return "\n".join([head, "from __future__ import annotations\n", *imports, "", text, ""])


def _package(defined: dict[str, list[str]]) -> str:
    head = _doc(
        "Every event that an agency emits as a class of its own, with the types of its fields.\n\n"
        "A class takes its event's fields by name; `emit` and `TypedEvent.on` take the subject, "
        f"the\nagency and what else is said about it. {MADE}"
    )
    imports = [
        f"from runut.events.{name} import {', '.join(sorted(defined[name]))}"
        for name in sorted(defined)
    ]
    names = sorted(name for names in defined.values() for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    return "\n".join([head, *imports, "", f"__all__ = [{listed},]", ""])


def _defined(text: str) -> list[str]:
    """Names that a module gives its users."""
    found = []
    for line in text.splitlines():
        if line.startswith("class "):
            found.append(line[len("class ") :].partition("(")[0])
        elif " = Literal[" in line and not line.startswith(" "):
            found.append(line.partition(" ")[0])
    return found


def _definitions(schema: Schema) -> Iterator[str]:
    """What a schema defines, the named types within it first."""
    for field in schema.get("fields", ()):
        for inner in _named_types(field["type"]):
            yield from _definitions(inner)
    if schema["name"] == "Meta":
        yield _meta(schema)
    elif schema["type"] == "enum":
        symbols = ", ".join(f'"{one}"' for one in schema["symbols"] if one != NOT_WRITTEN)
        yield f"{schema['name']} = Literal[{symbols}]\n{_doc(schema['doc'])}\n"
    elif "subjects" in schema:
        yield _record(schema, base="TypedEvent", more=_places(schema))
    else:
        yield _record(schema, base="msgspec.Struct")


def _named_types(kind: Any) -> Iterator[Schema]:
    """Named types that a field's type defines on the spot."""
    if isinstance(kind, list):
        for one in kind:
            yield from _named_types(one)
    elif isinstance(kind, dict):
        if "name" in kind:
            yield kind
        yield from _named_types(kind.get("items"))


def _record(schema: Schema, *, base: str, more: str = "") -> str:
    fields = [field for field in schema["fields"] if field["name"] != "meta"]
    head = f"class {schema['name']}({base}, frozen=True, kw_only=True):"
    return "\n".join([head, _doc(schema["doc"] + more, 4), *map(_field, fields), ""])


def _places(schema: Schema) -> str:
    kinds = ", ".join(f"`{kind}/`" for kind in schema["subjects"])
    return f"\n\nOn {kinds}." if len(schema["subjects"]) > 1 else ""


def _field(field: Schema) -> str:
    name, takes = field["name"], _takes(field["type"])
    default = [_default(field["default"])] if "default" in field else []
    if keyword.iskeyword(name):
        given = "".join(f", default={one}" for one in default)
        line = f'{name}_: {takes} = msgspec.field(name="{name}"{given})'
    else:
        line = f"{name}: {takes}" + "".join(f" = {one}" for one in default)
    return f"    {line}\n{_doc(field['doc'], 4)}"


def _default(value: Any) -> str:
    return "()" if value == [] else repr(value)


def _meta(schema: Schema) -> str:
    about = "What may be said about any event beside its subject, its agency and when it happened."
    fields = [
        f"    {field['name']}: {_takes(field['type'])}\n{_doc(field['doc'], 4)}"
        for field in schema["fields"]
        if field["name"] not in ARGUMENTS
    ]
    return "\n".join(["class Meta(TypedDict, total=False):", _doc(about, 4), *fields, ""])


def _takes(kind: Any) -> str:
    """The Python type of what a field takes."""
    if isinstance(kind, list):
        (inner,) = (one for one in kind if one != "null")
        return f"{_takes(inner)} | None"
    if isinstance(kind, str):
        return PLAIN.get(kind, kind)
    if kind["type"] == "array":
        return f"Items[{_takes(kind['items'])}]"
    if kind["type"] in {"enum", "record"}:
        return str(kind["name"])
    return PLAIN[".".join(filter(None, (kind["type"], kind.get("logicalType"))))]


def _words(text: str) -> Iterator[str]:
    """Identifiers in the code, docstrings apart."""
    for part in text.split('"""')[::2]:
        yield from "".join(c if c.isalnum() or c == "_" else " " for c in part).split()


def _doc(text: str, indent: int = 0) -> str:
    """A docstring of at most 100 columns; lines that are given stay lines."""
    margin = " " * indent
    room = 100 - indent
    lines = [
        line
        for given in f'"""{text}'.split("\n")
        for line in textwrap.wrap(given, room, break_on_hyphens=False) or [""]
    ]
    if len(lines) == 1 and len(lines[0]) + 3 <= room:
        return f'{margin}{lines[0]}"""'
    return "\n".join([*(f"{margin}{line}".rstrip() for line in lines), f'{margin}"""'])


def _formatted(text: str) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--select=I", "--fix-only"], ["format"]):
        text = subprocess.run(
            [*ruff, *command, "--quiet", "--stdin-filename", PACKAGE / "made.py", "-"],
            input=text,
            capture_output=True,
            check=True,
            text=True,
            cwd=ROOT,
        ).stdout
    return text


if __name__ == "__main__":
    main()
