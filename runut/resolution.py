"""Read what was written under an earlier contract as the one of today (Avro, "Schema Resolution").

Pure. A contract changes only so that old and new read each other (`runut.compatibility`): fields
come with a default and go, symbols come and go where the enumeration has a default. Owns what
becomes of values then; what bytes say is `runut.avro_reader`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from runut.compatibility import Named, definition, definitions

Resolve = Callable[[Any], Any]
"""A value of the earlier contract as one of today's."""


def resolution(earlier: dict[str, Any], today: dict[str, Any]) -> Resolve:
    """How values of one self-contained record schema are read as those of another."""
    return _of(earlier, today, definitions(earlier), definitions(today))


def _of(earlier: Any, today: Any, before: Named, now: Named) -> Resolve:
    earlier, today = definition(earlier, before), definition(today, now)
    if isinstance(earlier, list):
        inside = _of(earlier[1], today[1], before, now)
        return lambda value: None if value is None else inside(value)
    match earlier["type"]:
        case "record":
            return _of_record(earlier, today, before, now)
        case "array":
            item = _of(earlier["items"], today["items"], before, now)
            return lambda values: [item(value) for value in values]
        case "enum":
            known, default = frozenset(today["symbols"]), today.get("default")
            return lambda symbol: symbol if symbol in known else default
        case _:
            return _same


def _of_record(
    earlier: dict[str, Any], today: dict[str, Any], before: Named, now: Named
) -> Resolve:
    written = {field["name"]: field["type"] for field in earlier["fields"]}
    kept: dict[str, Resolve] = {}
    added: dict[str, Any] = {}
    for field in today["fields"]:
        name = field["name"]
        if name in written:
            kept[name] = _of(written[name], field["type"], before, now)
        else:
            added[name] = field["default"]
    names = [field["name"] for field in today["fields"]]

    def resolve(record: dict[str, Any]) -> dict[str, Any]:
        return {
            name: kept[name](record[name]) if name in kept else deepcopy(added[name])
            for name in names
        }

    return resolve


def _same(value: Any) -> Any:
    return value
