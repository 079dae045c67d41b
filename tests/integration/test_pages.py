"""The pages through the web application: what each says, to whom, and that nothing gets in."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.pages import search
from dashboard.pages.frame import POLICY
from embedded.platform import Endpoints
from projections import owing
from projections.credentials import Grant, issue, revoke
from projections.install import install
from projections.reading import subject_state, subject_state_as_of
from projections.sessions import LASTS, Sessions
from projections.worklists import OPEN_STATUSES, URGENCIES
from runut.access import Principal
from runut.adapters.postgres import Connection, Pool, connected
from runut.errors import Forbidden, Unauthenticated
from runut.rfc3339 import format_time, parse_time
from runut.settings import Settings
from tests.builders import SCENARIOS, project, recorded
from tests.ledgers import own_settings
from tests.page_outline import Outline, faults
from tests.page_stage import Pages, form_token, pages, sign_in
from tests.read_stage import NOW, all_scenarios

CASE = "cases/BP3MI-NTT-2025-0001"
LATE = "cases/DISNAKER-KUPANG-2025-0044"
LISTS = (
    *("/", "/cases", "/cases?open=1", "/cases?still=14", "/commitments", "/commitments?overdue=1"),
    *("/transfers", "/transfers?bounced=3650", "/letters", "/meetings", "/agreements", "/agents"),
    *("/programmes", "/agencies", "/agencies/kp2mi", "/network", "/network?kind=LETTER", "/audit"),
    *("/search", "/search?q=NTT", "/search?q=zzzz"),
)
LARGEST = 100_000
PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>{{7*7}}"
FREE_TEXT = re.compile(
    "summary|reason|note|title|number|text|what|outcome|ground|basis|instruction|unit|findings|"
    "name|purpose|fund|region|licence|reference"
)


@pytest.fixture(scope="module")
async def world(platform: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of read models that hold every scenario; no test of the module changes them."""
    settings = own_settings(platform, tmp_path_factory.mktemp("pages"))
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        await project(connection, list(all_scenarios()))
    return settings


@pytest.fixture(scope="module")
async def site(world: Settings) -> AsyncIterator[Pages]:
    """The pages over them."""
    async with pages(world) as site:
        yield site


@pytest.fixture
async def tables(world: Settings) -> AsyncIterator[Connection]:
    """A connection to them."""
    async with connected(world, name="tests", autocommit=True) as connection:
        yield connection


async def addresses_of_subjects(tables: Connection) -> list[str]:
    """The pages of all subjects."""
    cursor = await tables.execute("SELECT subject FROM subject ORDER BY 1")
    folders = {"case": "cases", "meeting": "meetings", "agreement": "agreements"}
    found = [row[0].partition("/") for row in await cursor.fetchall()]
    return [f"/{folders.get(kind, f'{kind}s')}/{ident}" for kind, _, ident in found]


async def whole_page(browser: httpx.AsyncClient, path: str, lang: str) -> Outline:
    """A page of which everything is as it should be."""
    page = await browser.get(path)
    assert page.status_code == 200, f"{path}: {page.text}"
    assert faults(page.text) == [], path
    assert f'<html lang="{lang}">' in page.text
    assert len(page.content) < LARGEST, path
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "runut-positions" in page.headers
    return Outline(page.text)


async def test_every_page_is_whole_small_and_safe_and_leads_on(
    site: Pages, tables: Connection
) -> None:
    assert "unsafe" not in POLICY
    subjects = await addresses_of_subjects(tables)
    seen, led_to = {"/"}, set[str]()
    async with site.reader() as browser:
        for path in (*LISTS, *subjects):
            outline = await whole_page(browser, path, "en")
            seen.add(path.partition("?")[0])
            led_to |= {re.sub("[?#].*", "", one) for one in outline.links}
        assert len(led_to) > 60
        # All agencies' pages are alike, and their charts take a second each.
        agencies = {one for one in led_to if one.startswith("/agencies/")}
        for path in sorted(led_to - seen - agencies):
            # Events may name cases that nobody ever reported.
            is_unknown = re.match("/(case|meeting|agreement|agent|programme)s/[^/]+$", path)
            answer = await browser.get(path)
            if not path.endswith("/why") and path:
                assert answer.status_code == (404 if is_unknown else 200), path


async def test_pages_are_whole_in_indonesian(site: Pages) -> None:
    async with site.reader(lang="id") as browser:
        for path in (*LISTS, f"/{CASE}", f"/{LATE}", "/meetings/RAKOR-2026-02"):
            outline = await whole_page(browser, path, "id")
            assert "Bahasa Indonesia" in outline.words
            assert "Sign out" not in outline.words


async def items(browser: httpx.AsyncClient, path: str, **asked: Any) -> list[dict[str, Any]]:
    """A whole list of the API, asked with the session of the pages."""
    answer = await browser.get(f"/api/v1/{path}", params={**asked, "format": "jsonl"})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def figure(page: str, name: str) -> int:
    """A number of the overview."""
    found = re.search(rf'id="figure-{name}" data-live-part>([\d.,]+)<', page)
    assert found, page
    return int(re.sub("[.,]", "", found[1]))


@pytest.mark.parametrize("token", ["auditor", "reader-kjri-jb", "reader-kp2mi"])
async def test_the_overviews_numbers_are_those_of_the_api_and_of_their_lists(
    site: Pages, token: str
) -> None:
    async with site.reader(token) as browser:
        page = (await browser.get("/")).text
        cases = [c for c in await items(browser, "cases") if c["status"] in OPEN_STATUSES]
        owed = [
            c for c in await items(browser, "commitments") if c["status"] in {"OPEN", "REPORTED"}
        ]
        late = [c for c in owed if parse_time(c["due_at"]) < NOW]
        assert figure(page, "open") == len(cases)
        assert figure(page, "overdue") == len(late)
        assert figure(page, "escalate") == sum(c["escalation_due"] for c in cases)
        for status in OPEN_STATUSES:
            for urgency in URGENCIES:
                here = [c for c in cases if (c["status"], c["urgency"]) == (status, urgency)]
                listed = await browser.get(f"/cases?status={status}&urgency={urgency}")
                assert f">{len(here)} case" in listed.text
                link = f'/cases?status={status}&amp;urgency={urgency}">{len(here)}</a>'
                assert link in page
        for path, number, unit in (
            ("/cases?open=1", len(cases), "case"),
            ("/commitments?overdue=1", len(late), "open commitment"),
            ("/commitments", len(owed), "open commitment"),
            ("/cases?still=14", figure(page, "still"), "case"),
            ("/transfers?bounced=30", figure(page, "bounced"), "offer"),
            ("/cases?escalate=1&open=1", figure(page, "escalate"), "case"),
            ("/commitments?due=today", figure(page, "today"), "open commitment"),
        ):
            assert f">{number} {unit}" in (await browser.get(path)).text, path


async def test_cases_without_movement_and_bounced_offers_are_counted_by_their_times(
    site: Pages, world: Settings
) -> None:
    half_a_year = "/transfers?bounced=3650"
    async with site.reader() as browser:
        transfers = await items(browser, "transfers")
        bounced = [one for one in transfers if one["status"] in {"REFUSED", "LAPSED"}]
        assert 0 < len(bounced) < len(transfers)
        assert f">{len(bounced)} offers" in (await browser.get(half_a_year)).text
    before_all = parse_time("2025-01-01T00:00:00Z")
    async with pages(world, before_all) as early, early.reader() as browser:
        assert figure((await browser.get("/")).text, "still") == 0
        assert figure((await browser.get("/")).text, "overdue") == 0


async def test_who_is_unknown_is_asked_to_sign_in_and_goes_on_from_there(site: Pages) -> None:
    async with site.stranger() as browser:
        for path in (*LISTS, f"/{CASE}", f"/{CASE}/bundle"):
            answer = await browser.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in")
        asked = await browser.get(f"/{CASE}?by=occurred")
        form = await browser.get(asked.headers["location"])
        back = re.search(r'name="next" value="([^"]*)"', form.text)
        assert back
        assert back[1] == f"/{CASE}?by=occurred"
        given = {"form_token": form_token(form), "token": "auditor", "next": back[1]}
        gone = await browser.post("/sign-in", data=given)
        assert (gone.status_code, gone.headers["location"]) == (303, back[1])
        cookie = gone.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await browser.get(f"/{CASE}")).status_code == 200
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(site.app), base_url="https://127.0.0.1"
    ) as browser:
        assert "Secure" in (await sign_in(browser, "auditor")).headers["set-cookie"]


async def test_a_wrong_token_or_one_that_may_not_read_begins_no_session(site: Pages) -> None:
    async with site.stranger() as browser:
        for token in ("nobody", "emitter", "x" * 5000):
            answer = await sign_in(browser, token)
            assert answer.status_code == 403
            assert "runut_session" not in browser.cookies


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
async def test_signing_in_leads_to_no_other_site(site: Pages, back: str) -> None:
    async with site.stranger() as browser:
        form = await browser.get("/sign-in", params={"next": back})
        given = {"form_token": form_token(form), "token": "auditor", "next": back}
        assert (await browser.post("/sign-in", data=given)).headers["location"] == "/"


async def test_a_form_of_another_site_does_nothing(site: Pages) -> None:
    async with site.reader() as browser, site.stranger() as other:
        foreign = form_token(await other.get("/sign-in"))
        bundle = {"bundle": ("x.zip", b"x")}
        for path, files in (("/sign-out", None), ("/sign-in", None), ("/audit/verify", bundle)):
            for token in (foreign, "", "0" * 64):
                given = {"form_token": token, "token": "auditor"}
                answer = await browser.post(path, data=given, files=files)
                assert answer.status_code == 403 or (token == "" and answer.status_code == 422)
        assert (await browser.get("/")).status_code == 200


async def test_signing_out_ends_the_session_for_good(site: Pages) -> None:
    async with site.reader() as browser:
        page = await browser.get("/")
        cookie = browser.cookies["runut_session"]
        gone = await browser.post("/sign-out", data={"form_token": form_token(page)})
        assert gone.headers["location"] == "/sign-in"
        browser.cookies.set("runut_session", cookie)
        assert (await browser.get("/")).status_code == 303


async def test_a_session_reads_the_api_and_writes_nothing(site: Pages) -> None:
    async with site.reader() as browser:
        assert (await browser.get("/api/v1/cases")).status_code == 200
        told = await browser.get("/api/v1/cases", headers={"authorization": "Bearer nobody"})
        assert told.status_code == 401
    async with site.stranger() as browser:
        assert (await browser.get("/api/v1/cases")).status_code == 401


async def test_a_session_ends_with_its_time_and_with_its_credential(
    world: Settings, tables: Connection
) -> None:
    now = NOW
    grant = Grant("kp2mi", "pages", frozenset({"READER", "EMITTER"}), False, NOW + 9 * LASTS)
    token = await issue(tables, grant, "a test", NOW)
    reader = Principal(f"credential/{token.credential_id}", None, frozenset({"READER", "EMITTER"}))
    async with Pool(world, name="tests", size=1) as pool:
        sessions = Sessions(pool.lent, lambda: now)
        first, second = await sessions.begin(reader), await sessions.begin(reader)
        assert (await sessions.check(first)).roles == {"READER"}
        now = NOW + LASTS
        with pytest.raises(Unauthenticated, match="ended"):
            await sessions.check(first)
        now = NOW
        await revoke(tables, token.credential_id, "a test", NOW)
        for one in (second, f"{second[:-1]}!", "runut-session_"):
            with pytest.raises(Unauthenticated):
                await sessions.check(one)
        with pytest.raises(Forbidden):
            await sessions.begin(Principal("emitter", None, frozenset({"EMITTER"})))
    cursor = await tables.execute("SELECT count(*) FROM web_session WHERE reader = %s", ("x",))
    assert await cursor.fetchone() == (0,)


async def test_a_demonstration_lets_in_whoever_is_on_its_machine_and_says_so(
    world: Settings,
) -> None:
    async with pages(world, is_demonstration=True) as site:
        async with site.stranger() as browser:
            form = await browser.get("/sign-in")
            given = {"form_token": form_token(form)}
            assert (await browser.post("/sign-in/demonstration", data=given)).status_code == 303
            page = (await browser.get("/?lang=en")).text
            assert "You read as a local account that sees everything" in page
        for base, client in (
            ("http://ledger.example", ("127.0.0.1", 1)),
            ("http://127.0.0.1", ("10.0.0.9", 1)),
        ):
            transport = httpx.ASGITransport(site.app, client=client)
            async with httpx.AsyncClient(transport=transport, base_url=base) as browser:
                form = await browser.get("/sign-in")
                assert "/sign-in/demonstration" not in form.text
                given = {"form_token": form_token(form)}
                refused = await browser.post("/sign-in/demonstration", data=given)
                assert refused.status_code == 403


async def test_without_a_demonstration_nobody_gets_in_without_a_token(site: Pages) -> None:
    async with site.stranger() as browser:
        given = {"form_token": form_token(await browser.get("/sign-in"))}
        assert (await browser.post("/sign-in/demonstration", data=given)).status_code == 403


async def test_another_agencys_case_is_not_found_and_not_listed(
    site: Pages, tables: Connection
) -> None:
    async with site.reader("reader-kemensos") as browser, site.reader("auditor") as auditor:
        mine = {one["subject"] for one in await items(browser, "subjects", kind="case")}
        every = {one["subject"] for one in await items(auditor, "subjects", kind="case")}
        assert mine < every
        for subject in sorted(every - mine)[:3]:
            ident = subject.removeprefix("case/")
            for more in ("", "/bundle", "/why?commitment=X", "?step=1"):
                page = await browser.get(f"/cases/{ident}{more}")
                assert page.status_code == 404
                absent = await browser.get(f"/cases/NOT-THERE{more}")
                assert absent.text.count(ident) == 0
            for path in ("/cases", "/letters", "/transfers", "/commitments", f"/search?q={ident}"):
                links = Outline((await browser.get(path)).text).links
                assert f"/cases/{ident}" not in links, path


async def test_a_past_state_is_that_of_the_command_by_either_time(
    site: Pages, tables: Connection
) -> None:
    subject = CASE.replace("cases", "case")
    async with site.reader() as browser:
        for by in ("recorded", "occurred"):
            for step in (3, 9, 15):
                gone = await browser.get(f"/{CASE}", params={"step": step, "by": by})
                page = (await browser.get(gone.headers["location"])).text
                as_of = parse_time(dict(httpx.URL(gone.headers["location"]).params)["as_of"])
                wanted = await subject_state_as_of(tables, subject, as_of, by)
                assert f'href="/agencies/{wanted["custodian"]}"' in page
                assert f"{wanted['counts']['events']} event" in page
                assert f"{wanted['commitments']['open']} open" in page
        last = await browser.get(f"/{CASE}", params={"step": 19, "by": "recorded"})
        assert last.headers["location"] == f"/{CASE}"


async def test_a_page_of_a_case_says_what_its_state_and_history_say(
    site: Pages, tables: Connection
) -> None:
    async with site.reader() as browser:
        for state in await items(browser, "cases"):
            ident = state["subject"].removeprefix("case/")
            page = Outline((await browser.get(f"/cases/{ident}")).text)
            assert state == await subject_state(tables, state["subject"], NOW)
            lines = await items(browser, f"subjects/{state['subject']}/history")
            for line in lines:
                assert line["text"]["en"] in page.words, line
            assert page.ids.count("event-1") == 1
            assert f"{state['commitments']['fulfilled']} fulfilled" in page.words


async def test_an_agencys_page_counts_what_the_command_lists(
    site: Pages, tables: Connection
) -> None:
    async with site.reader() as browser:
        for code in ("kp2mi", "kbri-kl", "bp3mi-ntt", "kjri-jb"):
            wanted = await owing.agency(tables, code, now=NOW)
            page = (await browser.get(f"/agencies/{code}")).text
            numbers = re.findall(r'<span class="number">(\d+)</span>', page)
            late = sum(one["overdue"] for one in wanted["owes"])
            assert list(map(int, numbers)) == [
                *(len(wanted["holds"]), len(wanted["owes"]), late, len(wanted["awaits"])),
            ]
        then = format_time(parse_time("2026-07-01T00:00:40Z"))
        page = (await browser.get(f"/agencies/kp2mi?as_of={then}")).text
        assert "As it was known at" in page


async def test_why_a_day_is_the_limit_is_told_in_words(site: Pages) -> None:
    commitment = "TRANSFER_ANSWER:T1:kp2mi"
    async with site.reader(lang="id") as browser:
        page = await browser.get(f"/{CASE}/why", params={"commitment": commitment})
        assert page.status_code == 200, page.text
        assert "3 hari kerja" in page.text
        none = await browser.get(f"/{CASE}/why", params={"commitment": "NONE"})
        assert none.status_code == 404


async def test_a_choice_of_language_and_zone_is_kept(site: Pages) -> None:
    async with site.reader(lang="en") as browser:
        assert "Overview" in (await browser.get("/")).text
        chosen = await browser.get("/cases?lang=id&zone=Asia/Jayapura")
        assert "<h1>Kasus</h1>" in chosen.text
        later = await browser.get("/cases")
        assert "<h1>Kasus</h1>" in later.text
        assert "WIT</small>" in later.text
        assert "WIB</small>" not in later.text
        assert "<h1>Kasus</h1>" in (await browser.get("/cases?lang=xx")).text


async def test_bundles_go_to_who_may_read_all_that_is_in_them(site: Pages) -> None:
    guarded = "cases/KEMLU-2025-0505"
    async with site.reader() as auditor:
        bundle = await auditor.get(f"/{guarded}/bundle")
        assert bundle.content == b"the bundle of case/KEMLU-2025-0505"
        assert bundle.headers["content-disposition"].endswith('"case-KEMLU-2025-0505.zip"')
        page = await auditor.get("/audit")
        given = {"form_token": form_token(page)}
        files = {"bundle": ("x.zip", b"no bundle")}
        verified = await auditor.post("/audit/verify", data=given, files=files)
        assert verified.status_code == 200
        assert "It does not hold." in verified.text


def hostile(line: str) -> dict[str, Any]:
    """An event with a payload of an attacker wherever there is free text."""
    event: dict[str, Any] = json.loads(line)
    event["data"] = _hostile(event["data"])
    return event


def _hostile(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _hostile(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_hostile(one, name) for one in value]
    is_text = isinstance(value, str) and (FREE_TEXT.fullmatch(name) or name == "agenda")
    return f"{PAYLOAD} {value}" if is_text and not value.isupper() else value


async def test_what_an_attacker_writes_into_any_text_shows_as_text(
    platform: Endpoints, tmp_path: Path
) -> None:
    settings = own_settings(platform, tmp_path)
    lines = [line for f in sorted(SCENARIOS.glob("*.jsonl")) for line in f.read_text().splitlines()]
    records = [recorded(hostile(line), n) for n, line in enumerate(lines, 1)]
    async with connected(settings, name="tests", autocommit=True) as tables:
        await install(tables, settings)
        await project(tables, records)
        subjects = await addresses_of_subjects(tables)
    seen = 0
    async with pages(settings) as site, site.reader() as browser:
        for path in (*LISTS, f"/search?q={PAYLOAD}", f"/letters?text={PAYLOAD}", *subjects):
            page = await browser.get(path)
            assert page.status_code == 200, page.text
            assert faults(page.text) == [], path
            assert "<img" not in page.text
            outline = Outline(page.text)
            seen += "<script>alert(1)</script>" in outline.words
            assert "{{7*7}}" in outline.words or "49" not in outline.words
    assert seen > 20


async def test_a_page_that_says_the_same_is_not_sent_again(site: Pages) -> None:
    async with site.reader() as browser, site.reader("reader-kp2mi") as another:
        for path in ("/", "/cases", f"/{CASE}", "/agencies/kp2mi", "/audit"):
            page = await browser.get(path)
            known = {"If-None-Match": page.headers["etag"]}
            again = await browser.get(path, headers=known)
            assert (again.status_code, again.content) == (304, b""), path
            for name in ("etag", "cache-control", "vary", "content-security-policy"):
                assert again.headers[name] == page.headers[name]
            in_indonesian = await browser.get(path, headers=known | {"Accept-Language": "id"})
            assert in_indonesian.status_code == 200
            assert (await another.get(path, headers=known)).status_code == 200
        assert page.headers["cache-control"] == "private, no-cache"
        assert page.headers["vary"] == "Cookie, Accept-Language"
        known = {"If-None-Match": (await browser.get("/cases")).headers["etag"]}
        in_utc = await browser.get("/cases", params={"zone": "UTC"}, headers=known)
        assert in_utc.status_code == 200
        missing = await browser.get("/cases/NOBODY-KNOWS-IT")
        assert "etag" not in missing.headers


async def test_what_fails_before_a_page_is_a_page_for_browsers_and_a_problem_for_programs(
    site: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_connection: object) -> None:
        raise ValueError("a secret of the machine")

    monkeypatch.setattr("dashboard.pages.audit.newest_seal", broken)
    calls = (("GET", "/nowhere", 404), ("DELETE", "/cases", 405), ("GET", "/audit", 500))
    async with site.reader(lang="id") as browser:
        for method, path, status in calls:
            page = await browser.request(method, path, headers={"Accept": "text/html,*/*;q=0.8"})
            assert page.status_code == status
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["content-security-policy"] == POLICY
            assert '<html lang="id">' in page.text
            assert faults(page.text) == []
            assert "secret" not in page.text
            told = await browser.request(method, path)
            assert (told.status_code, told.json()["status"]) == (status, status)
            assert told.headers["content-type"] == "application/problem+json"
            assert told.headers.get("allow") == page.headers.get("allow")
        of_the_api = await browser.get("/api/v1/nowhere", headers={"Accept": "text/html"})
        assert of_the_api.headers["content-type"] == "application/problem+json"
    stranger = site.stranger(Accept="text/html", **{"Accept-Language": "en"})
    async with stranger:
        page = await stranger.get("/nowhere")
        assert page.status_code == 404
        assert "Nothing is here for you" in page.text


async def test_a_search_says_how_many_it_does_not_show(
    site: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST", 1)
    async with site.reader() as browser:
        letters = await items(browser, "letters")
        page = (await browser.get("/search", params={"q": "/20"})).text
    found = [one for one in letters if "/20" in one["number"] or "/20" in one["title"]]
    outline = Outline(page)
    assert f"1 of {len(found)} are shown." in outline.words
    assert "/letters?text=%2F20" in outline.links
