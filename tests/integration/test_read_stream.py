"""What is added to the history arrives at listeners, with real sockets between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import msgspec
import pytest

from dashboard import feed as following
from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.event import Recorded
from runut.settings import Settings
from tests.builders import on_subject, project, scenario
from tests.read_stage import ReadSide, Told, read_side, served, told

CASE = "case/BP3MI-NTT-2025-0001"
STORY = on_subject(scenario("01-unpaid-wages"), CASE)
BEFORE, AFTER = STORY[:10], STORY[10:]


@pytest.fixture
async def side(connection: Connection, settings: Settings) -> AsyncIterator[ReadSide]:
    """The routes over read models that hold half of a story, and know it."""
    await project(connection, BEFORE)
    async with read_side(settings) as side:
        assert await side.feed.reached(0, BEFORE[-1].offset, within_s=10)
        yield side


@pytest.fixture
async def address(side: ReadSide) -> AsyncIterator[str]:
    """Where they are."""
    async with served(side) as address:
        yield address


@asynccontextmanager
async def listening(
    address: str, token: str = "auditor", known: str | None = None, **asked: str
) -> AsyncIterator[AsyncIterator[Told]]:
    """A stream that has begun."""
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": known} if known else {})
    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(timeout=None) as client,
        client.stream("GET", f"{address}/stream", headers=headers, params=asked) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield told(answer)


async def some(stream: AsyncIterator[Told], count: int) -> list[Told]:
    return [await anext(stream) for _ in range(count)]


def places(events: Sequence[Told]) -> list[tuple[int, int]]:
    return [(one.data["partition"], one.data["offset"]) for one in events]


def places_of(records: Sequence[Recorded]) -> list[tuple[int, int]]:
    return [(one.partition, one.offset) for one in records]


async def test_listeners_hear_what_is_added_and_go_on_where_they_were(
    address: str, connection: Connection
) -> None:
    async with listening(address) as stream:
        (ready,) = await some(stream, 1)
        assert (ready.name, ready.id) == ("ready", f"0:{BEFORE[-1].offset + 1}")
        await project(connection, AFTER)
        heard = await some(stream, len(AFTER))
    assert {one.name for one in heard} == {"entry"}
    assert places(heard) == places_of(AFTER)
    assert heard[-1].data["subject"] == CASE
    assert heard[-1].data["seq"] == len(STORY)
    assert "data" not in heard[-1].data
    for missed in range(len(heard)):
        async with listening(address, known=heard[missed].id) as stream:
            again = await some(stream, len(AFTER) - missed)
        assert places(again[:-1]) == places_of(AFTER[missed + 1 :])
        assert (again[-1].name, again[-1].id) == ("ready", heard[-1].id)


async def test_a_reader_hears_of_what_it_may_see_and_of_what_it_wants(
    address: str, connection: Connection
) -> None:
    other = scenario("07-meeting-with-decisions", first_offset=100)
    about = {one.event.subject for one in other}
    async with (
        listening(address, "reader-bp3mi-ntt") as taking_part,
        listening(address, "auditor", subject=CASE) as of_one,
        listening(address, "auditor", agency="bp3mi-ntt") as of_agency,
        listening(address, "reader-kemensos") as elsewhere,
    ):
        streams = (taking_part, of_one, of_agency, elsewhere)
        for stream in streams:
            assert (await anext(stream)).name == "ready"
        await project(connection, [*other, *_moved(AFTER, 200)])
        for stream in (taking_part, of_one, of_agency):
            heard = await some(stream, len(AFTER))
            assert {one.data["subject"] for one in heard} == {CASE}
        (heard_elsewhere,) = await some(elsewhere, 1)
        assert heard_elsewhere.data["subject"] in about


def _moved(records: Sequence[Recorded], first: int) -> list[Recorded]:
    return [msgspec.structs.replace(one, offset=first + n) for n, one in enumerate(records)]


async def test_more_than_is_told_line_by_line_is_a_resync(
    address: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", len(AFTER) - 1)
    monkeypatch.setattr("dashboard.stream.AT_ONCE", len(AFTER) - 1)
    async with listening(address) as stream:
        ready, resync = await anext(stream), None
        await project(connection, AFTER)
        resync = await anext(stream)
    assert (resync.name, resync.data) == ("resync", {})
    for known in (ready.id, "0:1000000"):
        async with listening(address, known=known) as stream:
            first = await anext(stream)
        assert (first.name, first.id) == ("resync", resync.id)


async def test_streams_end_when_the_process_is_told_to_stop(side: ReadSide, address: str) -> None:
    async with listening(address) as stream:
        assert (await anext(stream)).name == "ready"
        side.stopping.set()
        assert [one async for one in stream] == []


async def test_a_question_waits_for_the_write_that_it_names(
    side: ReadSide, connection: Connection
) -> None:
    last = AFTER[-1]
    waiting = asyncio.create_task(side.get("/commitments", after=f"{last.partition}:{last.offset}"))
    before = await side.get("/commitments")
    assert not waiting.done()
    await project(connection, AFTER)
    found = await waiting
    assert found.status_code == 200
    assert found.headers["runut-positions"] == f"0:{last.offset + 1}"
    assert before.headers["runut-positions"] == f"0:{BEFORE[-1].offset + 1}"


async def test_a_feed_that_lost_its_connection_comes_back_and_misses_nothing(
    side: ReadSide, address: str, connection: Connection, settings: Settings
) -> None:
    async with listening(address) as stream:
        assert (await anext(stream)).name == "ready"
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'runut web feed' AND datname = current_database()"
        )
        await project(connection, AFTER)
        heard = await some(stream, len(AFTER))
    assert places(heard) == places_of(AFTER)


async def test_what_other_read_models_tell_is_not_listened_to(
    side: ReadSide, address: str, connection: Connection, settings: Settings
) -> None:
    other = settings.model_copy(
        update={
            "model_schema": f"{settings.model_schema}_b",
            "views_schema": f"{settings.views_schema}_b",
        }
    )
    async with (
        connected(other, name="tests", autocommit=True) as beside,
        listening(address) as stream,
    ):
        assert (await anext(stream)).name == "ready"
        await install(beside, other)
        await project(beside, STORY)
        await project(connection, AFTER)
        assert places(await some(stream, len(AFTER))) == places_of(AFTER)


async def test_head_of_the_stream_is_answered_at_once_and_leaves_no_listener(
    side: ReadSide, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LISTENERS", 1)
    headers = {"Authorization": "Bearer auditor"}
    async with asyncio.timeout(10), httpx.AsyncClient(timeout=None, headers=headers) as client:
        head = await client.head(f"{address}/stream")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        while (await client.head(f"{address}/stream")).status_code != 200:
            await asyncio.sleep(0.01)
