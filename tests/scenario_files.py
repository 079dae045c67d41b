"""The stories of tests/scenarios: their names, their subjects, and what differs from the expected.

Four came with the contract, the rest is our own (tests/scenarios/README-own.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.builders import SCENARIOS, expected, scenario

NAMES: Final = tuple(sorted(file.stem for file in SCENARIOS.glob("*.jsonl")))
GIVEN: Final = (
    "01-unpaid-wages",
    "03-letter-never-answered",
    "05-two-silos-merged",
    "06-agreement-breached-and-fined",
)
OWN: Final = tuple(name for name in NAMES if name not in GIVEN)


def subjects_of(name: str) -> list[str]:
    """Every subject of a story's events, sorted."""
    return sorted({one.event.subject for one in scenario(name)})


def wanted_states(name: str) -> dict[str, Any]:
    """Subject → what its state has to hold; None for one that must have no state."""
    return expected(name)["states"]  # type: ignore[no-any-return]


def irregular_entries(history: list[dict[str, Any]]) -> list[list[Any]]:
    """The IRREGULAR entries of a history in the form of an expected.json."""
    return [
        [entry["type"], entry["agency"], entry["occurred_at"], entry["codes"]]
        for entry in history
        if entry["verdict"] == "IRREGULAR"
    ]


def differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Where `found` lacks what an expected.json wants; nothing where `builders.agrees` holds.

    Objects may have more fields than wanted, lists may not have more items.
    """
    return list(_differences(wanted, found, where))


def _differences(wanted: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            yield from _differences(value, found.get(name, "nothing"), f"{where} {name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for n, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(one, other, f"{where} [{n}]")
    elif wanted != found:
        yield f"{where}: expected {wanted!r}, found {found!r}"
