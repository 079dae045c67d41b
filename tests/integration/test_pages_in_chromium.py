"""The pages in a real browser: a walk as people take it, on a desk and on a phone; axe-core.

One browser for all tests, and one session of a reader who signed in (`tools.chromium`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, StorageState, async_playwright, expect

from embedded.platform import Endpoints
from projections.install import install
from runut.adapters.postgres import connected
from runut.event import Recorded
from runut.settings import Settings
from tests.account_issuer import AccountIssuer
from tests.builders import project
from tests.issuer import IssuerKey, running
from tests.ledgers import own_settings
from tests.page_stage import pages, served
from tests.read_stage import all_scenarios
from tests.sealed import Sealed
from tools.chromium import system_chromium

PATIENCE_MS = 60_000
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CASE = "/cases/BP3MI-NTT-2025-0001"
LATE = "/cases/DISNAKER-KUPANG-2025-0044"
PAGES = (
    *("/", "/cases?open=1", "/commitments?overdue=1", "/letters", "/transfers", CASE, LATE),
    *("/meetings", "/meetings/RAKOR-2026-02", "/agreements", "/agreements/PKS-RUMAH-AMAN-NTT"),
    *("/agents", "/agents/P3MI-CAHAYA-TIMUR", "/programmes", "/programmes/LTSA-KUPANG"),
    *("/agencies", "/agencies/kp2mi", "/network", "/audit", "/search?q=NTT", "/cases/NOT-THERE"),
    f"{CASE}/why?commitment=TRANSFER_ANSWER:T1:kp2mi",
)


NARROW = ("/", "/cases?open=1", CASE, "/meetings/RAKOR-2026-02", "/network", "/audit")
"""Of each form of page one."""


@pytest.fixture(scope="module")
async def world(platform: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of read models that hold every scenario."""
    settings = own_settings(platform, tmp_path_factory.mktemp("chromium"))
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        await project(connection, list(all_scenarios()))
    return settings


@pytest.fixture(scope="module")
async def address(world: Settings) -> AsyncIterator[str]:
    """Where the pages are served."""
    async with pages(world) as site, served(site) as address:
        site.app.state.site.reads.export = sealed
        yield address


async def sealed(subject: str, _demand: object) -> bytes:
    """The genuine bundle of a case of the first story, which was sealed and witnessed."""
    ledger = Sealed()
    ledger.announce()
    ledger.tell()
    ledger.seal()
    return await asyncio.to_thread(ledger.bundle, subject)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The one browser, for which tests wait as long as a busy machine needs."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=system_chromium(), args=["--no-sandbox"]
        )
        yield started
        await started.close()


@pytest.fixture(scope="module")
async def session(browser: Browser, address: str) -> StorageState:
    """What a browser keeps of an auditor who signed in by the form."""
    page = await opened(browser)
    await page.goto(f"{address}/sign-in")
    await page.get_by_label("Token").fill("auditor")
    await page.get_by_role("main").get_by_role("button").first.click()
    await page.wait_for_url(f"{address}/")
    kept = await page.context.storage_state()
    await page.context.close()
    return kept


async def opened(browser: Browser, size: dict[str, int] = DESK, **more: object) -> Page:
    """An empty page; whatever the browser complains of fails the test."""
    options = {"viewport": size, "locale": "en", "reduced_motion": "reduce", **more}
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    page.on("console", lambda said: _demand_peace(said.type, said.text))
    return page


def _demand_peace(kind: str, text: str) -> None:
    assert kind not in {"error", "warning"} or "with a status of 40" in text, text


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page, options={**RULES, "resultTypes": ["violations"]})
    return [
        f"{page.url} {one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found.response["violations"]
    ]


@pytest.mark.parametrize(
    ("size", "scheme", "paths"),
    [(DESK, "light", PAGES), (PHONE, "dark", NARROW)],
    ids=["desk", "phone"],
)
async def test_axe_finds_nothing_on_a_page_and_none_is_wider_than_its_screen(
    browser: Browser,
    address: str,
    session: StorageState,
    size: dict[str, int],
    scheme: str,
    paths: Sequence[str],
) -> None:
    async def faults(some: Sequence[str]) -> list[str]:
        page = await opened(browser, size, color_scheme=scheme, storage_state=session)
        found: list[str] = []
        for path in some:
            await page.goto(f"{address}{path}")
            found += await violations(page)
            beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found += [f"{path} is {beyond} pixels too wide"] if beyond > 0 else []
        await page.context.close()
        return found

    # While one page is looked at, the next is made.
    async with asyncio.TaskGroup() as both:
        halves = [both.create_task(faults(paths[n::2])) for n in range(2)]
    assert [fault for half in halves for fault in half.result()] == []


async def test_a_late_case_is_found_from_the_overview_and_its_limit_is_explained(
    browser: Browser, address: str, session: StorageState
) -> None:
    page = await opened(browser, PHONE, storage_state=session)
    await page.goto(f"{address}/")
    await page.locator("#figure-overdue").click()
    await page.locator("#found tbody .subject").first.click()
    await expect(page.locator("#turn")).to_contain_text("Whose turn it is")
    await expect(page.locator("#turn .late")).to_be_visible()
    await page.get_by_role("link", name="why this day?").click()
    await expect(page.get_by_role("heading", name="Why this day?")).to_be_visible()
    await page.context.close()


async def test_the_slider_goes_into_the_past_and_the_language_is_chosen(
    browser: Browser, address: str, session: StorageState
) -> None:
    page = await opened(browser, storage_state=session)
    await page.goto(f"{address}{CASE}")
    slider = page.locator("input[name=step]")
    await slider.focus()
    await slider.press("Home")
    await expect(page.locator(".past")).to_contain_text("As it was known at")
    await expect(page.locator("#timeline > li")).to_have_count(1)
    await page.get_by_role("link", name="To the present").click()
    await page.get_by_label("Language").select_option("id")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("heading", name="Riwayat koordinasi")).to_be_visible()
    await page.emulate_media(media="print")
    await expect(page.get_by_role("navigation", name="Utama")).to_be_hidden()
    await expect(page.get_by_role("button", name="Terapkan")).to_be_hidden()
    await expect(page.locator("#timeline")).to_be_visible()
    assert (await page.pdf())[:5] == b"%PDF-"
    await page.context.close()


async def test_a_case_is_exported_and_its_bundle_verified_by_upload(
    browser: Browser, address: str, session: StorageState, tmp_path: Path
) -> None:
    page = await opened(browser, storage_state=session)
    await page.goto(f"{address}{CASE}")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export the bundle").click()
    exported = await download.value
    bundle = tmp_path / exported.suggested_filename
    await exported.save_as(bundle)
    assert bundle.name == f"{CASE[1:].replace('cases/', 'case-')}.zip"
    await page.get_by_role("link", name="Audit", exact=True).click()
    content = bundle.read_bytes()
    middle = len(content) // 2
    forged = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for written, found in ((content, f"holds together case/{CASE[7:]}"), (forged, "does not hold")):
        bundle.write_bytes(written)
        await page.get_by_label("Bundle (a ZIP file)").set_input_files(bundle)
        await page.get_by_role("button", name="Verify").click()
        await expect(page.get_by_role("status")).to_contain_text(found)
        assert await violations(page) == []
    await page.get_by_label("Language").select_option("id")
    await page.get_by_role("button", name="Apply").click()  # on a page that was an answer to a form
    await expect(page.locator("html[lang=id]")).to_be_attached()
    assert urlsplit(page.url).path == "/audit"
    await page.context.close()


async def test_an_event_appears_in_the_timeline_while_somebody_reads(
    browser: Browser, address: str, session: StorageState, world: Settings
) -> None:
    page = await opened(browser, storage_state=session)
    await page.goto(f"{address}{CASE}")
    await expect(page.locator("html[data-live-state=on]")).to_be_attached()
    lines = page.locator("#timeline > li")
    before = await lines.count()
    reading = lines.nth(2).locator("a").first
    await reading.focus()
    key = await lines.nth(2).get_attribute("data-key")
    last = await page.locator("#step").get_attribute("max")
    assert last is not None
    async with connected(world, name="tests", autocommit=True) as connection:
        await project(connection, [_repeated(list(all_scenarios()))])
    await expect(lines).to_have_count(before + 1)
    await expect(lines.first).to_contain_text("duplicate")
    focused = "document.activeElement.closest('[data-key]')?.dataset.key"
    assert await page.evaluate(focused) == key
    await expect(page.locator("#step")).to_have_attribute("max", str(int(last) + 1))
    await page.context.close()


def _repeated(known: Sequence[Recorded]) -> Recorded:
    """An event of the case that is recorded once more."""
    last = next(
        one for one in reversed(known) if one.event.subject == CASE.replace("/cases", "case")
    )
    offset = 1 + max(one.offset for one in known if one.partition == last.partition)
    return msgspec.structs.replace(last, offset=offset)


async def test_pages_are_read_without_scripts(
    browser: Browser, address: str, session: StorageState
) -> None:
    page = await opened(browser, java_script_enabled=False, storage_state=session)
    await page.goto(f"{address}{CASE}")
    await page.get_by_label("as occurred").check()
    await page.get_by_role("button", name="Show").click()
    await page.wait_for_url("**as_of=**by=occurred**")
    await page.context.close()


async def test_an_account_leads_to_the_issuer_and_back_to_the_page_that_was_asked_for(
    browser: Browser, world: Settings
) -> None:
    with running(AccountIssuer(IssuerKey("rsa-1"))) as issuer:
        async with pages(world) as site, served(site) as address:
            site.app.state.site = site.app.state.site._replace(accounts=issuer.sign_in(address))
            page = await opened(browser)
            await page.goto(f"{address}{CASE}")
            assert await violations(page) == []
            issuer.person = {"agency": "dinsos-mars"}
            await page.get_by_role("link", name="your agency's account").click()
            await expect(page.get_by_role("alert")).to_contain_text("may not read here")
            issuer.person = {"agency": "kp2mi"}
            await page.get_by_role("link", name="your agency's account").click()
            await page.wait_for_url(f"{address}{CASE}")
            await expect(page.locator("#timeline")).to_be_visible()
            await page.get_by_role("button", name="Sign out").click()
            await page.wait_for_url(f"{address}/sign-in")
            await page.context.close()
