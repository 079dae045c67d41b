"""`runut demo --world`: a ledger is filled, and filled again without a change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.settings import Settings
from tests.integration.outbox_stage import projecting
from tests.integration.test_look import runut

WORLD = ("demo", "--world", "--cases", "4", "--agencies", "20", "--years", "1", "--json")
JAKARTA = ZoneInfo("Asia/Jakarta")


async def verdicts(connection: Connection) -> Counter[str]:
    cursor = await connection.execute("SELECT verdict, count(*) FROM history GROUP BY verdict")
    return Counter(dict(await cursor.fetchall()))


async def test_a_world_fills_a_ledger_and_changes_nothing_again(founded: Settings) -> None:
    began = datetime.now(UTC).astimezone(JAKARTA).date()
    async with connected(founded, name="tests", autocommit=True) as connection:
        await install(connection, founded)
        async with projecting(founded):
            first = await runut(founded, *WORLD)
            assert first.code == 0, first.err
            once = await verdicts(connection)
            again = await runut(founded, *WORLD)
            twice = await verdicts(connection)
    told = first.document
    assert told.keys() == {"events", "cases", "agencies", "years", "seed", "until"}
    assert began <= datetime.fromisoformat(told["until"]).date()
    assert told["until"] <= datetime.now(UTC).astimezone(JAKARTA).date().isoformat()
    assert once.total() == told["events"]
    assert once["EFFECTIVE"] > 0.9 * once.total()
    assert again.document == told
    assert twice == once + Counter({"DUPLICATE": told["events"]})


async def test_a_world_of_no_day_is_a_wrong_usage(settings: Settings) -> None:
    ended = await runut(settings, "demo", "--world", "--until", "yesterday")
    assert ended.code == 2
    assert "yesterday" in ended.err
