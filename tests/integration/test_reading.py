"""What the read models answer: states, histories, commitments, agencies, figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from projections import past
from projections.following import positions
from projections.health import health
from projections.owing import agency, commitments
from projections.reading import (
    history,
    load_directory,
    positions_and_directory,
    snapshot,
    subject_state,
    subject_state_as_of,
)
from runut.adapters.postgres import Connection, Texts
from runut.directory_log import DirectoryLog
from runut.errors import NotFound
from runut.event import Recorded
from runut.rfc3339 import parse_time
from runut.settings import Settings
from tests.builders import (
    RECORDED_AT,
    agrees,
    directory_log,
    expected,
    on_subject,
    project,
    recorded,
    scenario,
)

NAMES = (
    "01-unpaid-wages",
    "03-letter-never-answered",
    "05-two-silos-merged",
    "06-agreement-breached-and-fined",
)
CASES = [
    (name, subject)
    for name in NAMES
    for subject in expected(name)["states"]
    if subject.startswith("case/")
]
OWED = [
    (name, subject)
    for name in NAMES
    for subject in expected(name)["commitments"]
    if subject.startswith("case/")
]
PAST = [
    (one["subject"], one["t"], one["state"])
    for name in NAMES
    for one in expected(name)["as_of_occurred"]
    if one["subject"].startswith("case/")
]
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
"""Later than everything in the scenarios."""


def all_scenarios() -> list[Recorded]:
    records: list[Recorded] = []
    for name in NAMES:
        records += scenario(name, first_offset=len(records) + 1)
    return records


@pytest.fixture
async def filled(connection: Connection) -> Connection:
    """Read models of all four scenarios."""
    await project(connection, all_scenarios())
    return connection


async def test_cases_have_the_states_that_the_scenarios_expect(filled: Connection) -> None:
    for name, subject in CASES:
        found = await subject_state(filled, subject, AFTER)
        assert agrees(expected(name)["states"][subject], found), (subject, found)


async def test_a_state_has_exactly_the_fields_of_the_interface(filled: Connection) -> None:
    found = await subject_state(filled, "case/KP2MI-2025-0902", AFTER)
    assert list(found) == [
        *("subject", "status", "custodian", "category", "urgency", "phase", "country"),
        *("trafficking", "participants", "custody", "open_transfer", "escalation_due"),
        *("locally_closed_by", "merged_into", "absorbed", "opened_at", "closed_at"),
        *("commitments", "counts", "last_recorded_at", "as_of"),
    ]
    assert found["as_of"] is None


@pytest.mark.parametrize(("subject", "moment", "state"), PAST)
async def test_a_past_state_by_occurred_time_is_what_was_so_then(
    filled: Connection, settings: Settings, subject: str, moment: str, state: dict[str, Any]
) -> None:
    found = await subject_state_as_of(filled, subject, parse_time(moment), "occurred")
    assert agrees(state, found), found
    assert found["as_of"] == moment


async def test_the_present_state_is_the_one_as_of_a_moment_after_everything(
    filled: Connection, settings: Settings
) -> None:
    for _, subject in CASES:
        present = await subject_state(filled, subject, AFTER)
        past = await subject_state_as_of(filled, subject, AFTER, "recorded")
        assert past == present | {"as_of": "2027-01-01T00:00:00Z"}


async def test_a_past_state_by_recorded_time_is_what_was_known_then(
    connection: Connection, settings: Settings
) -> None:
    records = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    await project(connection, records)
    moment = records[2].recorded_at
    found = await subject_state_as_of(connection, "case/BP3MI-NTT-2025-0001", moment, "recorded")
    assert found["counts"]["events"] == 3
    assert found["custodian"] == "bp3mi-ntt"
    assert found["open_transfer"] == {
        "transfer_id": "T1",
        "to": "kp2mi",
        "due_at": "2025-06-16T16:59:59Z",
    }
    with pytest.raises(NotFound, match="no effective event created it up to 2026-06-30T23:59:59Z"):
        await subject_state_as_of(
            connection,
            "case/BP3MI-NTT-2025-0001",
            RECORDED_AT - timedelta(seconds=1),
            "recorded",
        )


async def test_overdue_is_asked_for_the_given_moment(connection: Connection) -> None:
    records = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    await project(connection, records[:4])
    await project(connection, records[4:5])
    due_at = datetime(2025, 6, 20, 16, 59, 59, tzinfo=UTC)
    case = "case/BP3MI-NTT-2025-0001"
    assert (await subject_state(connection, case, due_at))["commitments"]["overdue"] == 0
    later = await subject_state(connection, case, due_at + timedelta(seconds=1))
    assert later["commitments"] | {"fulfilled": 2} == {
        "open": 1,
        "overdue": 1,
        "fulfilled": 2,
        "fulfilled_late": 0,
        "breached": 0,
        "cancelled": 0,
    }


async def test_what_has_no_state_says_why(filled: Connection, settings: Settings) -> None:
    with pytest.raises(NotFound, match="case/NOWHERE: expected events of it in the ledger"):
        await subject_state(filled, "case/NOWHERE", AFTER)
    with pytest.raises(NotFound, match="case/NOWHERE"):
        await subject_state_as_of(filled, "case/NOWHERE", AFTER, "recorded")


async def test_a_case_that_nothing_created_has_no_state_but_its_history(
    connection: Connection, settings: Settings
) -> None:
    closing = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")[-1]
    await project(connection, [recorded(closing.event, 1)])
    with pytest.raises(NotFound, match="no effective event created it"):
        await subject_state(connection, "case/BP3MI-NTT-2025-0001", AFTER)
    (entry,) = await history(connection, "case/BP3MI-NTT-2025-0001")
    assert (entry["verdict"], entry["codes"]) == ("IRREGULAR", ["UNKNOWN_SUBJECT"])
    assert entry["text"]["id"].endswith("(tidak sah: pokok perkara belum ada).")


async def test_histories_hold_the_irregular_events_that_the_scenarios_expect(
    filled: Connection, settings: Settings
) -> None:
    for name, subject in CASES:
        entries = await history(filled, subject)
        irregular = [
            [one["type"], one["agency"], one["occurred_at"], one["codes"]]
            for one in entries
            if one["verdict"] == "IRREGULAR"
        ]
        assert irregular == expected(name)["irregular"].get(subject, [])
        assert [one["seq"] for one in entries] == list(range(1, len(entries) + 1))


async def test_a_line_of_the_history_has_exactly_the_fields_of_the_interface(
    filled: Connection, settings: Settings
) -> None:
    first, *_ = await history(filled, "case/BP3MI-NTT-2025-0001")
    assert list(first) == [
        *("seq", "event_id", "type", "agency", "occurred_at", "recorded_at", "partition"),
        *("offset", "verdict", "codes", "signature", "data", "text"),
    ]
    assert first["occurred_at"] == "2025-06-10T01:00:00Z"
    assert first["data"]["custodian"] is None
    assert first["text"]["en"].startswith("Migrant Worker Protection Service Centre")


async def test_every_subject_has_a_history_whatever_its_kind(
    filled: Connection, settings: Settings
) -> None:
    entries = await history(filled, "agreement/PKS-NTT-2026")
    assert len(entries) == 14
    assert all(entry["text"]["id"] and entry["text"]["en"] for entry in entries)


async def test_a_past_history_has_the_verdicts_of_that_moment(
    filled: Connection, settings: Settings
) -> None:
    subject = "case/BP3MI-NTT-2026-0017"
    entries = await history(filled, subject)
    corrected = next(one for one in entries if one["verdict"] == "CORRECTED")
    correction = next(one for one in entries if one["type"] == "EventCorrected")
    before = parse_time(correction["recorded_at"]) - timedelta(microseconds=1)
    then = await history(filled, subject, as_of=before)
    assert len(then) == correction["seq"] - 1
    assert then[corrected["seq"] - 1]["verdict"] == "EFFECTIVE"
    assert await history(filled, subject, as_of=AFTER) == entries


async def test_a_duplicate_with_other_content_is_shown_to_differ(
    connection: Connection, settings: Settings
) -> None:
    first, *_ = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    other = {"type": first.event.type, **first.event.meta, "data": {**first.event.data}}
    other["data"]["summary"] = "Lain."
    await project(connection, [recorded(first.event, 1), recorded(other, 2)])
    entries = await history(connection, first.event.subject)
    assert [one.get("differs") for one in entries] == [None, True]
    assert entries[1]["text"]["en"].endswith("(duplicate with other content).")


async def test_commitments_are_those_that_the_scenarios_expect_in_order_of_their_limits(
    filled: Connection, settings: Settings
) -> None:
    found = await commitments(filled, now=AFTER)
    for name, subject in OWED:
        own = {one["commitment_id"]: one for one in found if one["subject"] == subject}
        for wanted in expected(name)["commitments"][subject]:
            assert agrees(wanted, own[wanted["commitment_id"]])
    limits = [one["due_at"] for one in found]
    assert limits == sorted(limits)
    assert list(found[0]) == [
        *("commitment_id", "subject", "kind", "debtor", "creditor", "what", "due_at", "status"),
        *("late", "overdue", "breached_at", "fulfilled_at", "source_event"),
    ]


async def test_commitments_of_an_agency_are_those_that_it_owes(
    filled: Connection, settings: Settings
) -> None:
    every = await commitments(filled, now=AFTER)
    own = await commitments(filled, now=AFTER, agency="bp3mi-ntt")
    assert own == [one for one in every if one["debtor"] == "bp3mi-ntt"]
    assert own != every


async def test_past_commitments_are_folded_again_whatever_the_size_of_a_chunk(
    filled: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "SUBJECTS_AT_ONCE", 2)
    present = await commitments(filled, now=AFTER)
    assert await commitments(filled, now=RECORDED_AT, as_of=AFTER) == present
    nothing = await commitments(filled, now=AFTER, as_of=RECORDED_AT)
    assert nothing == []


async def test_overdue_commitments_are_owed_and_past_their_limit_then(
    connection: Connection, settings: Settings
) -> None:
    records = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    await project(connection, records[:5])
    limit = datetime(2025, 6, 20, 16, 59, 59, tzinfo=UTC)
    late = limit + timedelta(seconds=1)
    assert await commitments(connection, now=limit, overdue=True) == []
    (owed,) = await commitments(connection, now=late, overdue=True)
    assert (owed["commitment_id"], owed["overdue"]) == ("LETTER_REPLY:L1:bp3mi-ntt", True)
    then = await commitments(connection, now=late, overdue=True, as_of=AFTER)
    assert then == [owed]


async def test_an_agency_sees_what_it_owes_holds_and_awaits(
    connection: Connection, settings: Settings
) -> None:
    records = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    await project(connection, records[:5])
    kp2mi = await agency(connection, "kp2mi", now=AFTER)
    assert kp2mi["agency"]["name_en"] == "Ministry of Indonesian Migrant Worker Protection"
    assert kp2mi["owes"] == []
    assert [one["subject"] for one in kp2mi["holds"]] == ["case/BP3MI-NTT-2025-0001"]
    assert kp2mi["holds"][0]["since"] == "2025-06-12T02:30:00Z"
    assert [one["commitment_id"] for one in kp2mi["awaits"]] == ["LETTER_REPLY:L1:bp3mi-ntt"]
    other = await agency(connection, "bp3mi-ntt", now=AFTER)
    assert (other["owes"], other["holds"]) == (kp2mi["awaits"], [])
    then = await agency(connection, "kp2mi", now=RECORDED_AT, as_of=AFTER)
    assert then == kp2mi | {"as_of": "2027-01-01T00:00:00Z"}
    before = await agency(connection, "kp2mi", now=AFTER, as_of=records[2].recorded_at)
    assert before["holds"] == []
    assert [one["commitment_id"] for one in before["owes"]] == ["TRANSFER_ANSWER:T1:kp2mi"]
    with pytest.raises(NotFound, match="agency nobody"):
        await agency(connection, "nobody", now=AFTER)


async def test_the_directory_reads_as_it_was_written(
    filled: Connection, settings: Settings
) -> None:
    found, written = await load_directory(filled), directory_log()
    assert found.size == written.size
    assert found.root(found.size - 1) == written.root(written.size - 1)
    assert found.latest.agencies() == written.latest.agencies()
    assert found.rejected == {}


async def test_positions_come_with_the_directory_and_with_what_is_new_in_it(
    filled: Connection,
) -> None:
    before = DirectoryLog()
    found, log = await positions_and_directory(filled, before)
    assert found == await positions(filled) != {}
    assert log is before
    assert log.size == directory_log().size
    assert await positions_and_directory(filled, log) == (found, log)


async def test_a_snapshot_ends_with_its_block_whatever_happens_in_it(filled: Connection) -> None:
    async with snapshot(filled):
        assert filled.info.transaction_status is TransactionStatus.INTRANS
    assert filled.info.transaction_status is TransactionStatus.IDLE
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with snapshot(filled):
            await filled.execute("SELECT 1 / 0")
    assert filled.info.transaction_status is TransactionStatus.IDLE


@pytest.mark.parametrize(
    "texts", [(), ("case/A",), (None,), ("", "{a,b}", None, 'NULL","\\', "ünï\n", "x" * 70_000)]
)
async def test_texts_of_a_parameter_arrive_as_they_are(
    connection: Connection, texts: tuple[str | None, ...]
) -> None:
    cursor = await connection.execute("SELECT %s::text[]", (Texts(texts),))
    assert await cursor.fetchone() == (list(texts),)


async def test_figures_tell_how_far_the_projector_is(connection: Connection) -> None:
    records = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    await project(connection, records[:5])
    found = await health(connection, AFTER)
    (partition,) = found.partitions
    assert (partition.next_offset, partition.recorded_at) == (
        records[4].offset + 1,
        records[4].recorded_at,
    )
    assert (found.subjects, found.events, found.irregular, found.quarantined) == (1, 5, 0, 0)
    assert (found.owed, found.overdue) == (1, 1)
    assert found.oldest_overdue_due_at == datetime(2025, 6, 20, 16, 59, 59, tzinfo=UTC)
    assert found.last_recorded_at == records[4].recorded_at
    assert found.directory_records == directory_log().size


async def test_reading_writes_nothing(filled: Connection) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with snapshot(filled):
            await filled.execute("DELETE FROM history")
