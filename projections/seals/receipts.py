"""The evidence for one event: where it stands, which seal covered it first, and the proof.

Owns how an event is found by its id, which only the read models know. The proof is of the record at
that place: that it holds the event, the record itself shows, whose hash is in the proof.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from projections.queries import queries
from projections.reading import expecting_tables
from projections.seals.known import KnownTrees
from projections.seals.log import first_covering, seal_at
from projections.seals.proofs import Proofs
from runut.adapters.postgres import Connection
from runut.errors import BadInput, NotFound
from runut.event import UUID_PATTERN
from runut.proofs import RecordProof, SealProof
from runut.settings import Settings

_SQL: Final = queries("proving")
_PLACE: Final = re.compile(r"(directory|[0-9]{1,4}):([0-9]{1,18})")


class Place(msgspec.Struct, frozen=True):
    """Where a record stands; of an event, also what the read models say of it."""

    topic: str
    partition: int
    offset: int
    event_id: str | None = None
    subject: str | None = None
    recorded_at: datetime | None = None


class FirstSeal(msgspec.Struct, frozen=True):
    """The first seal that covers a record, and the one before it, under the proof's checkpoint."""

    index: int
    sealed_at: datetime
    proof: SealProof
    before: SealProof | None
    """None where it is the first of all."""


class Inclusion(msgspec.Struct, frozen=True):
    """That a record is in the sealed log."""

    place: Place
    first_sealed: FirstSeal
    proof: RecordProof


async def find_place(
    connection: Connection, settings: Settings, wanted: str, agency: str | None = None
) -> Place:
    """Where an event stands: by its id, or at `PARTITION:OFFSET` or `directory:OFFSET`.

    Of several records with the id, the first that was authentic; of an agency's, if one is given:
    each may give an id that another one gave.

    Raises:
        BadInput: it is neither.
        NotFound: no event of that id is projected.
    """
    if found := _PLACE.fullmatch(wanted):
        partition, offset = found.groups()
        if partition == "directory":
            return Place(settings.directory_topic, 0, int(offset))
        return Place(settings.events_topic, int(partition), int(offset))
    event_id = wanted.lower()  # as ids are kept, however they were sent
    if not UUID_PATTERN.fullmatch(event_id):
        raise BadInput("event", "its id (a UUID), PARTITION:OFFSET or directory:OFFSET", wanted)
    with expecting_tables():
        cursor = await connection.execute(
            _SQL["event_place"], {"event_id": event_id, "agency": agency}
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"event {event_id}", "the ledger holds none of that id, or not yet")
    return Place(settings.events_topic, *row)


async def prove_inclusion(
    connection: Connection,
    settings: Settings,
    place: Place,
    at: int | None = None,
    known: KnownTrees | None = None,
) -> Inclusion:
    """The evidence for a place; `at` is the index of the seal to prove it by.

    Raises:
        NotFound: no seal covers it yet, or not that one.
    """
    where = place.topic, place.partition, place.offset
    proofs = Proofs(connection, settings, known)
    proof = await proofs.record(*where, at)
    first = await first_covering(connection, *where)
    if first is None:
        raise NotFound(":".join(map(str, where)), "no seal covers it yet")
    index = first.seal.index
    under = await seal_at(connection, proof.seal.checkpoint().size - 1)
    before = await seal_at(connection, index - 1) if index else None
    found = FirstSeal(
        *(index, first.sealed_at, await proofs.seal(first, under)),
        await proofs.seal(before, under) if before else None,
    )
    return Inclusion(place, found, proof)
