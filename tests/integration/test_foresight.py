"""The verdict in advance is the one that the event gets, whatever it needs to know for that."""

from __future__ import annotations

import pytest
from psycopg.pq import TransactionStatus

from projections.foresight import verdicts_in_advance
from runut.adapters.postgres import Connection, connected
from runut.errors import PlatformError
from runut.event import Recorded
from runut.settings import Settings
from tests.builders import SCENARIOS, directory_from, project, scenario

NAMES = sorted(file.stem for file in SCENARIOS.glob("*.jsonl"))
TOGETHER = 10

Judged = list[tuple[str, list[str]]]


async def judged(connection: Connection, records: list[Recorded]) -> Judged:
    """The verdicts of records that are projected."""
    found: Judged = []
    for one in records:
        cursor = await connection.execute(
            'SELECT verdict, codes FROM history WHERE partition = %s AND "offset" = %s',
            (one.partition, one.offset),
        )
        found += await cursor.fetchall()
    return found


async def test_what_is_foreseen_is_what_is_projected(connection: Connection) -> None:
    records: list[Recorded] = []
    for name in NAMES:
        records += scenario(name, first_offset=len(records) + 1)
    directories = directory_from()
    for at in range(0, len(records), TOGETHER):
        some = records[at : at + TOGETHER]
        entries = await verdicts_in_advance(connection, directories, some)
        await project(connection, some, directories)
        found = [(entry.verdict, list(entry.codes)) for entry in entries]
        assert found == await judged(connection, some)


async def test_read_models_that_are_not_there_are_missed_and_the_connection_goes_on(
    settings: Settings,
) -> None:
    absent = settings.model_copy(update={"model_schema": "never_made"})
    records = scenario(NAMES[0])[:1]
    async with connected(absent, name="tests", autocommit=True) as connection:
        with pytest.raises(PlatformError, match=r"^read models: expected tables"):
            await verdicts_in_advance(connection, directory_from(), records)
        assert connection.info.transaction_status is TransactionStatus.IDLE
        cursor = await connection.execute("SELECT 1")
        assert await cursor.fetchone() == (1,)
