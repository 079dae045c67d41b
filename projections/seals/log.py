"""Read the log of seals: what was signed, and who cosigned it.

Owns which seals are to be seen: those whose checkpoint is signed. A signature or cosignature is
shown as it was stored; whoever trusts the key verifies it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg

from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.errors import BadInput, NotFound
from runut.notes import Checkpoint, Note, parse_checkpoint, parse_signatures
from runut.seals import Seal, seal_of

NOTHING_YET: Final = "nothing was sealed yet"

_SQL: Final = queries("proving")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SignedSeal(msgspec.Struct, frozen=True):
    """A seal with the checkpoint of the log that ends with it."""

    seal: Seal
    entry: bytes
    note: Note
    """The checkpoint, signed by the ledger's key and then by witnesses."""

    @property
    def sealed_at(self) -> datetime:
        """When it was made: as its entry says, which is signed, and not as the row beside it.

        Raises:
            BadInput: at no moment that there is.
        """
        try:
            return _EPOCH + timedelta(milliseconds=self.seal.sealed_at_ms)
        except OverflowError:
            thing, found = f"time of seal {self.seal.index}", self.seal.sealed_at_ms
            raise BadInput(thing, "milliseconds of the years 1 to 9999", found) from None

    @property
    def is_cosigned(self) -> bool:
        """Whether a witness is among those who signed."""
        return len(self.note.signatures) > 1

    @property
    def checkpoint(self) -> Checkpoint:
        """The log that ends with it."""
        return parse_checkpoint(self.note.text)


@contextmanager
def expecting_seals() -> Iterator[None]:
    """Whatever is asked within needs the tables of seals. Not for within a transaction.

    Raises:
        NotFound: there are none, for the sealer makes them.
    """
    try:
        yield
    except psycopg.errors.UndefinedTable:
        raise NotFound("checkpoint", NOTHING_YET) from None


async def is_installed(connection: Connection) -> bool:
    """Whether there are tables of seals: the sealer makes them."""
    cursor = await connection.execute("SELECT to_regclass('seal_signature') IS NOT NULL")
    return await cursor.fetchone() == (True,)


async def latest_seals(connection: Connection) -> list[SignedSeal]:
    """The newest seal that a witness cosigned, if there is one, and the newest of all; in order.

    Raises:
        NotFound: nothing was sealed yet.
    """
    with expecting_seals():
        cursor = await connection.execute(_SQL["latest_seals"], binary=True)
        found = [_signed_seal(row) for row in await cursor.fetchall()]
    if not found:
        raise NotFound("checkpoint", NOTHING_YET)
    return found


async def latest_seal(connection: Connection) -> SignedSeal:
    """The newest seal. Raises as `latest_seals`."""
    return (await latest_seals(connection))[-1]


async def latest_checkpoint(connection: Connection) -> str | None:
    """`SIZE ROOT` of the newest seal, the root in base64; None where nothing is sealed yet."""
    try:
        found = (await latest_seal(connection)).checkpoint
    except NotFound:
        return None
    return f"{found.size} {b64encode(found.root).decode()}"


async def seal_at(connection: Connection, index: int) -> SignedSeal:
    """A seal by its index.

    Raises:
        NotFound: there is no such seal, or it is not signed yet.
    """
    with expecting_seals():
        cursor = await connection.execute(_SQL["seal_at"], {"index": index}, binary=True)
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"seal {index}", "there is none yet")
    return _signed_seal(row)


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


def _signed_seal(row: tuple[Any, ...]) -> SignedSeal:
    entry, text, line, cosigned = row
    return SignedSeal(seal_of(entry), entry, Note(text, parse_signatures(line + (cosigned or ""))))
