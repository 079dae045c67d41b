"""What the intake asks of the read models, which it does not reach itself: `cli` passes it in."""

from __future__ import annotations

from typing import Protocol

import msgspec

from runut.directory_log import DirectoryLog
from runut.event import Event, Recorded, Verdict


class Foreseen(msgspec.Struct, frozen=True):
    """The verdict that an event would get if it were recorded now."""

    verdict: Verdict
    codes: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """Where an event stands in the log."""

    partition: int
    offset: int
    content: bytes
    """As `Recorded.content`: whether a repeat says the same."""


class ReadModels(Protocol):
    """The state of subjects as far as the projector is.

    Each raises Unreachable or PlatformError where it cannot be asked.
    """

    async def foresee(self, recorded: Recorded, directories: DirectoryLog) -> Foreseen:
        """The verdict on an event as if it stood in the log behind all that is projected."""

    async def find(self, event: Event) -> Place | None:
        """Where the agency's first authentic event with this one's id stands.

        On its subject where there is one, else on whatever subject.
        """

    async def is_projected(self, partition: int, offset: int) -> bool:
        """Whether a place of the log is projected, waiting for it for some seconds."""
