"""Why a due date is what it is: as known when it was set, and as known now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from projections.explaining import explain
from projections.folds.rows import Commitment
from projections.folds.subject import fold_subject
from projections.portraits import Document
from runut.directory_log import DirectoryLog
from runut.errors import NotFound
from runut.event import Recorded
from runut.founding import default_protocol
from runut.rfc3339 import format_time
from tests.builders import (
    directory_log,
    directory_objects,
    on_subject,
    read_directory,
    recorded,
    scenario,
    signed_directory,
)

CASE = "case/NTT-2025-0001"
AGREEMENT = "agreement/PKS-NTT-2026"
OFFER = "TRANSFER_ANSWER:T1:kp2mi"
BEFORE = directory_log().size - 1
"""Offset of the directory before anything late was announced."""
LATE_LEAVE = {"date": date(2025, 4, 8), "name": "Cuti bersama susulan", "kind": "JOINT"}
WORKING_SATURDAY = {"date": date(2025, 4, 5), "name": "Hari kerja pengganti", "kind": "WORKING"}
WHILE_AWAY = ["2025-03-28", "2025-03-31", *(f"2025-04-0{day}" for day in (1, 2, 3, 4, 7))]


@cache
def later(*days: str) -> DirectoryLog:
    """The usual directory, then a calendar of 2025 with more days, then another protocol."""
    objects = list(directory_objects())
    is_2025 = [one["data"].get("year") == 2025 for one in objects]
    calendar = objects[is_2025.index(True)]
    more = {"LATE_LEAVE": LATE_LEAVE, "WORKING_SATURDAY": WORKING_SATURDAY}
    all_days = [*calendar["data"]["days"], *(more[day] for day in days)]
    new_calendar = {**calendar, "data": {**calendar["data"], "days": all_days}}
    (protocol,) = [one for one in objects if one["type"] == "ProtocolPublished"]
    body = default_protocol().read_text().replace("pmi-1", "pmi-2").replace('"3wd"', '"2wd"')
    digest = sha256(body.encode()).hexdigest()
    data = {"version": "pmi-2", "body": body, "sha256": digest}
    new_protocol = {**protocol, "data": {**protocol["data"], **data}}
    return read_directory(signed_directory([*objects, new_calendar, new_protocol]))


def events(*objects: dict[str, Any], announced: int = BEFORE) -> list[Recorded]:
    """Events on the case, judged by the directory up to an offset."""
    return [
        replace(recorded({"subject": CASE, **one}, offset), directory_offset=announced)
        for offset, one in enumerate(objects, 1)
    ]


def said(event_type: str, agency: str, occurred_at: str, **data: Any) -> dict[str, Any]:
    return {"type": event_type, "agency": agency, "occurred_at": occurred_at, "data": data}


REPORTED = said(
    "CaseReported",
    "bp3mi-ntt",
    "2025-03-24T09:00:00+07:00",
    category="UNPAID_WAGES",
    urgency="URGENT",
    phase="DURING",
    country="MY",
    intake="HOTLINE",
    relation="FAMILY",
    sector="FORMAL",
    placement="PROCEDURAL",
    summary="Gaji",
)
VERIFIED = said(
    "CaseVerified", "bp3mi-ntt", "2025-03-25T09:00:00+07:00", result="VERIFIED", note="-"
)
OFFERED = said(
    "TransferOffered",
    "bp3mi-ntt",
    "2025-03-26T10:00:00+07:00",
    transfer_id="T1",
    to="kp2mi",
    ground="MANDATE",
    reason="Wewenang pusat",
)


def explained(
    records: Sequence[Recorded], commitment_id: str, log: DirectoryLog | None = None
) -> Document:
    log = log or directory_log()
    return explain(records, commitment_id, log.at, log.latest)


def test_the_rule_its_version_and_the_days_it_skipped_are_named() -> None:
    records = events(REPORTED, VERIFIED, OFFERED)
    found = explained(records, OFFER)
    skipped = found["as_known_then"].pop("skipped")
    assert found == {
        "commitment_id": OFFER,
        "subject": CASE,
        "due_at": "2025-04-09T16:59:59Z",
        "given_by": "PROTOCOL",
        "set_by": {
            "event_id": records[-1].event.event_id,
            "type": "TransferOffered",
            "agency": "bp3mi-ntt",
            "occurred_at": "2025-03-26T03:00:00Z",
        },
        "protocol_version": "pmi-1",
        "limit": "3wd",
        "counted_from": "2025-03-26T03:00:00Z",
        "timezone": "Asia/Jakarta",
        "as_known_then": {"due_at": "2025-04-09T16:59:59Z", "directory_offset": BEFORE},
        "as_known_now": {"due_at": "2025-04-09T16:59:59Z", "skipped": skipped},
        "differs": False,
    }
    assert [day["date"] for day in skipped] == WHILE_AWAY
    assert {day["kind"] for day in skipped} == {"PUBLIC", "JOINT"}
    assert "Eid al-Fitr" in {day["name"] for day in skipped}


@pytest.mark.parametrize(
    ("days", "due", "added"),
    [
        (("LATE_LEAVE",), "2025-04-10T16:59:59Z", ["2025-04-08"]),
        (("WORKING_SATURDAY",), "2025-04-08T16:59:59Z", ["2025-04-05"]),
        (("LATE_LEAVE", "WORKING_SATURDAY"), "2025-04-09T16:59:59Z", ["2025-04-05", "2025-04-08"]),
    ],
)
def test_a_late_decree_moves_only_what_is_known_now(
    days: tuple[str, ...], due: str, added: list[str]
) -> None:
    found = explained(events(REPORTED, VERIFIED, OFFERED), OFFER, later(*days))
    then, now = found["as_known_then"], found["as_known_now"]
    assert found["due_at"] == then["due_at"] == "2025-04-09T16:59:59Z"
    assert now["due_at"] == due
    assert found["differs"] is (due != then["due_at"])
    assert [day["date"] for day in now["skipped"]] == sorted([*WHILE_AWAY, *added])
    assert [day["date"] for day in then["skipped"]] == WHILE_AWAY


def test_another_protocol_changes_what_is_recorded_after_it_and_nothing_before() -> None:
    log = later("LATE_LEAVE")
    old = explained(events(REPORTED, VERIFIED, OFFERED), OFFER, log)
    assert (old["protocol_version"], old["limit"]) == ("pmi-1", "3wd")
    announced = log.size - 1
    new = explained(events(REPORTED, VERIFIED, OFFERED, announced=announced), OFFER, log)
    assert (new["protocol_version"], new["limit"]) == ("pmi-2", "2wd")
    assert new["due_at"] == new["as_known_now"]["due_at"] == "2025-04-09T16:59:59Z"
    assert new["as_known_then"]["directory_offset"] == announced


def test_a_date_that_an_event_gives_is_its_own_whatever_the_calendar() -> None:
    due_at = "2025-04-04T12:00:00+07:00"
    offered = {**OFFERED, "data": {**OFFERED["data"], "answer_due_at": due_at}}
    found = explained(events(REPORTED, VERIFIED, offered), OFFER, later("LATE_LEAVE"))
    known = {"due_at": "2025-04-04T05:00:00Z", "skipped": []}
    assert (found["given_by"], found["set_by"]["type"]) == ("EVENT", "TransferOffered")
    assert (found["protocol_version"], found["limit"], found["timezone"]) == (None, None, None)
    assert found["as_known_now"] == known
    assert found["as_known_then"] == {**known, "directory_offset": BEFORE}
    assert found["differs"] is False


def test_an_extension_is_what_gave_the_present_date() -> None:
    extended = said(
        "ExtensionGranted",
        "bp3mi-ntt",
        "2025-04-08T09:00:00+07:00",
        commitment_id=OFFER,
        new_due_at="2025-04-15T17:00:00+07:00",
        reason="Libur panjang",
    )
    refused = {**extended, "agency": "kp2mi"}
    records = events(REPORTED, VERIFIED, OFFERED, extended, refused)
    found = explained(records, OFFER, later("LATE_LEAVE"))
    assert (found["given_by"], found["set_by"]["type"]) == ("EVENT", "ExtensionGranted")
    assert found["set_by"]["event_id"] == records[3].event.event_id
    assert found["due_at"] == "2025-04-15T10:00:00Z"


def test_an_extension_that_was_corrected_gave_nothing() -> None:
    extended = said(
        "ExtensionGranted",
        "bp3mi-ntt",
        "2025-04-08T09:00:00+07:00",
        commitment_id=OFFER,
        new_due_at="2025-04-15T17:00:00+07:00",
        reason="Libur panjang",
    )
    target = events(REPORTED, VERIFIED, OFFERED, extended)[-1].event.event_id
    corrected = said(
        "EventCorrected", "bp3mi-ntt", "2025-04-08T10:00:00+07:00", target=target, reason="Keliru"
    )
    found = explained(events(REPORTED, VERIFIED, OFFERED, extended, corrected), OFFER)
    assert (found["given_by"], found["due_at"]) == ("PROTOCOL", "2025-04-09T16:59:59Z")


def test_hours_run_through_holidays() -> None:
    asked = said(
        "AssistanceRequested",
        "bp3mi-ntt",
        "2025-03-31T10:00:00+07:00",
        assistance_id="A1",
        kind="SHELTER",
        provider="kemensos",
        emergency=True,
        reason="Malam ini",
    )
    found = explained(
        events(REPORTED, VERIFIED, asked), "ASSISTANCE_ANSWER:A1:kemensos", later("LATE_LEAVE")
    )
    assert (found["limit"], found["due_at"]) == ("24h", "2025-04-01T03:00:00Z")
    assert found["as_known_then"]["skipped"] == found["as_known_now"]["skipped"] == []


def test_a_fine_that_was_upheld_counts_from_the_decision() -> None:
    records = on_subject(scenario("06-agreement-breached-and-fined"), AGREEMENT)
    found = explained(records, "FINE_PAYMENT:F1:disnaker-kupang")
    assert (found["given_by"], found["set_by"]["type"]) == ("PROTOCOL", "FineDecided")
    assert (found["limit"], found["counted_from"]) == ("10wd", "2026-02-20T03:00:00Z")


def test_the_period_of_a_clause_counts_from_the_last_signature() -> None:
    clause = {"clause_id": "K9", "text": "Lapor", "debtor": "kemlu", "every_days": 30}
    proposed = said(
        "AgreementProposed",
        "kemlu",
        "2026-01-05T09:00:00+07:00",
        title="PKS",
        parties=["kemlu", "kp2mi"],
        secretariat="kp2mi",
        clauses=[clause],
        fines=[],
        fund="dana",
    )
    period, commitment = "2026-02-0{}T09:00:00+07:00", "CLAUSE:K9#{}:kemlu"
    objects = [
        proposed,
        said("AgreementSigned", "kemlu", "2026-01-05T10:00:00+07:00"),
        said("AgreementSigned", "kp2mi", "2026-01-06T20:00:00+07:00"),
        said(
            "FulfilmentReported",
            "kemlu",
            period.format(2),
            commitment_id=commitment.format(1),
            evidence=[],
        ),
        said(
            "FulfilmentReviewed",
            "kp2mi",
            period.format(3),
            commitment_id=commitment.format(1),
            accepted=True,
        ),
    ]
    records = events(*({**one, "subject": AGREEMENT} for one in objects))
    first, second = (explained(records, commitment.format(n)) for n in (1, 2))
    assert [one["given_by"] for one in (first, second)] == ["CLAUSE", "CLAUSE"]
    assert [one["limit"] for one in (first, second)] == ["30d", "60d"]
    assert {one["counted_from"] for one in (first, second)} == {"2026-01-06T13:00:00Z"}
    assert second["due_at"] == "2026-03-07T16:59:59Z"
    assert second["set_by"]["type"] == "FulfilmentReviewed"
    assert second["timezone"] == "Asia/Jakarta"
    assert second["protocol_version"] is None


def test_where_no_protocol_was_known_nothing_is_due() -> None:
    only_agencies = [
        one
        for one in directory_objects()
        if one["type"] in {"LedgerCreated", "SchemaRegistered", "AgencyRegistered"}
    ]
    log = read_directory(signed_directory(only_agencies))
    records = events(REPORTED, VERIFIED, OFFERED, announced=log.size - 1)
    found = explained(records, OFFER, log)
    assert (found["given_by"], found["due_at"]) == (None, None)
    assert found["as_known_now"] == {"due_at": None, "skipped": []}


def test_what_nobody_owes_is_not_explained() -> None:
    with pytest.raises(NotFound, match=f"commitment TRANSFER_ANSWER:T2:kp2mi: .* one of {CASE}"):
        explained(events(REPORTED, VERIFIED, OFFERED), "TRANSFER_ANSWER:T2:kp2mi")


@pytest.mark.parametrize(
    "name",
    [
        "01-unpaid-wages",
        "03-letter-never-answered",
        "05-two-silos-merged",
        "06-agreement-breached-and-fined",
    ],
)
def test_every_due_date_of_a_scenario_is_explained_as_the_fold_has_it(name: str) -> None:
    records = scenario(name)
    explanations = 0
    for subject in {one.event.subject for one in records}:
        history = on_subject(records, subject)
        for owed in fold_subject(history, directory_log().at).past.of(Commitment):
            found = explained(history, owed.commitment_id)
            due_at = format_time(owed.due_at) if owed.due_at else None
            assert found["due_at"] == found["as_known_then"]["due_at"] == due_at
            assert found["as_known_now"]["due_at"] == due_at
            is_protocols = found["given_by"] == "PROTOCOL"
            assert is_protocols is (owed.rule is not None)
            if is_protocols:
                assert owed.rule == f"{found['protocol_version']} {owed.kind} {found['limit']}"
            explanations += 1
    assert explanations >= 3
