"""What of a guarded event may be told to whom, and which words of it show nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields

from projections.batch import HistoryEntry
from projections.folds.agent import AgentState
from projections.folds.agreement_state import AgreementState, Clause
from projections.folds.case_state import CaseState
from projections.folds.meeting import Attendance, MeetingState
from projections.folds.programme import ServicePoint
from projections.folds.rows import Row
from projections.guarded import Words, fields_of_words, may_be_told, named_agencies, words_of
from projections.rights import Sight
from runut.event import Event
from tests.builders import recorded

LETTER = {
    "letter_id": "L1",
    "number": "12/2026",
    "dated": "2026-03-02",
    "title": "Penggerebekan",
    "doc_type": "OFFICIAL_LETTER",
    "urgency": "NORMAL",
    "to": ["kp2mi"],
    "cc": ["kemensos"],
    "reply_expected": True,
    "attachments": [
        {"name": "denah.pdf", "media_type": "application/pdf", "bytes": 1, "sha256": "ab" * 32}
    ],
}


def entry(security: str = "SECRET", subject: str = "case/X", **more: Any) -> HistoryEntry:
    """A letter of polri, entered for bareskrim."""
    event = {
        "type": "LetterSent",
        "subject": subject,
        "agency": "polri",
        "security": security,
        "occurred_at": "2026-03-02T09:00:00+07:00",
        "on_behalf_of": "bareskrim",
        "data": {**LETTER, **more},
    }
    return HistoryEntry(1, recorded(event, 1), "EFFECTIVE", (), differs=False)


def event(**more: Any) -> Event:
    return entry(**more).recorded.event


@pytest.mark.parametrize(
    ("sight", "told"),
    [
        (Sight("polri"), True),
        (Sight("bareskrim"), True),
        (Sight("kp2mi"), True),
        (Sight("kemensos"), True),
        (Sight("bp3mi-ntt"), True),  # was custodian
        (Sight("kbri-kl"), False),
        (Sight(None, sees_all=True, is_auditor=True), True),
        (Sight(None, sees_all=True), False),
        (Sight("kp2mi", sees_all=True), True),
    ],
)
def test_it_is_told_to_those_whom_it_names_to_custodians_and_to_auditors(
    sight: Sight, told: bool
) -> None:
    custodians = {"bp3mi-ntt"}
    assert may_be_told(event(), sight, custodians) == told
    assert may_be_told(event(security="ORDINARY"), sight, custodians)


def test_attendance_names_agencies() -> None:
    held = recorded(
        {
            "type": "MeetingHeld",
            "subject": "meeting/X",
            "agency": "kp2mi",
            "occurred_at": "2026-03-02T09:00:00+07:00",
            "data": {
                "started_at": "2026-03-02T09:00:00Z",
                "ended_at": "2026-03-02T10:00:00Z",
                "attendance": [{"agency": "polri", "officer_role": "Kanit", "status": "PRESENT"}],
            },
        },
        1,
    ).event
    assert named_agencies(held) == {"kp2mi", "polri"}
    assert words_of(held) == {"Kanit"}


def test_words_are_free_text_and_neither_ids_nor_agencies_nor_enumerations() -> None:
    assert words_of(event()) == {"Penggerebekan", "denah.pdf"}


def test_a_document_shows_the_class_in_place_of_words_and_what_it_shows_is_known() -> None:
    words, read = Words(), []
    hidden, shown = entry(), entry("RESTRICTED", title="Undangan")
    words.add(hidden, told=False)
    words.add(shown, told=True)
    document = {
        "subject": "case/X",
        "letters": [{"title": "Penggerebekan"}, {"title": "Undangan"}, {"title": "Biasa"}],
        "agency": "polri",
    }
    assert words.withheld_from(document, read) == {
        "subject": "case/X",
        "letters": [{"title": "[SECRET]"}, {"title": "Undangan"}, {"title": "Biasa"}],
        "agency": "polri",
    }
    assert read == [shown]


def test_facts_stay_though_a_guarded_event_says_the_same() -> None:
    words, read = Words(), []
    for text in ("case/X", "kp2mi", "2026-03-09T16:59:59Z", "URGENT", "C1"):
        words.add(entry(title=text), told=False)
    facts = {
        "subject": "case/X",
        "urgency": "URGENT",
        "participants": ["kp2mi", "polri"],
        "commitments": [
            {"commitment_id": "C1", "debtor": "kp2mi", "due_at": "2026-03-09T16:59:59Z"}
        ],
    }
    assert words.withheld_from(facts, read) == facts
    assert words.withheld_from({**facts, "title": "kp2mi"}, read) == {**facts, "title": "[SECRET]"}
    assert words.withheld_from({"subject": "case/X", "agenda": ["C1"]}, read)["agenda"] == [
        "[SECRET]"
    ]


FACTS = {
    *("subject", "agency", "from_agency", "to_agency", "sender", "requester", "provider"),
    *("debtor", "creditor", "escalated_to", "custodian", "chair", "secretariat", "reporter"),
    *("arbiter", "parties", "signed", "invitees", "adopters", "minutes_adopters", "partners"),
    *("participants", "locally_closed_by", "to_agencies", "cc_agencies", "with_agencies"),
    *("received_by", "disposed_by", "settled_by", "agreed_by", "disputed_by"),
    *("consents", "merge_addressee", "proposed_survivor", "merged_into", "absorbed", "meeting"),
    *("about_case", "cases", "source", "source_event", "in_reply_to", "open_transfer"),
    *("status", "kind", "category", "urgency", "phase", "country", "mode", "direction"),
    *("doc_type", "follow_up", "severity", "level", "cause", "answer_ground", "desks", "pillars"),
    *("number", "licence", "currency", "series", "region", "timezone", "verification"),
    *("breached_before", "escalation_pending"),
}
"""Columns of rows and fields of states that hold no free text, or names for things."""


KINDS: tuple[type[Struct], ...] = (
    *Row.__subclasses__(),
    *(CaseState, MeetingState, Attendance, AgreementState, Clause, AgentState, ServicePoint),
)


def texts_of(kind: type[Struct]) -> set[str]:
    return {one.name for one in fields(kind) if "str" in str(one.type)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_text_of_a_row_or_state_is_known_to_be_words_or_none(kind: type[Struct]) -> None:
    unknown = texts_of(kind) - fields_of_words() - FACTS
    assert {one for one in unknown if not one.endswith("_id")} == set()


def test_what_is_known_to_be_no_words_is_there() -> None:
    assert FACTS - set().union(*map(texts_of, KINDS)) == set()


def test_a_clause_names_its_debtor() -> None:
    proposed = recorded(
        {
            "type": "AgreementProposed",
            "subject": "agreement/X",
            "agency": "kp2mi",
            "occurred_at": "2026-03-02T09:00:00+07:00",
            "data": {
                "title": "Kesepakatan",
                "parties": ["kp2mi", "polri"],
                "secretariat": "kp2mi",
                "clauses": [{"clause_id": "K", "text": "Lapor", "debtor": "kemlu"}],
                "fund": "Dana",
                "valid_to": "2027-03-02",
            },
        },
        1,
    ).event
    assert named_agencies(proposed) == {"kp2mi", "polri", "kemlu"}


def test_words_of_one_subject_are_withheld_from_no_other() -> None:
    words, read = Words(), []
    words.add(entry(), told=False)
    rows = [
        {"subject": "case/X", "title": "Penggerebekan"},
        {"subject": "case/Y", "title": "Penggerebekan"},
    ]
    assert [one["title"] for one in words.withheld_from(rows, read)] == [
        "[SECRET]",
        "Penggerebekan",
    ]
    assert read == []


def test_what_anybody_may_not_read_is_withheld_though_another_event_told_the_same() -> None:
    words = Words()
    words.add(entry("RESTRICTED"), told=True)
    words.add(entry("SECRET"), told=False)
    found = words.withheld_from({"subject": "case/X", "title": "Penggerebekan"}, [])
    assert found["title"] == "[SECRET]"
