"""How an outbox stands: what is still to be sent, and what waits for a person.

Owns what an operator sees and decides. Reads and writes the agency's database alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from producers.outbox.source import address_of, connected
from runut.errors import BadInput, NotFound

NAME: Final = "runut outbox"
SHOWN: Final = 1000
"""Refused rows and waiting subjects that are listed at most."""


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that can be no event. Later rows of its subject wait, unless a later one was sent."""

    id: str
    subject: str
    version: int
    type: str
    reason: str


class WaitingSubject(msgspec.Struct, frozen=True):
    """A subject whose next version is not in the outbox, while a later one is."""

    subject: str
    missing: int
    seen: int
    """The highest version that waits."""


class Standing(msgspec.Struct, frozen=True):
    """An outbox at a moment."""

    source: str
    """`host:port/database`."""
    unsent: int
    """Committed rows that the relay has still to look at."""
    held_back: int
    """How many of them wait for a transaction that began before theirs, of whatever database."""
    oldest: datetime | None
    """The earliest occurred_at of the unsent, of those in the years 1 to 9999."""
    refused: list[RefusedRow]
    waiting: list[WaitingSubject]

    @property
    def needs_a_person(self) -> bool:
        """Whether something does not go on by itself."""
        return bool(self.refused or self.waiting)


class Resolved(NamedTuple):
    """A row that was refused until now."""

    subject: str
    version: int


class _Unsent(NamedTuple):
    unsent: int
    held_back: int
    oldest: datetime | None


async def standing(url: str) -> Standing:
    """How the outbox of a database stands.

    Raises:
        Unreachable: the database does not answer.
        BadInput: it has no outbox, or we no rights on it.
    """
    async with connected(url, name=NAME) as source:
        (unsent,) = await source.ask(_Unsent, "standing")
        return Standing(
            address_of(url),
            *unsent,
            refused=await source.ask(RefusedRow, "refused", limit=SHOWN),
            waiting=await source.ask(WaitingSubject, "waiting", limit=SHOWN),
        )


async def resolve(url: str, row: str, *, skipped: bool) -> Resolved:
    """Have a refused row left out, or tried again; the relay is told.

    Raises:
        BadInput: it is no UUID, or as `standing`.
        NotFound: no such row was refused.
        Unreachable: the database does not answer.
    """
    try:
        row_id = str(UUID(row))
    except ValueError:
        raise BadInput("row", "the UUID of an outbox row", row) from None
    async with connected(url, name=NAME) as source:
        found = await source.ask(Resolved, "resolve", id=row_id, skipped=skipped)
    if not found:
        raise NotFound(f"row {row_id}", "no such row was refused; see: runut outbox status")
    return found[0]
