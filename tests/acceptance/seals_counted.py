"""Seals of a counted world: written as a sealer writes them, and counted again by hand."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from projections.queries import queries
from projections.seals.install import install_seals
from runut import merkle
from runut.adapters.postgres import Connection
from runut.event import Recorded
from runut.notes import Checkpoint
from runut.seals import Seal, TreeHead, entry_of, origin_of
from runut.settings import Settings
from tests.recount import ZONE
from tests.sealed import LEDGER, SEALER, WITNESSES

SEALS: Final = 23
WITNESSED: Final = 21
"""The first ones; a witness is late with the last."""
BETWEEN: Final = timedelta(days=14)


class SealedAt(NamedTuple):
    """A seal, as far as a page tells of it."""

    at: datetime
    size: int
    """Records of the one partition that it covers."""
    entry: bytes
    signed_by: list[str]


async def seal(
    tables: Connection, settings: Settings, records: Sequence[Recorded], now: datetime
) -> list[SealedAt]:
    """Seal what was recorded by each of some days, the last one two days ago.

    One more seal is kept that nobody has signed yet.
    """
    await install_seals(tables, settings)
    found: list[SealedAt] = []
    for index in range(SEALS + 1):
        at = min(now, now - timedelta(days=2) - BETWEEN * (SEALS - 1 - index))
        size = 1 + max((one.offset for one in records if one.recorded_at <= at), default=-1)
        head = TreeHead(settings.events_topic, 0, size, bytes(32), bytes(32))
        entry = entry_of(Seal(bytes(16), index, int(at.timestamp() * 1000), (head,)))
        leaves = [merkle.leaf_hash(one.entry) for one in found] + [merkle.leaf_hash(entry)]
        checkpoint = Checkpoint(origin_of(LEDGER), len(leaves), merkle.root(leaves))
        row = (index, at, entry, leaves[-1], checkpoint.text())
        await tables.execute(queries("sealing")["add_seal"], row)
        if index < SEALS:
            found.append(SealedAt(at, size, entry, await _sign(tables, index, checkpoint)))
    return found


async def _sign(tables: Connection, index: int, checkpoint: Checkpoint) -> list[str]:
    signature = SEALER.sign(checkpoint.text())
    await tables.execute(queries("sealing")["add_seal_signature"], (index, signature.line()))
    if index >= WITNESSED:
        return [signature.name]
    seen = WITNESSES[0].cosign(checkpoint, 1)
    row = (index, seen.name, seen.line(), "2026-01-01T00:00:00Z")
    await tables.execute(queries("proving")["add_cosignature"], row)
    return [signature.name, seen.name]


def rows_of(seals: Sequence[SealedAt]) -> list[list[str]]:
    """The twenty newest, as the table of the audit page has them."""
    numbered = list(enumerate(seals))[::-1][:20]
    return [[str(n), told(one.at), _signers(one)] for n, one in numbered]


def told(moment: datetime) -> str:
    """A moment as pages have it."""
    local = moment.astimezone(ZONE)
    return f"{local.day} {local:%b %Y %H:%M} WIB"


def _signers(one: SealedAt) -> str:
    return ", ".join(one.signed_by) + ("" if len(one.signed_by) > 1 else " no witness yet")


def root_of(seals: Sequence[SealedAt]) -> str:
    """Root of the log of seals (RFC 9162, section 2.1.1), in base64."""
    return b64encode(_root([sha256(b"\0" + one.entry).digest() for one in seals])).decode()


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + _root(leaves[:k]) + _root(leaves[k:])).digest()
