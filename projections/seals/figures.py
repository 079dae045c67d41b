"""What PostgreSQL knows of sealing, for `runut status`: the last checkpoint and what waits."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from projections.queries import queries
from projections.seals.log import is_installed, latest_seals
from runut.adapters.postgres import Connection
from runut.errors import NotFound

SEALER: Final = "runut sealer"
"""Name of a sealer's connection."""

_SQL: Final = queries("proving")


class SealFigures(msgspec.Struct, frozen=True):
    """Sealing in figures."""

    is_sealing: bool
    """Whether a sealer is connected."""
    index: int | None
    """Of the last seal; None before the first."""
    root: bytes | None
    sealed_at: datetime | None
    cosigned_index: int | None
    """Of the last seal that a witness cosigned."""
    unsealed: int
    """Records that were read and that no seal covers yet."""
    sealed: dict[str, int]
    """How many records of each `topic/partition` the last seal covers."""


async def seal_figures(connection: Connection) -> SealFigures:
    """The figures at this moment."""
    has_sealer = await is_sealing(connection)
    if not await is_installed(connection):
        return SealFigures(has_sealer, None, None, None, None, 0, {})
    cursor = await connection.execute(_SQL["tree_sizes"])
    leaves = sum([size for *_, size in await cursor.fetchall()])
    try:
        found = await latest_seals(connection)
    except NotFound:
        return SealFigures(has_sealer, None, None, None, None, leaves, {})
    first, last = found[0], found[-1]
    sealed = {f"{head.topic}/{head.partition}": head.size for head in last.seal.heads}
    return SealFigures(
        has_sealer,
        last.seal.index,
        last.checkpoint.root,
        last.sealed_at,
        first.seal.index if first.is_cosigned else None,
        max(0, leaves - sum(sealed.values())),
        sealed,
    )


async def is_sealing(connection: Connection) -> bool:
    """Whether a sealer is connected."""
    cursor = await connection.execute(_SQL["sealing"], {"sealer": SEALER})
    return await cursor.fetchone() == (True,)
