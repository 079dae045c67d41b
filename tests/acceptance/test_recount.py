"""Every number on the pages is that of the SQL views, of the API and of an independent recount.

On a sample world whose events were recorded as they happened; now, and as of a day in its past,
which has no SQL views.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from embedded.platform import Endpoints
from runut.rfc3339 import parse_time
from tests.acceptance.counted import (
    NOW,
    World,
    api,
    counted_world,
    items,
    page,
    register,
    rows,
    view,
)
from tests.acceptance.page_claims import (
    compare_agency,
    compare_indicators,
    compare_letters,
    compare_months,
    compare_network,
    compare_overview,
)
from tests.acceptance.seals_counted import root_of, rows_of, told
from tests.ledgers import own_settings
from tests.page_tables import PageTables, number
from tests.recount import OPEN, grouped

EITHER = pytest.mark.parametrize("when", ["now", "then"])


@pytest.fixture(scope="module")
async def world(
    platform: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    settings = own_settings(platform, tmp_path_factory.mktemp("recount"))
    async with counted_world(settings) as world:
        yield world


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
    compare_overview(await page(world, "/", **asked), now)
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


@EITHER
async def test_the_list_of_agencies(world: World, when: str) -> None:
    now, asked = world.counted(when)
    found = await page(world, "/agencies", **asked)
    held = Counter(one["custodian"] for one in now.open_cases.values())
    late = Counter(one["debtor"] for one in now.overdue)
    table = {row[0].lower(): (number(row[5]), number(row[6])) for row in found.rows("Agencies")}
    assert table == {code: (held[code], late[code]) for code in table}
    assert len(table) == len(view()["agencies"]) - 1  # all but the ledger's own
    if when == "now":
        query = "SELECT custodian, count(*) FROM case_current WHERE is_open GROUP BY 1"
        assert dict(await rows(world, query)) == held


@EITHER
@pytest.mark.parametrize("code", ["kp2mi", "polri"])
async def test_an_agency(world: World, code: str, when: str) -> None:
    now, asked = world.counted(when)
    found = await page(world, f"/agencies/{code}", **asked)
    compare_agency(found, now, code)
    document = await api(world, f"agencies/{code}", **asked)
    pending = [one for one in now.commitments if one["status"] in ("PROPOSED", "OPEN", "REPORTED")]
    for name, side in (("owes", "debtor"), ("awaits", "creditor")):
        wanted = {(c["subject"], c["commitment_id"]) for c in pending if c[side] == code}
        assert {(c["subject"], c["commitment_id"]) for c in document[name]} == wanted
    compare_indicators(await api(world, "indicators", agency=code, **asked), now, code)
    by_month = compare_months(found, now, code)
    if when == "now":
        query = (
            "SELECT to_char(month, 'YYYY-MM'), sum(count)::integer FROM indicator_monthly"
            f" WHERE indicator = 'RESPONSE_HOURS' AND agency = '{code}' GROUP BY 1"
        )
        assert dict(await rows(world, query)) == by_month


@EITHER
async def test_the_network(world: World, when: str) -> None:
    now, asked = world.counted(when)
    compare_network(await page(world, "/network", **asked), now)
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
    table = await register(world, "/meetings", "Meetings", **asked)
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


@EITHER
async def test_letters(world: World, when: str) -> None:
    now, asked = world.counted(when)
    everything = await page(world, "/letters", **asked)
    compare_letters(everything, await page(world, "/letters", unanswered=1, **asked), now)
    sent = len(list(now.effective("LetterSent")))
    if when == "now":
        assert len(await items(world, "letters")) == sent
        assert await rows(world, "SELECT count(*) FROM letter") == [(sent,)]


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
    table = await register(world, "/agents", "Placement agents", **asked)
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
    table = await register(world, "/programmes", "Service points and villages", **asked)
    by_api = {one["subject"]: one for one in await items(world, "programmes", **asked)}
    assert len(table) == len(programmes) == len(by_api)
    for row, subject in zip(table, sorted(programmes), strict=True):
        reached = [one["participants"] for one in programmes[subject]["outreach"]]
        assert (number(row[5]), number(row[6])) == (len(reached), sum(reached))
        assert sum(one["participants"] for one in by_api[subject]["outreach"]) == sum(reached)


async def test_the_audit_page_and_what_waits_for_a_seal(world: World) -> None:
    seals, now = world.seals, world.recounts["now"]
    answer = await world.browser.get("/audit")
    assert PageTables(answer.text).rows("h-seals") == rows_of(seals)
    assert f"\n{len(seals)}\n{root_of(seals)}\n" in unescape(answer.text)
    named = (await world.browser.get("/api/v1/agencies")).headers["runut-checkpoint"]
    assert named == f"{len(seals)} {root_of(seals)}"
    signed = "SELECT count(*) FROM seal JOIN seal_signature USING (index)"
    assert await (await world.tables.execute(signed)).fetchall() == [(len(seals),)]
    waiting = 1 + max(one.offset for one in now.records) - seals[-1].size
    assert waiting > 0
    ledger = (await page(world, "/")).text("ledger")
    assert f"seal {len(seals) - 1}, {told(seals[-1].at)}" in ledger
    assert ledger.endswith(f"Records that wait for a seal{waiting:,}")


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
