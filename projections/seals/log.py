"""Read the log of seals: what was signed, and who cosigned it.

Owns which seals are to be seen: those whose checkpoint is signed. A signature or cosignature is
shown as it was stored; whoever trusts the key verifies it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.errors import NotFound
from runut.notes import Checkpoint, Note, parse_checkpoint, parse_signatures
from runut.seals import Seal, seal_of

_SQL: Final = queries("proving")


class SignedSeal(msgspec.Struct, frozen=True):
    """A seal with the checkpoint of the log that ends with it."""

    seal: Seal
    sealed_at: datetime
    entry: bytes
    note: Note
    """The checkpoint, signed by the ledger's key and then by witnesses."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The log that ends with it."""
        return parse_checkpoint(self.note.text)


async def is_installed(connection: Connection) -> bool:
    """Whether there are tables of seals: the sealer makes them."""
    cursor = await connection.execute("SELECT to_regclass('seal_signature') IS NOT NULL")
    return await cursor.fetchone() == (True,)


async def latest_seal(connection: Connection) -> SignedSeal:
    """The newest seal.

    Raises:
        NotFound: nothing was sealed yet.
    """
    return await seal_at(connection, await _index(connection, "latest_index"))


async def latest_cosigned(connection: Connection) -> SignedSeal | None:
    """The newest seal that a witness cosigned; None if there is none."""
    try:
        return await seal_at(connection, await _index(connection, "latest_cosigned_index"))
    except NotFound:
        return None


async def seal_at(connection: Connection, index: int) -> SignedSeal:
    """A seal by its index.

    Raises:
        NotFound: there is no such seal, or it is not signed yet.
    """
    asked = {"indexes": [index]}
    cursor = await connection.execute(_SQL["seals"], asked, binary=True)
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"seal {index}", "there is none yet")
    _, sealed_at, entry, text, line = row
    cursor = await connection.execute(_SQL["cosignatures"], asked)
    lines = [line, *(cosigned for _, cosigned, _ in await cursor.fetchall())]
    note = Note(text, parse_signatures("".join(lines)))
    return SignedSeal(seal_of(entry), sealed_at, entry, note)


async def first_covering(
    connection: Connection, topic: str, partition: int, offset: int
) -> SignedSeal | None:
    """The first seal that covers an offset of a partition; None if none does yet.

    Looks at O(log n) of the seals.
    """
    try:
        low, high = 0, (await latest_seal(connection)).seal.index + 1
    except NotFound:
        return None
    end = high
    while low < high:
        middle = (low + high) // 2
        found = await seal_at(connection, middle)
        if found.seal.head(topic, partition).size > offset:
            high = middle
        else:
            low = middle + 1
    return await seal_at(connection, low) if low < end else None


async def _index(connection: Connection, query: str) -> int:
    if await is_installed(connection):
        cursor = await connection.execute(_SQL[query])
        row = await cursor.fetchone()
        if row is not None and row[0] is not None:
            return int(row[0])
    raise NotFound("checkpoint", "nothing was sealed yet")
