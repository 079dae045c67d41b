"""What the histories of one kind of subject are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.histories.author import Author

Data = dict[str, Any]
Payload = Callable[["Author"], Data]


@dataclass(frozen=True)
class Story:
    """The events that may come, what they carry, and who may emit them."""

    subject: str
    first: Sequence[str]
    """Types that usually come first."""
    payloads: Mapping[str, Payload]
    weigh: Callable[[Author, str], int]
    """How often a type comes now; 0 where there is nothing that it could be about."""
    concerned: Callable[[Author, str, Data], Sequence[str]]
    """The agencies that may emit it; nobody in particular where empty."""
