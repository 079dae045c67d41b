"""Every number on the pages is that of the SQL views, of the API and of an independent recount.

On a sample world whose events were recorded as they happened; now, and as of a day in its past,
which has no SQL views.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from msgspec.structs import replace

from embedded.platform import Endpoints
from producers.world import Options, events
from producers.world.ground import AGENCIES
from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.rfc3339 import parse_time
from runut.settings import Settings
from tests.builders import directory_log, directory_objects, project, recorded
from tests.ledgers import own_settings
from tests.naive.directory import view_at
from tests.page_stage import pages
from tests.page_tables import PageTables, hours, number
from tests.recount import OPEN, ZONE, Recount, grouped, middle, percentile

OPTIONS = Options(until=date(2026, 6, 30), cases=150, agencies=20, years=1)
NOW = parse_time("2026-06-30T05:00:00+07:00")
THEN = parse_time("2026-03-16T10:00:00+07:00")
EITHER = pytest.mark.parametrize("when", ["now", "then"])
ABOUT = 0.051
"""Pages tell one decimal."""

Json = dict[str, Any]


class World(NamedTuple):
    """A ledger and who reads it."""

    settings: Settings
    browser: httpx.AsyncClient
    tables: Connection
    recounts: dict[str, Recount]

    def counted(self, when: str) -> tuple[Recount, Json]:
        """The recount of a moment, and how the pages are asked for it."""
        asked = {"as_of": THEN.isoformat()} if when == "then" else {}
        return self.recounts[when], asked


@pytest.fixture(scope="module")
async def world(
    platform: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    settings = own_settings(platform, tmp_path_factory.mktemp("recount"))
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
        recounts = {"now": Recount(records, _view(), NOW), "then": Recount(records, _view(), THEN)}
        async with pages(settings, NOW) as site, site.reader() as browser:
            yield World(settings, browser, tables, recounts)


def _view() -> Json:
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


async def test_the_world_is_worth_counting(world: World) -> None:
    now, then = world.recounts["now"], world.recounts["then"]
    assert now.verdicts["EFFECTIVE"] > 2000
    assert now.verdicts["EFFECTIVE"] > then.verdicts["EFFECTIVE"] > 1000
    assert {*then.open_cases} - {*now.open_cases}
    assert min(now.verdicts[one] for one in ("IRREGULAR", "DUPLICATE", "CORRECTED")) > 0
    assert now.overdue
    assert now.bounced(30) > 0
    assert {tie.kind for tie in now.ties()} >= {
        "LETTER",
        "TRANSFER",
        "MEETING",
        "AGREEMENT",
        "DATA",
    }
    assert await rows(world, "SELECT count(*) FROM case_current") == [(len(now.of("case")),)]


@EITHER
async def test_the_overview(world: World, when: str) -> None:
    now, asked = world.counted(when)
    _compare_overview(await page(world, "/", **asked), now)
    cases = await items(world, "cases", **asked)
    by_api = Counter((one["status"], one["urgency"]) for one in cases if one["status"] in OPEN)
    counted = Counter((one["status"], one["urgency"]) for one in now.open_cases.values())
    assert by_api == counted
    owed = await items(world, "commitments", overdue=True, **asked)
    assert Counter(one["debtor"] for one in owed) == Counter(one["debtor"] for one in now.overdue)


async def test_the_overview_and_the_views(world: World) -> None:
    now = world.recounts["now"]
    by_sql = await rows(
        world, "SELECT status, urgency, count(*) FROM case_current WHERE is_open GROUP BY 1, 2"
    )
    counted = Counter((one["status"], one["urgency"]) for one in now.open_cases.values())
    assert counted == {(status, urgency): n for status, urgency, n in by_sql}
    late = f"SELECT count(*) FROM commitment WHERE is_owed AND due_at < '{NOW.isoformat()}'"
    assert await rows(world, late) == [(len(now.overdue),)]
    transfers = [t for t in await items(world, "transfers") if t["status"] in {"REFUSED", "LAPSED"}]
    since = NOW - timedelta(days=30)
    assert sum(parse_time(t["answered_at"]) >= since for t in transfers) == now.bounced(30)


def _compare_overview(found: PageTables, now: Recount) -> None:
    cases = Counter((one["status"], one["urgency"]) for one in now.open_cases.values())
    urgencies = ("IMMEDIATE", "URGENT", "NORMAL")
    table = [[number(cell) for cell in row[1:]] for row in found.rows("h-cases")]
    wanted = [[*(cases[status, one] for one in urgencies)] for status in OPEN]
    wanted.append([sum(column) for column in zip(*wanted, strict=True)])
    assert table == [[*row, sum(row)] for row in wanted]
    missed_since = (now.moment - timedelta(days=90)).date()
    missed = [day for one in now.series().values() for day in one.missed_on if day >= missed_since]
    figures = {
        "open": len(now.open_cases),
        "overdue": len(now.overdue),
        "today": now.due_today(),
        "still": now.still(14),
        "bounced": now.bounced(30),
        "escalate": sum(one["streak"] >= 2 for one in now.open_cases.values()),
        "missed": len(missed),
    }
    assert {name: number(found.text(f"figure-{name}")) for name in figures} == figures
    still = [int(word) for word in found.text("still").split() if word.isdigit()]
    assert still == [n for days in (7, 14, 30) for n in (days, now.still(days))]
    late = grouped(now.overdue, lambda one: one["debtor"])
    first = sorted(late.values(), key=lambda some: (-len(some), some[0]["debtor"]))[:12]
    assert [number(row[1]) for row in found.rows("h-overdue")] == [len(some) for some in first]
    recorded_at = max(one.recorded_at for one in now.records).astimezone(ZONE)
    assert f"{recorded_at.day} {recorded_at:%b %Y %H:%M}" in found.text("ledger")


@EITHER
async def test_the_list_of_agencies(world: World, when: str) -> None:
    now, asked = world.counted(when)
    found = await page(world, "/agencies", **asked)
    held = Counter(one["custodian"] for one in now.open_cases.values())
    late = Counter(one["debtor"] for one in now.overdue)
    table = {row[0].lower(): (number(row[5]), number(row[6])) for row in found.rows("Agencies")}
    assert table == {code: (held[code], late[code]) for code in table}
    assert len(table) == len(_view()["agencies"]) - 1  # all but the ledger's own
    if when == "now":
        query = "SELECT custodian, count(*) FROM case_current WHERE is_open GROUP BY 1"
        assert dict(await rows(world, query)) == held


@EITHER
@pytest.mark.parametrize("code", ["kp2mi", "polri"])
async def test_an_agency(world: World, code: str, when: str) -> None:
    now, asked = world.counted(when)
    found = await page(world, f"/agencies/{code}", **asked)
    _compare_agency(found, now, code)
    document = await api(world, f"agencies/{code}", **asked)
    pending = [one for one in now.commitments if one["status"] in ("PROPOSED", "OPEN", "REPORTED")]
    for name, side in (("owes", "debtor"), ("awaits", "creditor")):
        wanted = {(c["subject"], c["commitment_id"]) for c in pending if c[side] == code}
        assert {(c["subject"], c["commitment_id"]) for c in document[name]} == wanted
    _compare_indicators(await api(world, "indicators", agency=code, **asked), now, code)
    by_month = _compare_months(found, now, code)
    if when == "now":
        query = (
            "SELECT to_char(month, 'YYYY-MM'), sum(count)::integer FROM indicator_monthly"
            f" WHERE indicator = 'RESPONSE_HOURS' AND agency = '{code}' GROUP BY 1"
        )
        assert dict(await rows(world, query)) == by_month


def _compare_agency(found: PageTables, now: Recount, code: str) -> None:
    pending = [one for one in now.commitments if one["status"] in ("PROPOSED", "OPEN", "REPORTED")]
    figures = [int(word) for word in found.text("figures").split() if word.isdigit()]
    assert figures == [
        sum(one["custodian"] == code for one in now.open_cases.values()),
        sum(one["debtor"] == code for one in pending),
        sum(one["debtor"] == code for one in now.overdue),
        sum(one["creditor"] == code for one in pending),
    ]
    kept = sorted(tuple(map(number, row[1:4])) for row in found.rows("h-kept"))
    assert kept == sorted(tuple(row[1:]) for row in _kept(now, code))
    for row in found.rows("h-kept"):
        in_time, late, broken = map(number, row[1:4])
        assert abs(int(row[4].rstrip("%")) - 100 * in_time / (in_time + late + broken)) <= 0.5
    asked = _asked(now, code)
    assert kept
    assert asked
    table = {(row[0].lower(), row[1].lower(), row[2]): row[3:] for row in found.rows("h-response")}
    assert len(table) == min(len(asked), 20)
    words = {"letter": "LETTER", "transfer": "TRANSFER", "assistance": "ASSISTANCE"}
    for (source, target, kind), row in table.items():
        ties = asked[source, target, next(words[one] for one in words if one in kind)]
        answered = [tie for tie in ties if tie.answered_at is not None]
        assert (number(row[0]), number(row[1])) == (len(ties), len(answered))
        spans = [tie.hours for tie in ties if tie.hours is not None]
        for text, share in ((row[2], 0.5), (row[3], 0.9)):
            wanted = percentile(spans, share) if spans else None
            _near(hours(text), wanted, ABOUT * (24 if "days" in text else 1))


def _kept(now: Recount, code: str) -> list[tuple[str | None, int, int, int]]:
    counted = now.kept()
    instruments = {instrument for debtor, instrument, _ in counted if debtor == code}
    outcomes = ("KEPT", "LATE", "BROKEN")
    return [(one, *(counted[code, one, outcome] for outcome in outcomes)) for one in instruments]


def _asked(now: Recount, code: str) -> Json:
    ties = [one for one in now.ties() if one.awaits and code in (one.source, one.target)]
    return grouped(ties, lambda one: (one.source, one.target, one.kind))


def _near(found: float | None, wanted: float | None, about: float) -> None:
    assert (found is None) == (wanted is None)
    assert found is None or wanted is None or abs(found - wanted) <= about


def _compare_indicators(document: Json, now: Recount, code: str) -> None:
    kept = [
        (one["instrument"], one["kept"], one["late"], one["broken"])
        for one in document["commitments"]
    ]
    assert sorted(kept, key=str) == sorted(_kept(now, code), key=str)
    asked = _asked(now, code)
    for one in document["response_time"]:
        ties = asked.pop((one["from_agency"], one["to_agency"], one["kind"]))
        answered = sum(tie.answered_at is not None for tie in ties)
        assert (one["asked"], one["answered"]) == (len(ties), answered)
        _near(one["median_hours"], middle(ties), 0.0001)
    assert asked == {}


def _compare_months(found: PageTables, now: Recount, code: str) -> dict[str, int]:
    """Trends of the last whole months; gives how many answers there were in each."""
    answers = [
        tie
        for tie in now.ties()
        if tie.awaits and tie.target == code and tie.answered_at is not None
    ]
    by_month = grouped(answers, lambda tie: _month(tie.at))
    table = dict(found.rows("Hours until an answer (median)"))
    for month, text in table.items():
        ties = by_month.get(month, [])
        wanted = middle(ties)
        _near(None if text == "–" else float(text.replace(",", "")), wanted, ABOUT)
    due = [one for one in now.commitments if one["debtor"] == code and one["due_at"]]
    outcomes = grouped(
        [one for one in due if now.outcome(one) in ("KEPT", "LATE", "BROKEN")],
        lambda one: _month(one["due_at"]),
    )
    for month, text in dict(found.rows("Commitments kept in time")).items():
        some = outcomes.get(month)
        wanted = 100 * sum(now.outcome(o) == "KEPT" for o in some) / len(some) if some else None
        _near(None if text == "–" else float(text.rstrip("%")), wanted, 0.5)
    assert len(table) == 12
    return {month: len(ties) for month, ties in by_month.items()}


def _month(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m}"


@EITHER
async def test_the_network(world: World, when: str) -> None:
    now, asked = world.counted(when)
    _compare_network(await page(world, "/network", **asked), now)
    edges = grouped(now.ties(), lambda tie: (tie.source, tie.target, tie.kind))
    if when == "now":
        query = (
            "SELECT from_agency, to_agency, kind, sum(count)::integer, sum(answered)::integer"
            " FROM agency_edge GROUP BY 1, 2, 3"
        )
        assert set(await rows(world, query)) == {
            (*edge, len(ties), sum(tie.answered_at is not None for tie in ties))
            for edge, ties in edges.items()
        }
    everything = (await api(world, "indicators", **asked))["network"][-1]
    pairs = {(source, target) for source, target, _ in edges}
    assert (everything["ties"], everything["pairs"]) == (len(now.ties()), len(pairs))
    agencies = {code for pair in pairs for code in pair}
    assert everything["density"] == round(len(pairs) / (len(agencies) * (len(agencies) - 1)), 4)


def _compare_network(found: PageTables, now: Recount) -> None:
    ties = now.ties()
    edges = grouped(ties, lambda tie: (tie.source, tie.target, tie.kind))
    agencies = {code for tie in ties for code in (tie.source, tie.target)}
    assert found.text("h-drawing") == f"{len(ties)} ties, {len(agencies)} agencies"
    strongest = sorted(edges.items(), key=lambda edge: (-len(edge[1]), edge[0]))[:300]
    table = found.rows("Ties between agencies")
    assert len(table) == len(strongest)
    for row, ((source, target, _), some) in zip(table, strongest, strict=True):
        assert (row[0].lower(), row[1].lower(), number(row[3])) == (source, target, len(some))
        _near(hours(row[4]), middle(some), ABOUT * (24 if "days" in row[4] else 1))


@EITHER
async def test_meetings_and_their_series(world: World, when: str) -> None:
    now, asked = world.counted(when)
    found = await page(world, "/meetings", **asked)
    series = (await api(world, "meeting-series", **asked))["series"]
    wanted = now.series()
    names = ("kept", "late", "missed", "extra")
    assert {one["series"] for one in series} == set(wanted)
    for one in series:
        outcomes, attendance = wanted[one["series"]].outcomes, wanted[one["series"]].attendance
        assert [one[name] for name in names] == [outcomes[name.upper()] for name in names]
        assert {m["agency"]: (m["attended"], m["held"]) for m in one["members"]} == attendance
        said = [
            int(w)
            for w in found.text(f"series-{one['series']}").replace(",", "").split()
            if w.isdigit()
        ]
        assert [outcomes[name.upper()] for name in names] == said[1:5] or not one["every_days"]
    if when == "now":
        query = "SELECT series, outcome, count(*)::integer FROM meeting_series GROUP BY 1, 2"
        counted = {(name, what): n for name, what, n in await rows(world, query)}
        assert {one: n for one, n in counted.items() if one[1] not in ("DUE", "UPCOMING")} == {
            (name, what): n for name, one in wanted.items() for what, n in one.outcomes.items() if n
        }
    table = await _register(world, "/meetings", "Meetings", **asked)
    meetings = now.of("meeting")
    assert len(table) == len(meetings)
    for row, subject in zip(table, sorted(meetings), strict=True):
        state = meetings[subject]
        came = sum(one["status"] in ("PRESENT", "DELEGATED") for one in state["attendance"])
        assert row[5] == (f"{came}/{len(state['attendance'])}" if state["attendance"] else "–")
        owed = [
            one for one in state["commitments"].values() if one["status"] in ("OPEN", "REPORTED")
        ]
        assert number(row[6]) == len(state["decisions"])
        assert number(row[7].split()[0]) == len(owed)


async def _register(world: World, path: str, group: str, **asked: Any) -> list[list[str]]:
    """All parts of a register."""
    found: list[list[str]] = []
    while True:
        answer = await world.browser.get(path, params=asked)
        found += PageTables(answer.text).rows(group)
        if 'rel="next"' not in answer.text:
            return found
        after = answer.text.partition('rel="next" href="')[2].partition('"')[0]
        asked = dict(httpx.URL(after.replace("&amp;", "&")).params)


@EITHER
async def test_letters(world: World, when: str) -> None:
    now, asked = world.counted(when)
    everything = await page(world, "/letters", **asked)
    _compare_letters(everything, await page(world, "/letters", unanswered=1, **asked), now)
    sent = len(list(now.effective("LetterSent")))
    if when == "now":
        assert len(await items(world, "letters")) == sent
        assert await rows(world, "SELECT count(*) FROM letter") == [(sent,)]


def _compare_letters(everything: PageTables, waiting: PageTables, now: Recount) -> None:
    sent = list(now.effective("LetterSent"))
    assert number(everything.text("h-found").split()[0]) == len(sent)
    unanswered = 0
    for event in sent:
        letter = now.states[event["subject"]]["letters"][event["data"]["letter_id"]]
        unanswered += (
            event["data"]["reply_expected"] and not set(letter["to"]) <= letter["settled_by"]
        )
    assert number(waiting.text("h-found").split()[0]) == unanswered


@EITHER
async def test_agreements_and_fines(world: World, when: str) -> None:
    now, asked = world.counted(when)
    agreements = now.of("agreement")
    found = await page(world, "/agreements", **asked)
    table = found.rows("Agreements and fines")
    by_api = {one["subject"]: one for one in await items(world, "agreements", **asked)}
    assert len(table) == len(agreements) == len(by_api)
    for row, subject in zip(table, sorted(agreements), strict=True):
        state = agreements[subject]
        fines = state["fines"].values()
        open_fines = [one for one in fines if one["status"] not in ("PAID", "WAIVED")]
        numbers = [number(cell) for cell in row[4:7]]
        assert numbers == [len(state["clauses"]), len(fines), len(open_fines)]
        assert row[7].split()[-1].replace(",", "") in _amounts(state["fund_balance"])
        assert by_api[subject]["fund_balance"] == f"{state['fund_balance']:.2f}"
    fines = [one for state in agreements.values() for one in state["fines"].values()]
    assert fines
    assert sum(len(one["fines"]) for one in by_api.values()) == len(fines)
    if when == "now":
        by_status = Counter(one["status"] for one in fines)
        assert Counter(one["status"] for one in await items(world, "fines")) == by_status
        assert dict(await rows(world, "SELECT status, count(*) FROM fine GROUP BY 1")) == by_status
        balances = {one: state["fund_balance"] for one, state in agreements.items()}
        assert dict(await rows(world, "SELECT subject, fund_balance FROM agreement")) == balances


def _amounts(amount: Any) -> set[str]:
    """As a page may tell it: without decimals where there are none."""
    return {f"{amount:.2f}", f"{amount:.2f}".removesuffix(".00")}


@EITHER
async def test_placement_agents(world: World, when: str) -> None:
    now, asked = world.counted(when)
    agents = now.of("agent")
    table = await _register(world, "/agents", "Placement agents", **asked)
    by_api = {one["subject"]: one for one in await items(world, "agents", **asked)}
    assert len(table) == len(agents) == len(by_api)
    for row, subject in zip(table, sorted(agents), strict=True):
        state = agents[subject]
        drawn = sum(d["decided_amount"] for d in state["draws"] if d["status"] == "APPROVED")
        assert row[4].split()[-1].replace(",", "") in _amounts(state["deposit"])
        assert row[5].split()[-1].replace(",", "") in _amounts(drawn)
        counted = (len(state["sanctions"]), len(state["inspections"]))
        assert (number(row[6]), number(row[7])) == counted
        one = by_api[subject]
        assert one["deposit_drawn"] == f"{drawn:.2f}"
        assert (len(one["sanctions"]), len(one["inspections"])) == counted
    assert any(state["sanctions"] for state in agents.values())
    if when == "now":
        assert await rows(world, "SELECT count(*) FROM agent") == [(len(agents),)]


@EITHER
async def test_service_points_and_villages(world: World, when: str) -> None:
    now, asked = world.counted(when)
    programmes = now.of("programme")
    table = await _register(world, "/programmes", "Service points and villages", **asked)
    by_api = {one["subject"]: one for one in await items(world, "programmes", **asked)}
    assert len(table) == len(programmes) == len(by_api)
    for row, subject in zip(table, sorted(programmes), strict=True):
        reached = [one["participants"] for one in programmes[subject]["outreach"]]
        assert (number(row[5]), number(row[6])) == (len(reached), sum(reached))
        assert sum(one["participants"] for one in by_api[subject]["outreach"]) == sum(reached)


@EITHER
async def test_the_lists_behind_the_figures(world: World, when: str) -> None:
    now, asked = world.counted(when)
    for path, wanted in (
        ("/commitments", len(now.owed)),
        ("/commitments?overdue=1", len(now.overdue)),
        ("/commitments?due=today", now.due_today()),
        ("/cases", len(now.of("case"))),
        ("/cases?open=1", len(now.open_cases)),
        ("/cases?still=14", now.still(14)),
        ("/transfers?bounced=30", now.bounced(30)),
        ("/transfers", len(list(now.effective("TransferOffered")))),
    ):
        found = await page(world, path, **asked)
        assert number(found.text("h-found").split()[0]) == wanted, path
