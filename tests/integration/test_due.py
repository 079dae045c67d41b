"""What is due is found by indexes of due dates: open commitments cost a look for it nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.deadlines import fill
from projections.due import due_at
from projections.queries import queries
from runut.adapters.postgres import Connection

OPEN = 20_000
WALKED = {
    "to_breach": "commitment_to_breach",
    "to_lapse": "commitment_to_lapse",
    "to_escalate": "commitment_to_escalate",
    "transfers_to_escalate": "subject_to_escalate",
    "owed_between": "commitment_pending",
}
"""The index that each query walks."""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


@pytest.mark.parametrize("is_analyzed", [True, False], ids=["analyzed", "never-analyzed"])
async def test_every_query_walks_its_index_and_reads_no_table_through(
    connection: Connection, is_analyzed: bool
) -> None:
    await fill(connection, OPEN)
    if not is_analyzed:  # as after a rebuild that nobody looked at yet
        await connection.execute(
            "SELECT pg_clear_relation_stats(%s, 'commitment')", (await schema(connection),)
        )
    moment = datetime.now(UTC) + timedelta(days=2, minutes=1)
    asked = {"moment": moment, "limit": 500, "after": moment, "until": moment, "known": moment}
    for name, index in WALKED.items():
        cursor = await connection.execute(
            b"EXPLAIN (FORMAT JSON) " + queries("due")[name].encode(), asked
        )
        row = await cursor.fetchone()
        assert row is not None
        found = list(nodes(row[0][0]["Plan"]))
        assert "Seq Scan" not in {node["Node Type"] for node in found}, name
        assert index in {node.get("Index Name") for node in found}, name


async def schema(connection: Connection) -> str:
    cursor = await connection.execute("SELECT current_schema()")
    row = await cursor.fetchone()
    assert row is not None
    return str(row[0])


async def test_what_is_due_comes_in_due_order_and_no_more_than_was_asked_for(
    connection: Connection,
) -> None:
    await fill(connection, OPEN)
    moment = datetime.now(UTC) + timedelta(days=2, minutes=2)
    found = await due_at(connection, moment, 5)
    assert [one.commitment_id for one in found.breaches] == ["P1", "P2", "P3", "P4", "P5"]
    assert found.size == 5
