"""What is guarded is told to whom it names, to custodians and auditors, and each read is kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from dashboard.reads import Demand
from runut.adapters.postgres import Connection
from runut.event import Recorded
from runut.rfc3339 import format_time
from runut.settings import Settings
from tests.builders import project, recorded
from tests.coordination_story import REPORT
from tests.read_stage import PEOPLE, ReadSide, person, read_side

CASE, MEETING, AGAIN = "case/GUARDED-1", "meeting/GUARDED-1", "case/GUARDED-2"
LATE = "Penggerebekan susulan"
TITLE, WHAT, DECISION = "Operasi penyelamatan", "Menyiapkan rumah aman", "Menjemput korban"
REPORTED = "2026-03-02T09:00:00+07:00"


def story() -> list[Recorded]:
    """A case in which kp2mi, polri, kemensos and kbri-kl take part, and a meeting about it."""
    lines: list[tuple[str, str, str, str, dict[str, Any]]] = [
        (CASE, "bp3mi-ntt", "CaseReported", "ORDINARY", REPORT),
        (CASE, "bp3mi-ntt", "CaseVerified", "ORDINARY", {"result": "VERIFIED", "note": "-"}),
        (CASE, "kbri-kl", "ContactLogged", "ORDINARY", _contact()),
        (CASE, "polri", "LetterSent", "RESTRICTED", _letter("L1", "kp2mi")),
        (CASE, "kemensos", "CommitmentMade", "SECRET", _commitment()),
        (MEETING, "kp2mi", "MeetingScheduled", "ORDINARY", _meeting()),
        (MEETING, "kp2mi", "MeetingHeld", "ORDINARY", _held()),
        (MEETING, "kp2mi", "DecisionRecorded", "TOP_SECRET", _decision()),
    ]
    return [
        _event(offset, agency, kind, data, security, subject)
        for offset, (subject, agency, kind, security, data) in enumerate(lines, 1)
    ]


def _event(
    offset: int,
    agency: str,
    kind: str,
    data: dict[str, Any],
    security: str = "ORDINARY",
    subject: str = CASE,
) -> Recorded:
    return recorded(
        {
            "type": kind,
            "subject": subject,
            "agency": agency,
            "security": security,
            "occurred_at": REPORTED,
            "data": data,
        },
        offset,
    )


def _letter(letter_id: str, to: str) -> dict[str, Any]:
    return {
        "letter_id": letter_id,
        "number": "1",
        "dated": "2026-03-02",
        "title": TITLE,
        "doc_type": "OFFICIAL_LETTER",
        "urgency": "NORMAL",
        "to": [to],
        "cc": [],
        "attachments": [],
        "reply_expected": True,
    }


def _contact() -> dict[str, Any]:
    return {
        "contact_id": "K1",
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": ["kemensos"],
        "summary": "Koordinasi",
    }


def _commitment() -> dict[str, Any]:
    return {
        "commitment_id": "P1",
        "debtor": "kemensos",
        "creditor": "polri",
        "what": WHAT,
        "due_at": "2026-04-01T00:00:00Z",
        "source_kind": "OWN",
    }


def _meeting() -> dict[str, Any]:
    return {
        "title": "Rakor",
        "starts_at": REPORTED,
        "mode": "ONLINE",
        "chair": "kp2mi",
        "invitees": ["polri", "kbri-kl"],
        "agenda": [],
        "cases": [],
    }


def _held() -> dict[str, Any]:
    return {"started_at": REPORTED, "ended_at": REPORTED, "attendance": []}


def _decision() -> dict[str, Any]:
    return {
        "decision_id": "D1",
        "meeting": MEETING,
        "text": DECISION,
        "adopters": ["polri"],
        "follow_up": "NO_ACTION",
    }


@pytest.fixture
async def side(connection: Connection, settings: Settings) -> AsyncIterator[ReadSide]:
    """The routes over that story."""
    await project(connection, story())
    async with read_side(settings) as side:
        yield side


async def reads_of(connection: Connection) -> list[tuple[str, str | None, str, str, str]]:
    cursor = await connection.execute(
        "SELECT reader, agency, subject, security, route FROM read_record ORDER BY read_id"
    )
    return await cursor.fetchall()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("reader-polri", {"LetterSent", "CommitmentMade"}),  # emitted one, named in the other
        ("reader-kp2mi", {"LetterSent"}),
        ("reader-kemensos", {"CommitmentMade"}),
        ("reader-kbri-kl", set()),
        ("reader-bp3mi-ntt", {"LetterSent", "CommitmentMade"}),  # custodian
        ("auditor", {"LetterSent", "CommitmentMade"}),
        ("operator", set()),
    ],
)
async def test_the_history_tells_what_happened_and_to_some_what_was_said(
    side: ReadSide, connection: Connection, token: str, told: set[str]
) -> None:
    lines = (await side.get(f"/subjects/{CASE}/history", token)).json()
    assert [line["type"] for line in lines] == [
        one.event.type for one in story() if one.event.subject == CASE
    ]
    by_type = {line["type"]: line for line in lines}
    for name, security, words in (
        ("LetterSent", "RESTRICTED", TITLE),
        ("CommitmentMade", "SECRET", WHAT),
    ):
        line = by_type[name]
        assert ("withheld" not in line) == (words in json.dumps(line)) == (name in told)
        if name not in told:
            assert (line["withheld"], line["data"]) == (security, {})
            assert security in line["text"]["id"]
    kept = await reads_of(connection)
    assert len(kept) == len(told)
    assert {one[0] for one in kept} <= {token}
    assert {one[2] for one in kept} <= {CASE}
    assert {one[4] for one in kept} <= {f"GET /api/v1/subjects/{CASE}/history"}


@pytest.mark.parametrize(
    ("path", "field", "words", "security", "told"),
    [
        ("/letters", "title", TITLE, "RESTRICTED", {"polri", "kp2mi", "bp3mi-ntt"}),
        ("/commitments", "what", WHAT, "SECRET", {"polri", "kemensos", "bp3mi-ntt"}),
        ("/decisions", "text", DECISION, "TOP_SECRET", {"kp2mi", "polri"}),
    ],
)
async def test_lists_show_the_class_in_place_of_words_that_are_not_for_the_reader(
    side: ReadSide,
    connection: Connection,
    path: str,
    field: str,
    words: str,
    security: str,
    told: set[str],
) -> None:
    for agency in ("polri", "kp2mi", "kemensos", "kbri-kl", "bp3mi-ntt"):
        for form in ("json", "csv", "jsonl"):
            before = len(await reads_of(connection))
            answer = await side.get(path, f"reader-{agency}", format=form)
            after = await reads_of(connection)
            assert (words in answer.text) == (agency in told), (agency, form)
            assert (security in {one[3] for one in after[before:]}) == (agency in told)
            if answer.text.strip() not in {"[]", ""} and agency not in told and form == "json":
                shown = [one[field] for one in answer.json()]
                assert not shown or f"[{security}]" in shown


async def test_what_is_owed_for_a_guarded_letter_does_not_tell_what_it_says(
    side: ReadSide,
) -> None:
    page = (await side.get("/agencies/kp2mi", "reader-kbri-kl")).json()
    assert [one["kind"] for one in page["owes"] if one["subject"] == CASE] == ["LETTER_REPLY"]
    assert TITLE not in json.dumps(page)
    assert TITLE in (await side.get("/agencies/kp2mi", "reader-polri")).text


async def test_a_state_shows_the_class_in_place_of_a_decision(
    side: ReadSide, connection: Connection
) -> None:
    hidden = (await side.get(f"/subjects/{MEETING}", "reader-kbri-kl")).json()
    assert [one["text"] for one in hidden["decisions"]] == ["[TOP_SECRET]"]
    assert await reads_of(connection) == []
    shown = (await side.get(f"/subjects/{MEETING}", "auditor")).json()
    assert [one["text"] for one in shown["decisions"]] == [DECISION]
    (kept,) = await reads_of(connection)
    assert kept == ("auditor", None, MEETING, "TOP_SECRET", f"GET /api/v1/subjects/{MEETING}")


async def test_what_cannot_be_written_down_is_not_shown(
    side: ReadSide, connection: Connection
) -> None:
    await connection.execute("ALTER TABLE read_record RENAME TO elsewhere")
    for path in (f"/subjects/{CASE}/history", "/letters"):
        for form in ("json", "csv"):
            answer = await side.get(path, "auditor", format=form)
            assert answer.status_code == 503
            assert TITLE not in answer.text


async def test_words_of_an_irregular_event_hide_nothing(
    side: ReadSide, connection: Connection
) -> None:
    """Nobody makes others' words disappear by repeating them in secret."""
    forged = recorded(
        {
            "type": "LetterSent",
            "subject": MEETING.replace("meeting", "case"),
            "agency": "kbri-kl",
            "security": "SECRET",
            "occurred_at": REPORTED,
            "data": _letter("L9", "polri") | {"title": "Koordinasi"},
        },
        50,
        signature="INVALID",
    )
    await project(connection, [forged])
    contact = (await side.get("/contacts", "reader-kemensos")).json()
    assert [one["summary"] for one in contact] == ["Koordinasi"]


async def test_a_past_state_does_not_tell_what_counts_no_more(
    side: ReadSide, connection: Connection
) -> None:
    """A letter counted, until the reopening that made it possible was corrected."""
    lines: list[tuple[str, str, dict[str, Any]]] = [
        ("bp3mi-ntt", "CaseReported", REPORT),
        ("bp3mi-ntt", "CaseVerified", {"result": "VERIFIED", "note": "-"}),
        ("kbri-kl", "ContactLogged", _contact() | {"with": []}),
        ("kp2mi", "ContactLogged", _contact() | {"contact_id": "K2", "with": []}),
        ("bp3mi-ntt", "CaseResolved", {"outcome": "Selesai"}),
        ("bp3mi-ntt", "CaseClosed", {"scope": "LEDGER", "ground": "Tuntas"}),
        ("bp3mi-ntt", "CaseReopened", {"reason": "Bukti baru"}),
    ]
    before = [_event(20 + n, *line, subject=AGAIN) for n, line in enumerate(lines)]
    reopened, letter = before[-1], _letter("L7", "kp2mi") | {"title": LATE}
    correction = {"target": reopened.event.event_id, "reason": "Keliru"}
    after = [
        _event(30, "polri", "LetterSent", letter, "SECRET", subject=AGAIN),
        _event(40, "bp3mi-ntt", "EventCorrected", correction, subject=AGAIN),
    ]
    await project(connection, before + after)
    then = format_time(after[0].recorded_at + timedelta(seconds=5))
    for token, told in (("reader-kbri-kl", False), ("reader-kp2mi", True)):
        now = await side.get("/commitments", token)
        was = await side.get("/commitments", token, as_of=then)
        assert "LETTER_REPLY:L7:kp2mi" not in now.text
        assert "LETTER_REPLY:L7:kp2mi" in was.text
        assert (LATE in was.text) == told
        assert (token in {one[0] for one in await reads_of(connection)}) == told


async def test_an_answer_is_another_one_for_somebody_else_of_the_agency(side: ReadSide) -> None:
    PEOPLE["colleague"] = person("colleague", "READER", agency="kp2mi")
    for path in (f"/subjects/{CASE}", "/letters", "/agencies/kp2mi", "/indicators"):
        tag = (await side.get(path, "reader-kp2mi")).headers["etag"]
        assert (await side.get(path, "reader-kp2mi", known=tag)).status_code == 304
        other = await side.get(path, "colleague", known=tag)
        assert (other.status_code, "Cookie" in other.headers["vary"]) == (200, True)


@pytest.mark.parametrize(("token", "status"), [("auditor", 200), ("reader-bp3mi-ntt", 200)])
async def test_a_bundle_holds_what_is_projected(
    side: ReadSide, connection: Connection, token: str, status: int
) -> None:
    assert (await side.get(f"/bundles/{CASE}", token)).status_code == status
    assert [one[3] for one in await reads_of(connection)] == ["RESTRICTED", "SECRET"]


@pytest.mark.parametrize(("token", "status"), [("auditor", 200), ("reader-polri", 403)])
async def test_a_bundle_is_refused_for_what_is_sealed_and_not_projected_yet(
    side: ReadSide, connection: Connection, token: str, status: int
) -> None:
    further = _event(60, "kemensos", "LetterSent", _letter("L8", "kp2mi"), "TOP_SECRET")

    async def sealed(subject: str, demand: Demand) -> bytes:
        await demand([further])
        return subject.encode()

    side.reads.export = sealed
    answer = await side.get(f"/bundles/{CASE}", token)
    assert answer.status_code == status
    assert ("TOP_SECRET" in {one[3] for one in await reads_of(connection)}) == (status == 200)
