"""Pages as of a past moment: chosen on the reader's clock, kept in links, for who may see now."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from embedded.platform import Endpoints
from projections.install import install
from runut.adapters.postgres import connected
from runut.settings import Settings
from tests.builders import project
from tests.coordination_story import CASE_A, at, story
from tests.ledgers import own_settings
from tests.page_outline import Outline, faults
from tests.page_stage import Pages, pages
from tests.page_tables import PageTables

NOW = at("04-20 09:00")
THEN = "2026-01-22T09:00"
"""Of case A an offer waits for bp3mi-ntt, which takes it a day later; B is reported in February."""
NO_PAST = re.compile("/audit|/account|/api/|.*/why[?]|/search")
PATHS = (
    *("/", "/cases", "/cases?open=1", "/commitments", "/transfers", "/letters?unanswered=1"),
    *("/meetings", "/agreements", "/agents", "/programmes", "/agencies", "/agencies/kp2mi"),
    *("/network", "/network?kind=LETTER"),
)


@pytest.fixture(scope="module")
async def told(platform: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = own_settings(platform, tmp_path_factory.mktemp("then"))
    async with connected(settings, name="tests", autocommit=True) as tables:
        await install(tables, settings)
        await project(tables, story())
    return settings


@pytest.fixture(scope="module")
async def site(told: Settings) -> AsyncIterator[Pages]:
    async with pages(told, NOW) as site:
        yield site


async def chosen(browser: httpx.AsyncClient, to: str, when: str = THEN) -> httpx.Response:
    """The page to which the form of a page leads."""
    gone = await browser.get("/as-of", params={"to": to, "at": when})
    assert gone.status_code == 303, gone.text
    return await browser.get(gone.headers["location"])


async def test_every_page_of_figures_is_whole_as_of_a_moment_and_says_which(site: Pages) -> None:
    async with site.reader() as browser:
        for path in PATHS:
            page = await chosen(browser, path)
            assert page.status_code == 200, page.text
            assert faults(page.text) == [], path
            words = " ".join(Outline(page.text).words.split())
            assert "As it was known at 22 Jan 2026 09:00 WIB, Asia/Jakarta" in words, path
            assert "Made at 22 Jan 2026 09:00" not in words, path
            assert 'value="2026-01-22T09:00"' in page.text
            assert "data-live=" not in page.text
            now = re.search(r'role="status">.*?<a href="([^"]*)">To the present', page.text)
            assert now
            assert unescape(now[1]) == path
            assert "As it was known" not in (await browser.get(path)).text


async def test_a_moment_is_kept_in_links_and_filters(site: Pages) -> None:
    async with site.reader() as browser:
        for path in PATHS:
            page = await chosen(browser, path)
            links = {unescape(one) for one in Outline(page.text).links}
            # Whatever leads elsewhere: to what tells of no past, or to the present.
            ours = {one for one in links if one.startswith("/") and not NO_PAST.match(one)}
            kept = {one for one in ours if "as_of=2026-01-22T09%3A00%3A00%2B07%3A00" in one}
            assert ours - kept <= {"/", path}
            assert len(kept) >= 10
            if f'class="filters" method="get" action="{path.partition("?")[0]}"' in page.text:
                assert 'name="as_of" value="2026-01-22T09:00:00+07:00"' in page.text
        found = await chosen(browser, "/cases?open=1")
        assert CASE_A.removeprefix("case/") in found.text
        assert PageTables(found.text).text("h-found") == "1 case"
        now = await browser.get("/cases?open=1")
        assert PageTables(now.text).text("h-found") == "2 cases"


async def test_the_zone_of_the_reader_decides_which_moment_is_meant(site: Pages) -> None:
    async with site.reader() as browser:
        gone = await browser.get(
            "/as-of", params={"to": "/cases", "at": THEN, "zone": "Asia/Tokyo"}
        )
        assert gone.headers["location"] == "/cases?as_of=2026-01-22T09%3A00%3A00%2B09%3A00"
        page = await browser.get(gone.headers["location"])
        assert "22 Jan 2026 07:00" in " ".join(Outline(page.text).words.split())
        back = await browser.get("/as-of", params={"to": "/cases?open=1&as_of=x", "at": ""})
        assert back.headers["location"] == "/cases?open=1"


async def test_no_other_site_and_no_time_without_days_around_it_is_led_to(site: Pages) -> None:
    async with site.reader() as browser:
        for to in ("//evil.example", "https://evil.example", "/\\evil.example"):
            assert (await browser.get("/as-of", params={"to": to})).status_code == 422
        for as_of in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-22T09:00", "x"):
            answer = await browser.get("/cases", params={"as_of": as_of})
            assert answer.status_code == 422, as_of
            assert faults(answer.text) == []
        before_all = await browser.get("/", params={"as_of": "1990-01-01T00:00:00Z"})
        assert PageTables(before_all.text).text("figure-open") == "0"


async def test_a_reader_sees_the_past_of_what_may_be_seen_now(site: Pages) -> None:
    """bp3mi-ntt has case A by now; kjri-jb has nothing to do with any."""
    async with site.reader("reader-bp3mi-ntt") as browser:
        early = await chosen(browser, "/cases", "2026-01-10T09:00")
        assert PageTables(early.text).text("h-found") == "1 case"
        assert PageTables((await browser.get("/cases")).text).text("h-found") == "1 case"
    async with site.reader("reader-kjri-jb") as browser:
        for path in ("/cases", "/letters", "/commitments", "/transfers"):
            page = await chosen(browser, path)
            assert PageTables(page.text).text("h-found").split()[0] == "0", path
        assert PageTables((await chosen(browser, "/")).text).text("figure-open") == "0"
