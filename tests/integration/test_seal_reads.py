"""Proofs read a few rows of large tables: no question looks through one of them."""

from __future__ import annotations

from typing import Any

import pytest

from projections.queries import queries
from projections.seals.install import install_seals
from runut.adapters.postgres import Connection
from runut.settings import Settings

MANY = 30_000
FILL = (
    "INSERT INTO leaf_run SELECT 1, n * 16, 16, k, k, substring(k FROM 1 FOR 32)"
    "  FROM generate_series(0, %(many)s - 1) AS n,"
    "       (SELECT string_agg(sha256(i::text::bytea), '') FROM generate_series(1, 16) i) AS _ (k)",
    "INSERT INTO tile_node SELECT 1, 1, n, sha256('n') FROM generate_series(0, %(many)s - 1) AS n",
    "INSERT INTO map_page SELECT sha256(n::text::bytea), 'p'"
    "  FROM generate_series(0, %(many)s - 1) AS n",
    "INSERT INTO seal SELECT n, CURRENT_TIMESTAMP, 'e', sha256('\\x00'::bytea || 'e'), 'c'"
    "  FROM generate_series(0, %(many)s - 1) AS n",
    "INSERT INTO seal_signature SELECT n, 'l' FROM generate_series(0, %(many)s - 1) AS n",
    "INSERT INTO tree VALUES (1, 'events', 0)",
)
ASKED: dict[str, dict[str, Any]] = {
    "leaf_runs": {"tree": 1, "tiles": [0, 70, 195]},
    "tile_nodes": {"tree": 1, "levels": [1, 1, 2], "tiles": [0, 195, 0]},
    "seal_leaves": {"tiles": [0, 195]},
    "seal_entries": {"tiles": [3]},
    "map_pages": {"addresses": [bytes(32), bytes(32)]},
    "seal_at": {"index": 20_000},
    "latest_seals": {},
    "tree_sizes": {},
}
SMALL = (" on tree ", " on cosignature ")


@pytest.fixture
async def filled(connection: Connection, settings: Settings) -> Connection:
    """A connection to tables of seals with many rows."""
    await install_seals(connection, settings)
    for statement in FILL:
        await connection.execute(statement, {"many": MANY})
    await connection.execute("ANALYZE leaf_run, tile_node, map_page, seal, seal_signature")
    return connection


async def test_no_question_looks_through_a_whole_table(filled: Connection) -> None:
    for name, asked in ASKED.items():
        cursor = await filled.execute(f"EXPLAIN {queries('proving')[name]}", asked)
        plan = [row[0] for row in await cursor.fetchall()]
        looked_through = [line for line in plan if "Seq Scan" in line]
        assert [line for line in looked_through if not any(map(line.__contains__, SMALL))] == []
