"""The event types of the ledger, loaded from the Avro files of `schemas/`.

Owns which types exist, on which kinds of subject and in which topic each belongs, and its
schema's identity. Files name shared types (`Meta`); a loaded schema is
self-contained: a named type is defined at its first use and referenced afterwards.
Refuses files that are no JSON or name a type that no file defines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from runut.errors import BadFile, BadInput

NAMESPACE: Final = "runut.events"
Topic = Literal["events", "directory"]
EARLIER: Final = "earlier"
"""Folder of what contracts were before."""


class EventType(msgspec.Struct, frozen=True, eq=False):
    """One kind of event: what it is called, where it belongs, how its bytes are laid out."""

    name: str
    kinds: frozenset[str]
    """Kinds of subject on which it belongs, such as `case`."""
    topic: Topic
    schema: dict[str, Any]
    """Self-contained Avro schema, with docs and defaults."""
    canonical: bytes
    """The whole schema as JSON: keys sorted, no spaces, UTF-8."""
    sha256: bytes
    """Identity of the schema: SHA-256 of `canonical` (integrity.md §1)."""
    today: EventType | None = None
    """Of an earlier contract the one that took its place: as such its events are read."""

    @property
    def full_name(self) -> str:
        """`runut.events.LetterSent`: the Avro full name, also the CloudEvents type."""
        return f"{NAMESPACE}.{self.name}"


class Catalogue:
    """All event types, found by name or by the SHA-256 of their canonical schema."""

    def __init__(self, types: list[EventType], earlier: Iterable[EventType] = ()) -> None:
        """Take the types, and what some of them were before."""
        self._by_name = {one.name: one for one in types}
        self._by_sha256 = {one.sha256: one for one in (*earlier, *types)}

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def ever(self) -> Iterator[EventType]:
        """Every contract, those of earlier releases before those of today."""
        return iter(self._by_sha256.values())

    def by_name(self, name: str) -> EventType:
        """The type called `name`, such as `LetterSent`.

        Raises:
            BadInput: there is none; the message suggests a close one.
        """
        found = self._by_name.get(name)
        if found is None:
            close = get_close_matches(name, self._by_name, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise BadInput("type", f"an event type of the catalogue{hint}", name)
        return found

    def by_sha256(self, sha256: bytes) -> EventType:
        """The type whose canonical schema has, or had in an earlier release, this hash.

        Raises:
            BadInput: this release knows no such schema.
        """
        found = self._by_sha256.get(sha256)
        if found is None:
            raise BadInput("schema", "one of this release's catalogue", sha256.hex())
        return found


@cache
def catalogue() -> Catalogue:
    """The catalogue of this release.

    Raises:
        BadFile: the installed schema files are broken.
    """
    return load_catalogue(schema_folder())


def schema_folder() -> Path:
    """Where the Avro files are: inside an installed wheel, else beside the package."""
    package = Path(__file__).parent
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


def load_catalogue(folder: Path) -> Catalogue:
    """Load `folder/*/*.avsc`; a record with a field `meta` is an event, all else is shared.

    What contracts were before they were changed is in `folder/earlier`, each whole in a file that
    is named after its type and its hash: a log holds events of all of them.

    Raises:
        BadFile: a file is no JSON object, or names a type that no file defines; an earlier
            contract is not the one that its name says.
    """
    files = sorted(one for one in folder.glob("*/*.avsc") if one.parent.name != EARLIER)
    if not files:
        raise BadFile(str(folder), "Avro schema files (*/*.avsc)", "none")
    named = {}
    for file in files:
        schema = _read(file)
        named[schema["name"]] = schema
    events = [one for one in named.values() if _is_event(one)]
    types = [_event_type(_inline(one, named, set())) for one in events]
    today = {one.name: one for one in types}
    return Catalogue(types, [_earlier(one, today) for one in sorted(folder.glob(f"{EARLIER}/*"))])


def earlier_name(event_type: EventType) -> str:
    """The file in which a contract is kept once it was changed."""
    return f"{event_type.name}.{event_type.sha256.hex()[:16]}.avsc"


def _earlier(file: Path, today: dict[str, EventType]) -> EventType:
    schema = _object(file)
    name = schema.get("name")
    if name not in today or not _is_event(schema):
        raise BadFile(str(file), "an earlier contract of an event of this release", name)
    found = _event_type(schema, today[name])
    if file.name != earlier_name(found):
        raise BadFile(str(file), f"to be called {earlier_name(found)}, as its content has it", file)
    return found


def canonical_json(schema: dict[str, Any]) -> bytes:
    """A schema's canonical text: all of it, keys sorted, no spaces, UTF-8."""
    return json.dumps(
        schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _read(file: Path) -> dict[str, Any]:
    schema = _object(file)
    if schema.get("name") != file.stem:
        raise BadFile(str(file), f"a schema named {file.stem}", schema)
    return schema


def _object(file: Path) -> dict[str, Any]:
    try:
        schema = json.loads(file.read_bytes())
    except ValueError as error:
        raise BadFile(str(file), "an Avro schema as JSON", error) from None
    if not isinstance(schema, dict):
        raise BadFile(str(file), "an Avro schema as a JSON object", schema)
    return schema


def _is_event(schema: dict[str, Any]) -> bool:
    return any(field["name"] == "meta" for field in schema.get("fields", ()))


def _event_type(schema: dict[str, Any], today: EventType | None = None) -> EventType:
    """The type of a self-contained schema."""
    kinds = frozenset(schema["subjects"])
    canonical = canonical_json(schema)
    return EventType(
        name=schema["name"],
        kinds=kinds,
        topic="directory" if kinds <= {"agency", "ledger"} else "events",
        schema=schema,
        canonical=canonical,
        sha256=hashlib.sha256(canonical).digest(),
        today=today,
    )


def _inline(node: Any, named: dict[str, dict[str, Any]], defined: set[str]) -> Any:
    """Copy a type, with each shared type defined where it is used first."""
    if isinstance(node, list):
        return [_inline(one, named, defined) for one in node]
    if isinstance(node, dict):
        # Only where a type can stand: docs, defaults and symbols are no references.
        return {
            key: _inline(value, named, defined) if key in _HOLDS_TYPES else value
            for key, value in node.items()
        }
    # Names of types are capitalised, Avro's own are not.
    if node.islower():
        return node
    name = node.removeprefix(f"{NAMESPACE}.")
    if name in defined:
        return name
    if name not in named:
        raise BadFile(f"schema type {node}", "a type defined in schemas/common", "none")
    defined.add(name)
    # It inherits the namespace around it; registries drop what is said twice.
    inner = {key: value for key, value in named[name].items() if key != "namespace"}
    return _inline(inner, named, defined)


_HOLDS_TYPES: Final = frozenset({"type", "items", "fields"})
