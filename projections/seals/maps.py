"""Read stored maps: the pages that a question needs, level by level.

Owns how pages are found by their addresses; what they say is `runut.merkle_map`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.errors import LedgerMismatch
from runut.merkle_map import MerkleMap

_SQL: Final = queries("proving")


async def read_pages(connection: Connection, tree: MerkleMap, keys: Collection[bytes]) -> None:
    """Read what a map needs before these keys can be looked up, proved or changed.

    Raises:
        LedgerMismatch: a page is missing, or is not the one that its address stands for.
    """
    while wanted := tree.missing(keys):
        asked = {"addresses": list(wanted)}
        cursor = await connection.execute(_SQL["map_pages"], asked, binary=True)
        found: dict[bytes, bytes] = dict(await cursor.fetchall())
        for lost in wanted - found.keys():
            raise LedgerMismatch(f"map page {lost.hex()}: expected it in the tables, found none")
        tree.read(found)
