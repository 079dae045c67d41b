"""What is guarded is told to whom it names, to custodians and auditors, and each read is kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runut.adapters.postgres import Connection
from runut.event import Recorded
from runut.settings import Settings
from tests.builders import project, recorded
from tests.coordination_story import REPORT
from tests.read_stage import ReadSide, read_side

CASE, MEETING = "case/GUARDED-1", "meeting/GUARDED-1"
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
        recorded(
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
        for offset, (subject, agency, kind, security, data) in enumerate(lines, 1)
    ]


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
