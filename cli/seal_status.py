"""Sealing in `runut status`: the last checkpoint, what waits for the next one, what to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from rich.text import Text

from projections.seals.figures import SealFigures
from runut.rfc3339 import format_time
from runut.settings import Settings

PROMISED_S: Final = 600.0
"""Within which a record is to be covered by a seal (integrity.md §7)."""


def checkpoint_status(
    settings: Settings, figures: SealFigures, ends: Mapping[int, int] | None, now: datetime
) -> dict[str, Any]:
    """The last checkpoint as JSON; `index` is null before the first.

    `unsealed` counts the events that no seal covers: all that Kafka has of them, where it answers.
    """
    sealed_at = figures.sealed_at
    return {
        "index": figures.index,
        "size": None if figures.index is None else figures.index + 1,
        "root": msgspec.to_builtins(figures.root),
        "sealed_at": format_time(sealed_at) if sealed_at else None,
        "age_s": (now - sealed_at).total_seconds() if sealed_at else None,
        "cosigned_index": figures.cosigned_index,
        "unsealed": figures.unsealed if ends is None else _unsealed(settings, figures, ends),
        "sealing": figures.is_sealing,
    }


def seal_warnings(found: dict[str, Any]) -> Iterator[str]:
    """What is worth a look."""
    if not found["sealing"]:
        yield "nobody seals: start a sealer with runut up or runut sealer"
    if found["unsealed"] and found["age_s"] is not None and found["age_s"] > PROMISED_S:
        waiting, age_s = found["unsealed"], found["age_s"]
        yield f"{waiting} records wait for a seal; the last one was made {age_s:.0f} s ago"


def seal_line(found: dict[str, Any]) -> Text:
    """One line for people."""
    if found["index"] is None:
        return Text(f"seals: none yet, {found['unsealed']} records wait for the first")
    cosigned = found["cosigned_index"]
    witnessed = "not cosigned" if cosigned is None else f"cosigned up to {cosigned}"
    last = f"the last is {found['index']} of {found['sealed_at']}"
    return Text(f"seals: {last}, {witnessed}, {found['unsealed']} records wait for the next")


def _unsealed(settings: Settings, figures: SealFigures, ends: Mapping[int, int]) -> int:
    sealed = figures.sealed
    topic = settings.events_topic
    return sum(max(0, end - sealed.get(f"{topic}/{one}", 0)) for one, end in ends.items())
