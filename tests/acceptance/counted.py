"""A sample world, who reads its pages, and what its events come to when they are counted again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any, NamedTuple

import httpx
from msgspec.structs import replace

from producers.world import Options, events
from producers.world.ground import AGENCIES
from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.rfc3339 import parse_time
from runut.settings import Settings
from tests.acceptance.seals_counted import SealedAt, seal
from tests.builders import directory_log, directory_objects, project, recorded
from tests.naive.directory import view_at
from tests.page_stage import pages
from tests.page_tables import PageTables
from tests.recount import Recount

OPTIONS = Options(until=date(2026, 6, 30), cases=150, agencies=20, years=1)
NOW = parse_time("2026-06-30T05:00:00+07:00")
THEN = parse_time("2026-03-16T10:00:00+07:00")

Json = dict[str, Any]


class World(NamedTuple):
    """A ledger and who reads it."""

    settings: Settings
    browser: httpx.AsyncClient
    tables: Connection
    recounts: dict[str, Recount]
    seals: list[SealedAt]

    def counted(self, when: str) -> tuple[Recount, Json]:
        """The recount of a moment, and how the pages are asked for it."""
        asked = {"as_of": THEN.isoformat()} if when == "then" else {}
        return self.recounts[when], asked


@asynccontextmanager
async def counted_world(settings: Settings) -> AsyncIterator[World]:
    """A sample world whose events were recorded as they happened, and its recounts."""
    log = directory_log(AGENCIES)
    told = events(OPTIONS, log.latest)
    records = [
        replace(
            recorded(event, offset, event.occurred_at + timedelta(seconds=20)),
            directory_offset=log.size - 1,
        )
        for offset, event in enumerate(told, 1)
    ]
    async with connected(settings, name="tests", autocommit=True) as tables:
        await install(tables, settings)
        await project(tables, records, log.at, path=AGENCIES)
        recounts = {"now": Recount(records, view(), NOW), "then": Recount(records, view(), THEN)}
        seals = await seal(tables, settings, records, NOW)
        async with pages(settings, NOW) as site, site.reader() as browser:
            yield World(settings, browser, tables, recounts, seals)


def view() -> Json:
    facts = [
        {"offset": offset, "type": one["type"], "data": one["data"]}
        for offset, one in enumerate(directory_objects(AGENCIES))
    ]
    view: Json = view_at(facts, len(facts))
    return view


async def page(world: World, path: str, **asked: Any) -> PageTables:
    answer = await world.browser.get(httpx.URL(path).copy_merge_params(asked))
    assert answer.status_code == 200, answer.text
    return PageTables(answer.text)


async def api(world: World, path: str, **asked: Any) -> Any:
    answer = await world.browser.get(f"/api/v1/{path}", params=asked or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def items(world: World, path: str, **asked: Any) -> list[Json]:
    """A whole list of the API."""
    answer = await world.browser.get(f"/api/v1/{path}", params={"limit": 1000, **asked})
    assert answer.status_code == 200, answer.text
    assert "link" not in answer.headers
    found: list[Json] = answer.json()
    return found


async def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    """Rows of the stable views."""
    async with world.tables.transaction():
        await world.tables.execute(f"SET LOCAL search_path TO {world.settings.views_schema}")
        return await (await world.tables.execute(query)).fetchall()  # type: ignore[call-overload, no-any-return]


async def register(world: World, path: str, group: str, **asked: Any) -> list[list[str]]:
    """All parts of a register."""
    found: list[list[str]] = []
    while True:
        answer = await world.browser.get(path, params=asked)
        found += PageTables(answer.text).rows(group)
        if 'rel="next"' not in answer.text:
            return found
        after = answer.text.partition('rel="next" href="')[2].partition('"')[0]
        asked = dict(httpx.URL(after.replace("&amp;", "&")).params)
