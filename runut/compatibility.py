"""Whether a contract may become another one: Avro's FULL compatibility, both directions.

A log is read by old and new programs: each must read what the other wrote (Avro 1.12,
"Schema Resolution"). Covers what the contracts use, and is stricter in one thing: types stay
the same, since a promoted int is another contract. Docs and other annotations are free, save
`subjects`, which decides what is an event.
"""

from __future__ import annotations

from typing import Any, Final

# What may differ without a reader noticing; all else must be equal or is compared apart.
_FREE: Final = frozenset({"doc", "namespace", "default"})
_COMPARED: Final = ("fields", "symbols", "items", "type")

Named = dict[str, Any]


def incompatibilities(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Why programs with these two self-contained record schemas could not read each other.

    Each reason names the place by a dotted path; none means FULL compatibility. Checked
    against every earlier schema, that is FULL_TRANSITIVE.
    """
    return _types(old["name"], old, new, definitions(old), definitions(new))


def definitions(schema: Any) -> Named:
    """Every named type of a schema, wherever it is used first."""
    if isinstance(schema, list):
        return {name: one for part in schema for name, one in definitions(part).items()}
    if not isinstance(schema, dict):
        return {}
    own = {schema["name"]: schema} if "name" in schema else {}
    inner = (schema.get(part) for part in _COMPARED)
    return own | {name: one for part in inner for name, one in definitions(part).items()}


def _types(place: str, old: Any, new: Any, before: Named, after: Named) -> list[str]:
    old, new = definition(old, before), definition(new, after)
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{place}: expected a union of {len(old)}, found one of {len(new)}"]
        pairs = zip(old, new, strict=True)
        return [reason for a, b in pairs for reason in _types(place, a, b, before, after)]
    if not isinstance(old, dict) or not isinstance(new, dict) or old["type"] != new["type"]:
        return [f"{place}: expected {_shown(old)}, found {_shown(new)}"]
    reasons = [
        f"{place}: expected {key} {old.get(key)}, found {new.get(key)}"
        for key in sorted((old.keys() | new.keys()) - _FREE - {*_COMPARED})
        if old.get(key) != new.get(key)
    ]
    if old["type"] == "record":
        return reasons + _fields(place, old, new, before, after)
    if old["type"] == "enum":
        return reasons + _symbols(place, old, new)
    if old["type"] == "array":
        return reasons + _types(f"{place}[]", old["items"], new["items"], before, after)
    return reasons


def definition(schema: Any, named: Named) -> Any:
    """The definition behind a name; a union stays a list, anything else is an object."""
    if isinstance(schema, str):
        return named.get(schema, {"type": schema})
    return schema


def _fields(
    place: str, old: dict[str, Any], new: dict[str, Any], before: Named, after: Named
) -> list[str]:
    ours = {field["name"]: field for field in old["fields"]}
    theirs = {field["name"]: field for field in new["fields"]}
    reasons = [
        f"{place}.{name}: {what} without a default"
        for what, here, there in (("removed", ours, theirs), ("added", theirs, ours))
        for name, field in here.items()
        if name not in there and "default" not in field
    ]
    for name, field in ours.items():
        if name in theirs:
            inside = f"{place}.{name}"
            reasons += _types(inside, field["type"], theirs[name]["type"], before, after)
    return reasons


def _symbols(place: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Symbols may come and go where the side that lacks them has a default to show."""
    reasons = []
    for what, here, there in (("removed", old, new), ("added", new, old)):
        missing = [one for one in here["symbols"] if one not in there["symbols"]]
        if missing and there.get("default") not in there["symbols"]:
            reasons.append(f"{place}: {what} {', '.join(missing)} without a default of the enum")
    return reasons


def _shown(schema: Any) -> object:
    return schema["type"] if isinstance(schema, dict) else f"a union of {len(schema)}"
