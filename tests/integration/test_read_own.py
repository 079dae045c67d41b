"""An agency asks about its own notices and quarantined records; those who read cannot write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from cli.web_reads import SESSION
from projections import notice_outbox, quarantine
from projections.batch import Changes
from projections.claims import claim_of
from projections.notices import Notice, enqueue
from projections.quarantine import Place
from projections.store import Quarantined, Store
from runut.adapters.postgres import Connection, Pool
from runut.records import RawRecord
from runut.settings import Settings
from tests.builders import RECORDED_AT, directory_log, directory_records
from tests.read_stage import NOW, ReadSide, read_side, without_origin

OWN, OTHERS = "kbri-kl", "polri"


@pytest.fixture
async def side(connection: Connection, settings: Settings) -> AsyncIterator[ReadSide]:
    """The routes over seven notices and six records that are no event, of two agencies."""
    store = Store(connection)
    await store.save_directory(directory_records(), directory_log().latest)
    await enqueue(connection, [_notice(n) for n in range(7)])
    position = (await store.claim([0]))[0]
    await store.commit([(position, position)], Changes(), [_no_event(n) for n in range(6)])
    async with read_side(settings) as side:
        yield side


def _notice(n: int) -> Notice:
    agency = OWN if n % 2 else OTHERS
    made_at = RECORDED_AT + timedelta(minutes=n // 3)  # some at the same moment
    notice_id = f"0f3e7e5c-0000-4000-8000-{n:012d}"
    return Notice(notice_id, agency, "LETTER", f"case/{n}", "L1", None, made_at)


def _no_event(n: int) -> Quarantined:
    source = f"/agencies/{OWN if n % 2 else OTHERS}".encode()
    headers = (("ce_source", source),)
    raw = RawRecord("runut.events", 0, n, 0, 1, b"case/X", b"junk", headers)
    claim = claim_of(raw, directory_log().latest)
    return Quarantined(raw, RECORDED_AT + timedelta(seconds=n), "value: expected a frame", claim)


async def test_notices_are_those_of_the_command_and_ones_own(
    side: ReadSide, connection: Connection
) -> None:
    everything = await notice_outbox.listed(connection, NOW)
    assert (await side.get("/notices", "operator")).json() == everything
    own = [one for one in everything if one["agency"] == OWN]
    assert (await side.get("/notices", f"reader-{OWN}")).json() == own
    walked, link = [], f"/notices?limit=2&agency={OWN}"
    async with side.client("operator") as client:
        while link:
            answer = await client.get(link)
            walked += answer.json()
            link = f"http://read{answer.links['next']['url']}" if answer.links else ""
    assert walked == own
    assert (await side.get("/notices", f"reader-{OWN}", agency=OTHERS)).status_code == 403


async def test_records_that_are_no_event_are_shown_to_whom_they_claim_to_be_from(
    side: ReadSide, connection: Connection
) -> None:
    everything = await quarantine.listed(connection)
    assert [one["offset"] for one in everything] == [5, 4, 3, 2, 1, 0]
    assert (await side.get("/quarantine", "auditor", format="jsonl")).text.count("\n") == 6
    own = [one for one in everything if one["agency"] == OWN]
    assert len(own) == 3
    page = await side.get("/quarantine", f"reader-{OWN}", limit=2)
    rest = await side.get(page.links["next"]["url"].removeprefix("/api/v1"), f"reader-{OWN}")
    assert page.json() + rest.json() == own
    one = await side.get("/quarantine/0:1", f"reader-{OWN}")
    assert without_origin(one) == await quarantine.shown(connection, Place(0, 1))
    assert (await side.get("/quarantine/0:0", f"reader-{OWN}")).status_code == 404
    assert (await side.get("/quarantine/0:0", "operator")).status_code == 200


async def test_connections_that_read_cannot_write(
    connection: Connection, settings: Settings
) -> None:
    pool = Pool(settings, name="tests", size=1, session=SESSION)
    async with pool, pool.lent() as reading:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await reading.execute("DELETE FROM subject")
