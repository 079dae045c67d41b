"""One event of each type as agencies write it, for documents and for trying things out.

The lines of `examples.jsonl` come from the stories that the tests fold; each would be effective in
its place. No example has an event_id: whoever sends one twice sends two events.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson


@cache
def examples() -> dict[str, dict[str, Any]]:
    """The JSON form of one event by its type, sorted; not to be changed."""
    lines = Path(__file__).with_name("examples.jsonl").read_bytes().splitlines()
    return {one["type"]: one for one in map(orjson.loads, lines)}
