"""How far the ledger is sealed, for pages that mark what is. Within a snapshot of the caller's."""

from __future__ import annotations

from projections.seals.log import SignedSeal, is_installed, latest_seal
from runut.adapters.postgres import Connection
from runut.errors import NotFound


async def newest_seal(connection: Connection) -> SignedSeal | None:
    """The newest seal; None where nothing is sealed yet."""
    if not await is_installed(connection):  # else the snapshot would be over
        return None
    try:
        return await latest_seal(connection)
    except NotFound:
        return None


def sizes_of(seal: SignedSeal, topic: str) -> dict[int, int]:
    """Of each partition of a topic how many records a seal covers."""
    return {one.partition: one.size for one in seal.seal.heads if one.topic == topic}
