"""The read side of the HTTP API: documents, lists, headers, who sees what."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from embedded.platform import Endpoints
from projections import owing
from projections.indicators import indicators
from projections.install import install
from projections.listing import summary
from projections.meetings import meetings
from projections.reading import history, subject_state, subject_state_as_of
from runut.adapters.postgres import Connection, connected
from runut.rfc3339 import parse_time
from runut.settings import Settings
from tests.builders import project
from tests.ledgers import own_settings
from tests.read_stage import NOW, ReadSide, all_scenarios, exported, read_side, without_origin

CASE = "case/BP3MI-NTT-2025-0001"
THEN = "2025-06-12T09:00:00+07:00"


@pytest.fixture(scope="module")
async def world(platform: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of read models that hold every scenario; no test of the module changes them."""
    settings = own_settings(platform, tmp_path_factory.mktemp("read"))
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        await project(connection, list(all_scenarios()))
    return settings


@pytest.fixture
async def tables(world: Settings) -> AsyncIterator[Connection]:
    """A connection to them."""
    async with connected(world, name="tests", autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
async def side(world: Settings) -> AsyncIterator[ReadSide]:
    """The routes over them."""
    async with read_side(world) as side:
        yield side


async def subjects_of(tables: Connection) -> list[str]:
    cursor = await tables.execute("SELECT subject FROM subject WHERE state IS NOT NULL ORDER BY 1")
    return [row[0] for row in await cursor.fetchall()]


async def walked(side: ReadSide, path: str, token: str = "auditor", **more: object) -> list[object]:
    """All items of a list, page by page."""
    items: list[object] = []
    async with side.client(token) as client:
        answer = await client.get(path, params={n.rstrip("_"): str(v) for n, v in more.items()})
        while True:
            assert answer.status_code == 200, answer.text
            items += answer.json()
            if "next" not in answer.links:
                return items
            answer = await client.get(f"http://read{answer.links['next']['url']}")


async def test_states_and_histories_are_the_documents_of_the_commands(
    side: ReadSide, tables: Connection
) -> None:
    subjects = await subjects_of(tables)
    assert {subject.partition("/")[0] for subject in subjects} == {
        *("case", "meeting", "agreement", "agent", "programme")
    }
    for subject in subjects:
        state, told = (
            await side.get(f"/subjects/{subject}"),
            await side.get(f"/subjects/{subject}/history", limit=1000),
        )
        assert without_origin(state) == await subject_state(tables, subject, NOW)
        assert told.json() == await history(tables, subject)


async def test_a_state_is_the_same_by_the_router_and_past_it(
    side: ReadSide, tables: Connection
) -> None:
    for subject in await subjects_of(tables):
        path = f"/subjects/{subject}"
        direct, routed = await side.get(path), await side.get(path, by="recorded")
        assert direct.json() == routed.json()
        of_no_question = [
            {name: value for name, value in one.headers.items() if name != "etag"}
            for one in (direct, routed)
        ]
        assert of_no_question[0] == of_no_question[1]
    for wrong in ("/subjects/case/NOWHERE", "/subjects/house/X", "/subjects/case/a b"):
        direct, routed = await side.get(wrong), await side.get(wrong, by="recorded")
        assert direct.status_code == routed.status_code >= 400
        assert direct.json() == routed.json()


async def test_who_asks_at_the_same_time_sees_their_own(side: ReadSide, tables: Connection) -> None:
    asked = [
        (f"/subjects/{subject}", token)
        for subject in await subjects_of(tables)
        for token in ("auditor", "reader-kbri-kl", "reader-polri")
    ]
    alone = [await side.get(path, token) for path, token in asked]
    together = await asyncio.gather(*(side.get(path, token) for path, token in asked))
    assert {one.status_code for one in alone} == {200, 404}
    assert [one.content for one in together] == [one.content for one in alone]


async def test_a_past_state_is_asked_by_either_time(side: ReadSide, tables: Connection) -> None:
    occurred = await side.get(f"/subjects/{CASE}", as_of=THEN, by="occurred")
    assert without_origin(occurred) == await subject_state_as_of(
        tables, CASE, parse_time(THEN), "occurred"
    )
    recorded = await side.get(f"/subjects/{CASE}", as_of=THEN)
    assert recorded.status_code == 404
    assert "no effective event created it up to" in recorded.json()["detail"]
    half_way = "2026-07-01T00:00:05Z"
    told = await side.get(f"/subjects/{CASE}/history", as_of=half_way)
    assert told.json() == await history(tables, CASE, parse_time(half_way))
    assert 0 < len(told.json()) < 19


async def test_what_agencies_owe_is_the_document_of_the_commands_whatever_the_page(
    side: ReadSide, tables: Connection
) -> None:
    for as_of in (None, "2026-07-01T00:00:40Z"):
        moment = parse_time(as_of) if as_of else None
        asked = {"as_of": as_of} if as_of else {}
        everything = await owing.commitments(tables, now=NOW, as_of=moment)
        assert await walked(side, "/commitments", limit=7, **asked) == everything
        overdue = await owing.commitments(
            tables, now=NOW, agency="kbri-kl", overdue=True, as_of=moment
        )
        found = await walked(side, "/commitments", agency="kbri-kl", overdue=True, **asked)
        assert found == overdue
        page = await side.get("/agencies/kp2mi", **asked)
        assert without_origin(page) == await owing.agency(tables, "kp2mi", now=NOW, as_of=moment)


async def test_why_something_is_due_is_the_document_of_the_command(
    side: ReadSide, tables: Connection
) -> None:
    owed = (await owing.commitments(tables, now=NOW))[0]
    subject, ident = owed["subject"], owed["commitment_id"]
    found = await side.get(f"/subjects/{subject}/commitments/{quote(ident)}/explanation")
    assert without_origin(found) == await owing.explanation(tables, ident, subject)


async def test_measures_are_the_documents_of_the_commands(
    side: ReadSide, tables: Connection
) -> None:
    for as_of in (None, "2026-07-01T00:00:40Z"):
        moment = parse_time(as_of) if as_of else None
        asked = {"as_of": as_of} if as_of else {}
        since = "2025-01-01T00:00:00+07:00"
        measured = await side.get("/indicators", agency="kp2mi", from_=since, **asked)
        assert without_origin(measured) == await indicators(
            tables, now=NOW, as_of=moment, since=parse_time(since), agency="kp2mi"
        )
        met = await side.get("/meeting-series", **asked)
        assert without_origin(met) == await meetings(tables, now=NOW, as_of=moment)


async def test_an_agency_that_there_is_not_has_no_measurement(side: ReadSide) -> None:
    for asked in ({}, {"as_of": "2026-07-01T00:00:40Z"}):
        answer = await side.get("/indicators", agency="nope", **asked)
        assert answer.status_code == 404
        assert answer.json()["detail"] == "agency nope: expected one that the directory knows"


async def test_summaries_say_what_states_say_and_filters_choose_among_them(
    side: ReadSide, tables: Connection
) -> None:
    states = [await subject_state(tables, one, NOW) for one in await subjects_of(tables)]
    assert await walked(side, "/subjects", limit=3) == [summary(one) for one in states]
    for name, value in (
        ("kind", "case"),
        ("status", "CLOSED"),
        ("status", "SUSPENDED"),
        ("custodian", "kp2mi"),
        ("category", "UNPAID_WAGES"),
        ("country", "MY"),
    ):
        wanted = [one for one in map(summary, states) if one[name] == value]
        assert wanted, name
        assert await walked(side, "/subjects", limit=2, **{name: value}) == wanted
    late = [one for one in map(summary, states) if one["overdue"] > 0]
    assert late
    assert await walked(side, "/subjects", overdue=True) == late
    took_part = [one for one in map(summary, states) if "polri" in (one["participants"] or ())]
    assert await walked(side, "/subjects", participant="polri") == took_part


@pytest.mark.parametrize("path", ["cases", "meetings", "agreements", "agents", "programmes"])
async def test_lists_of_one_kind_hold_whole_states(
    side: ReadSide, tables: Connection, path: str
) -> None:
    kind = path.removesuffix("s")
    wanted = [one for one in await subjects_of(tables) if one.startswith(f"{kind}/")]
    assert await walked(side, f"/{path}", limit=2) == [
        await subject_state(tables, one, NOW) for one in wanted
    ]


@pytest.mark.parametrize(
    ("path", "view", "filters"),
    [
        ("letters", "letter", {"sender": "kbri-kl"}),
        ("transfers", "transfer", {"to": "kp2mi"}),
        ("contacts", "contact", {}),
        ("assistance", "assistance", {"status": "DELIVERED"}),
        ("decisions", "decision", {}),
        ("fines", "fine", {}),
        ("custody", "custody_interval", {"agency": "kp2mi"}),
        ("data-shares", "data_share", {}),
    ],
)
async def test_registers_hold_the_rows_of_the_views(
    side: ReadSide,
    tables: Connection,
    world: Settings,
    path: str,
    view: str,
    filters: dict[str, str],
) -> None:
    cursor = await tables.execute(f"SELECT count(*) FROM {world.views_schema}.{view}")
    row = await cursor.fetchone()
    assert row is not None
    everything = await walked(side, f"/{path}", limit=2)
    assert len(everything) == row[0] > 0
    some = await walked(side, f"/{path}", **filters)
    columns = {"to": "to_agency"}
    assert some == [
        one
        for one in everything
        if all(one[columns.get(name, name)] == value for name, value in filters.items())
    ]
    assert some


async def test_csv_and_json_lines_hold_the_whole_list(side: ReadSide) -> None:
    everything = await walked(side, "/letters", limit=1000)
    lines = await side.get("/letters", accept="application/x-ndjson, */*;q=0.1")
    assert lines.headers["content-type"] == "application/jsonl"
    assert [json.loads(line) for line in lines.text.splitlines()] == everything
    table = await side.get("/letters", format="csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert 'filename="letters.csv"' in table.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["title"] for row in rows] == [one["title"] for one in everything]
    assert [row["to_agencies"] for row in rows] == [
        ";".join(one["to_agencies"]) for one in everything
    ]
    part = await side.get("/letters", format="csv", limit=1)
    assert len(list(csv.DictReader(io.StringIO(part.text)))) == 1
    assert "next" in part.links


async def test_an_answer_names_what_it_was_made_from_and_is_not_sent_twice(
    side: ReadSide, tables: Connection
) -> None:
    for path in (f"/subjects/{CASE}", f"/subjects/{CASE}/history", "/subjects", "/letters"):
        first = await side.get(path)
        cursor = await tables.execute("SELECT partition, next_offset FROM position ORDER BY 1")
        at = ",".join(f"{p}:{offset}" for p, offset in await cursor.fetchall())
        assert first.headers["runut-positions"] == at
        assert len(first.headers["runut-model"]) == 16
        again = await side.get(path, known=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        other = await side.get(path, "operator", known=first.headers["etag"])
        assert other.status_code == 200


async def test_whatever_form_a_validator_comes_in_it_is_compared_weakly(
    side: ReadSide, tables: Connection
) -> None:
    owed = (await owing.commitments(tables, now=NOW))[0]
    why = f"/commitments/{quote(owed['commitment_id'])}/explanation"
    paths = (f"/subjects/{CASE}", f"/subjects/{CASE}?by=recorded", f"/subjects/{CASE}/history")
    lists = ("/letters", "/letters?format=csv", "/letters?format=jsonl", "/agencies/kp2mi")
    for path in (*paths, *lists, "/indicators", f"/subjects/{owed['subject']}{why}"):
        async with side.client() as client:
            tag = (await client.get(path)).headers["etag"]
            for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
                again = await client.get(path, headers={"If-None-Match": known})
                assert (again.status_code, again.content) == (304, b""), (path, known)
                assert again.headers["etag"] == tag
            assert (await client.get(path, headers={"If-None-Match": '"x"'})).status_code == 200


async def test_whatever_version_is_known_of_what_is_not_there_it_is_not_found(
    side: ReadSide,
) -> None:
    of_case = f"/subjects/{CASE}"
    before = f"{of_case}?as_of=2000-01-01T00:00:00Z"
    nowhere = ("/subjects/case/NOWHERE", "/subjects/case/NOWHERE/history?format=csv", before)
    async with side.client() as client:
        for path in (*nowhere, "/agencies/nope", f"{of_case}/commitments/X/explanation"):
            answer = await client.get(path, headers={"If-None-Match": "*"})
            assert answer.status_code == 404, path


async def test_head_has_the_headers_of_get_and_no_body(side: ReadSide) -> None:
    paths = (f"/subjects/{CASE}", f"/subjects/{CASE}/history", "/letters?format=csv", "/indicators")
    async with side.client() as client:
        for path in paths:
            got, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers == got.headers, path
        known = {"If-None-Match": got.headers["etag"]}
        assert (await client.head(paths[-1], headers=known)).status_code == 304


async def test_an_answer_differs_when_a_limit_passes_though_nothing_is_recorded(
    world: Settings, tables: Connection
) -> None:
    owed = [
        one
        for one in await owing.commitments(tables, now=NOW)
        if one["due_at"] and one["status"] == "OPEN"
    ]
    assert owed
    limit, path = parse_time(owed[0]["due_at"]), f"/subjects/{owed[0]['subject']}"
    async with read_side(world, now=limit) as before:
        in_time = await before.get(path)
    async with read_side(world, now=limit.replace(microsecond=1)) as after:
        late = await after.get(path, known=in_time.headers["etag"])
    assert late.status_code == 200
    counted = [one.json()["commitments"]["overdue"] for one in (in_time, late)]
    assert counted[1] == counted[0] + 1


async def test_a_reader_sees_the_subjects_in_which_its_agency_takes_part(
    side: ReadSide, tables: Connection
) -> None:
    everything = {one["subject"]: one for one in await walked(side, "/subjects")}
    cursor = await tables.execute("SELECT DISTINCT subject, agency FROM history")
    emitted = {(subject, agency) for subject, agency in await cursor.fetchall()}
    for agency in ("kp2mi", "kbri-kl", "kjri-jb", "polri", "kemensos", "bp3mi-ntt"):
        token = f"reader-{agency}"
        seen = {one["subject"] for one in await walked(side, "/subjects", token, limit=5)}
        registers = {one for one in everything if one.startswith(("agent/", "programme/"))}
        assert registers <= seen
        for subject in everything:
            answer = await side.get(f"/subjects/{subject}", token)
            told = await side.get(f"/subjects/{subject}/history", token)
            assert answer.status_code == told.status_code == (200 if subject in seen else 404)
            if subject.startswith("case/"):
                assert (agency in answer.json().get("participants", ())) <= (subject in seen)
            if (subject, agency) in emitted and subject.startswith(("meeting/", "agreement/")):
                assert subject in seen
        for path in ("commitments", "letters", "transfers", "custody"):
            about = {one["subject"] for one in await walked(side, f"/{path}", token)}
            assert about <= seen
            wanted = {
                one["subject"] for one in await walked(side, f"/{path}") if one["subject"] in seen
            }
            assert about == wanted
        page = (await side.get("/agencies/kp2mi", token)).json()
        assert {one["subject"] for name in ("owes", "holds") for one in page[name]} <= seen
        measured = (await side.get("/indicators", token)).json()
        assert {one["longest"] for one in measured["movement"]} <= seen | {None}
    hidden = set(everything) - seen
    assert hidden


async def test_what_may_not_be_seen_is_as_if_it_were_not_there(side: ReadSide) -> None:
    seen = {one["subject"] for one in await walked(side, "/subjects", "reader-kjri-jb")}
    hidden = next(one for one in await walked(side, "/subjects") if one["subject"] not in seen)
    there = await side.get(f"/subjects/{hidden['subject']}", "reader-kjri-jb")
    nowhere = await side.get("/subjects/case/NOWHERE", "reader-kjri-jb")
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["detail"].replace(hidden["subject"], "") == nowhere.json()[
        "detail"
    ].replace("case/NOWHERE", "")
    assert (await side.get(f"/bundles/{hidden['subject']}", "reader-kjri-jb")).status_code == 404
    bundle = await side.get(f"/bundles/{hidden['subject']}")
    assert bundle.content == await exported(hidden["subject"])


@pytest.mark.parametrize(
    ("token", "status"), [("nobody", 401), ("emitter", 403), ("homeless", 403)]
)
async def test_whoever_may_not_read_is_refused_with_a_problem(
    side: ReadSide, token: str, status: int
) -> None:
    for path in ("/subjects", f"/subjects/{CASE}", "/letters", "/stream", "/quarantine"):
        answer = await side.get(path, token)
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "asked", "field"),
    [
        (f"/subjects/{CASE}", {"as_of": "2025-06-12"}, "query.as_of"),
        ("/subjects/ledger/runut", {}, "path.kind"),
        ("/subjects/case/no%20id", {}, "path.ident"),
        ("/subjects", {"limit": 0}, "query.limit"),
        ("/subjects", {"cursor": "bm9uZQ"}, "query.cursor"),
        ("/letters", {"cursor": "WyIiLCJcdTAwMDAiXQ"}, "query.cursor"),
        ("/letters", {"to": "KP2MI"}, "query.to"),
        ("/letters", {"format": "xml"}, "query.format"),
        ("/commitments", {"after": "0"}, "query.after"),
        ("/commitments", {"after": "77:1"}, "query.after"),
        ("/commitments", {"after": "0:99999999999"}, "query.after"),
        (
            "/indicators",
            {"from_": "2026-01-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"},
            "query.to",
        ),
        ("/stream", {"since": "yesterday"}, "query.since"),
    ],
)
async def test_a_wrong_question_is_answered_with_the_field(
    side: ReadSide, path: str, asked: dict[str, object], field: str
) -> None:
    answer = await side.get(path, **asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field
    assert answer.json()["expected"]


async def test_an_answer_that_waits_in_vain_says_when_to_try_again(
    side: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.asking.AFTER_WITHIN_S", 0.05)
    answer = await side.get("/subjects", after="0:100000")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:runut:problem:not-yet-projected"
    assert int(answer.headers["retry-after"]) >= 1
    assert (await side.get("/subjects", after="0:1")).status_code == 200


async def test_read_models_that_were_never_made_are_a_problem(
    platform: Endpoints, tmp_path: Path
) -> None:
    async with read_side(own_settings(platform, tmp_path)) as empty:
        for path in ("/subjects", f"/subjects/{CASE}", "/indicators"):
            answer: httpx.Response = await empty.get(path)
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:runut:problem:not-ready",
            )
