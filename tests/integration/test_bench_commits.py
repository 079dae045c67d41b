"""When a row became visible, as the benchmark finds out afterwards."""

from __future__ import annotations

from bench.end_to_end import committed_at
from runut.adapters.postgres import Connection


async def commit(connection: Connection, partition: int, offset: int) -> None:
    await connection.execute("INSERT INTO history VALUES (%s, %s, 0)", [partition, offset])


async def test_a_row_that_was_written_anew_was_visible_before_those_behind_it(
    connection: Connection,
) -> None:
    await connection.execute(
        'CREATE TEMPORARY TABLE history (partition integer, "offset" bigint, corrected integer)'
    )
    for place in ((0, 7), (0, 8), (1, 3)):
        await commit(connection, *place)
    before = await committed_at(connection, [(0, 7), (0, 8), (1, 3)])
    assert before == sorted(before)

    await connection.execute(
        'UPDATE history SET corrected = 1 WHERE partition = 0 AND "offset" = 7'
    )
    first, behind, other = await committed_at(connection, [(0, 7), (0, 8), (1, 3)])
    assert (first, behind, other) == (before[1], *before[1:])
