"""The views that measure coordination, against figures worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from psycopg import sql

from runut.adapters.postgres import Connection
from runut.settings import Settings
from tests.builders import project, scenario
from tests.coordination_story import CASE_A, CASE_B, JANUARY, story

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


class Views:
    """The stable views of a connection."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._schema = settings.views_schema

    async def rows(self, view: str, *columns: str) -> list[tuple[Any, ...]]:
        """Some columns of all rows."""
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(self._schema, view)
        )
        cursor = await self._connection.execute(query)
        return await cursor.fetchall()


@pytest.fixture
async def views(connection: Connection, settings: Settings) -> Views:
    """Views of read models that hold the story."""
    await project(connection, story())
    return Views(connection, settings)


async def test_ties_are_counted_by_instrument_with_the_hours_until_the_answer(
    views: Views,
) -> None:
    columns = ("from_agency", "to_agency", "kind", "instrument", "count", "answered")
    hours = ("median_answer_hours", "p90_answer_hours")
    found = {row[:4]: row[4:] for row in await views.rows("agency_edge", *columns, *hours)}
    assert found == {
        # 10, 24 and 72 hours, and one letter that expected nothing.
        ("kp2mi", "kbri-kl", "LETTER", "LETTER"): (4, 3, 24.0, 62.4),
        ("kp2mi", "polri", "LETTER", "LETTER"): (1, 1, 72.0, 72.0),
        ("kbri-kl", "kp2mi", "LETTER", "LETTER"): (1, 0, None, None),
        ("kp2mi", "bp3mi-ntt", "TRANSFER", "LETTER"): (2, 2, 18.0, 22.8),
        ("bp3mi-ntt", "kp2mi", "TRANSFER", "LETTER"): (1, 0, None, None),
        ("kp2mi", "kbri-kl", "CONTACT", "CONTACT"): (1, 0, None, None),
        ("kp2mi", "polri", "DATA", "DATA"): (1, 0, None, None),
        ("kbri-kl", "kp2mi", "PROMISE", None): (1, 1, 330.0, 330.0),
        ("kbri-kl", "kp2mi", "PROMISE", "MEETING"): (1, 1, 979.0, 979.0),
        ("polri", "kp2mi", "PROMISE", "LETTER"): (1, 0, None, None),
        **{
            (one, other, "MEETING", "MEETING"): (2, 0, None, None)
            for one in ("kp2mi", "polri", "kbri-kl")
            for other in ("kp2mi", "polri", "kbri-kl")
            if one != other
        },
        ("kp2mi", "polri", "AGREEMENT", "AGREEMENT"): (1, 0, None, None),
        ("polri", "kp2mi", "AGREEMENT", "AGREEMENT"): (1, 0, None, None),
    }


async def test_commitments_come_out_kept_late_broken_pending_or_void(views: Views) -> None:
    found = await views.rows("commitment_outcome", "commitment_id", "instrument", "outcome")
    outcomes = {row[0]: row[1:] for row in found}
    assert outcomes == {
        "VERIFICATION:A:kp2mi": (None, "KEPT"),
        "VERIFICATION:B:kbri-kl": (None, "BROKEN"),
        "LETTER_REPLY:L1:kbri-kl": ("LETTER", "KEPT"),
        "LETTER_REPLY:L1:polri": ("LETTER", "KEPT"),
        "LETTER_REPLY:L2:kbri-kl": ("LETTER", "KEPT"),
        "LETTER_REPLY:L3:kbri-kl": ("LETTER", "KEPT"),
        "LETTER_REPLY:L5:kp2mi": ("LETTER", "BROKEN"),
        "TRANSFER_ANSWER:T1:bp3mi-ntt": ("LETTER", "KEPT"),
        "TRANSFER_ANSWER:T2:bp3mi-ntt": ("LETTER", "KEPT"),
        "TRANSFER_ANSWER:T3:kp2mi": ("LETTER", "VOID"),
        "P1": (None, "KEPT"),
        "P2": ("LETTER", "BROKEN"),
        "P3": ("MEETING", "LATE"),
        "MINUTES:RAKOR-01:kp2mi": ("MEETING", "KEPT"),
        "MINUTES:RAKOR-02:kp2mi": ("MEETING", "BROKEN"),
        # Due on 12 March; the ledger's last word is of 26 February.
        "CLAUSE:K1#1:polri": ("AGREEMENT", "PENDING"),
    }


async def test_what_was_reported_in_time_is_not_broken_while_it_waits_for_review(
    connection: Connection, settings: Settings
) -> None:
    unreviewed = [one for one in story() if one.event.type != "FulfilmentReviewed"]
    await project(connection, unreviewed)
    views = Views(connection, settings)
    found = dict(await views.rows("commitment_outcome", "commitment_id", "outcome"))
    # P1 was reported the day before its limit, P3 five days after.
    assert (found["P1"], found["P3"]) == ("PENDING", "BROKEN")


async def test_decisions_come_out_by_the_commitments_that_name_them(views: Views) -> None:
    found = await views.rows("decision_outcome", "decision_id", "commitments", "outcome")
    assert sorted(found) == [
        ("D1", 1, "CARRIED_OUT"),
        ("D2", 0, "NOT_TAKEN_UP"),
        ("D3", 0, "NO_ACTION"),
    ]


async def test_open_cases_say_when_an_agency_last_moved_them(views: Views) -> None:
    found = await views.rows("case_movement", "subject", "custodian", "moved_at")
    moved = {row[0]: (row[1], f"{row[2]:%m-%d %H:%M}") for row in found}
    assert moved == {
        CASE_A: ("bp3mi-ntt", "02-03 03:00"),
        CASE_B: ("kbri-kl", "02-02 02:00"),
    }


async def test_indicators_of_a_month_have_a_line_for_each_agency_and_for_all(
    views: Views,
) -> None:
    rows = await views.rows(
        "indicator_monthly", "month", "indicator", "instrument", "agency", "count", "value"
    )
    found = {row[:4]: row[4:] for row in rows}
    assert len(found) == len(rows)
    wanted: dict[tuple[Any, ...], tuple[int, float]] = {
        (JAN, "RESPONSE_HOURS", "LETTER", "kbri-kl"): (3, 24.0),
        (JAN, "RESPONSE_HOURS", "LETTER", None): (6, 24.0),
        (JAN, "COMMITMENTS_KEPT", "LETTER", None): (6, 1.0),
        (FEB, "COMMITMENTS_KEPT", "MEETING", None): (2, 0.0),
        (JAN, "TRANSFERS_BOUNCED", "LETTER", "bp3mi-ntt"): (2, 0.5),
        (JAN, "MEETINGS_KEPT", "MEETING", "kp2mi"): (1, 1.0),
        (FEB, "MEETINGS_KEPT", "MEETING", "kp2mi"): (1, 0.0),
        (JAN, "DECISIONS_CARRIED_OUT", "MEETING", "kp2mi"): (2, 0.5),
        # L1 to two, L2, L3 and two transfers, to three agencies.
        (JAN, "TIES", "LETTER", "kp2mi"): (6, 3.0),
        # Of twelve ordered pairs of four agencies.
        (JAN, "NETWORK_DENSITY", "LETTER", None): (4, 4 / 12),
        (FEB, "NETWORK_DENSITY", "AGREEMENT", None): (2, 2 / 12),
        # kp2mi and polri wrote to each other.
        (JAN, "NETWORK_RECIPROCITY", "LETTER", None): (4, 0.5),
    }
    assert {key: found[key] for key in wanted} == wanted
    assert (JAN, "COMMITMENTS_KEPT", "LETTER", "kp2mi") not in found
    assert (FEB, "NETWORK_RECIPROCITY", "AGREEMENT", None) not in found


async def test_views_of_measures_know_up_to_the_last_record(views: Views) -> None:
    ((moment, zone),) = await views.rows("known_until", "moment", "zone")
    assert moment == story()[-1].recorded_at
    assert zone == "Asia/Jakarta"


async def test_meetings_and_attendance_are_as_their_events_say(views: Views) -> None:
    found = await views.rows("meeting", "subject", "status", "series", "minutes_adopters")
    assert (JANUARY, "MINUTES_ADOPTED", "rakor-pusat", ["kp2mi"]) in found
    attendance = await views.rows("meeting_attendance", "subject", "agency", "attended")
    came = {agency: attended for subject, agency, attended in attendance if subject == JANUARY}
    assert came == {"kp2mi": True, "polri": True, "kbri-kl": True, "kemensos": False}


async def test_data_given_is_shown_with_its_basis(views: Views) -> None:
    columns = ("agency", "to_agencies", "fields", "lawful_basis", "agreement")
    shared = ("kp2mi", ["polri"], ["paspor"], "UU 27/2022", None)
    assert await views.rows("data_share", *columns) == [shared]


async def test_agreements_fines_and_agents_are_as_the_scenarios_leave_them(
    connection: Connection, settings: Settings
) -> None:
    records = scenario("06-agreement-breached-and-fined")
    await project(connection, [*records, *scenario("01-unpaid-wages", len(records) + 1)])
    views = Views(connection, settings)
    agreement = await views.rows("agreement", "status", "signed", "fund_balance", "currency")
    assert [(s, len(a), str(f), c) for s, a, f, c in agreement] == [
        ("ACTIVE", 3, "2000000.00", "IDR")
    ]
    assert await views.rows("agreement_clause", "clause_id", "debtor") == [
        ("K1", "disnaker-kupang")
    ]
    fines = await views.rows("fine", "status", "is_owed", "was_contested", "due_at")
    assert [(*row[:3], f"{row[3]:%Y-%m-%d}") for row in fines] == [
        ("PAID", False, True, "2026-03-06")
    ]
    agents = await views.rows("agent", "licence", "revoked_from", "deposit_drawn", "sanctions")
    assert [(*row[:2], str(row[2]), row[3]) for row in agents] == [("SIP3MI-0417", None, "0.00", 1)]
    assert await views.rows("sanction", "level", "lifted_at") == [("SUSPENSION", None)]
    assert await views.rows("deposit_draw", "agency", "status") == [("kp2mi", "PROPOSED")]


async def fill(connection: Connection, cases: int) -> None:
    """Many cases with events that no view of few has to read."""
    await connection.execute(
        "INSERT INTO subject SELECT 'case/N' || n, 'case', 4, 0, 0, 0, now(), '{}'"
        "  FROM generate_series(1, %s) AS n",
        (cases,),
    )
    await connection.execute(
        "INSERT INTO history (subject, seq, event_id, type, agency, occurred_at, recorded_at,"
        ' partition, "offset", directory_offset, verdict, codes, differs, signature, schema_id,'
        " body, data, security)"
        " SELECT 'case/N' || n, seq, gen_random_uuid(), 'LetterSent', 'kp2mi', now(), now(), 1,"
        " n * 4 + seq, 0, 'EFFECTIVE', '{}', false, 'VALID', 1, '', '{}', 'ORDINARY'"
        " FROM generate_series(1, %s) AS n, generate_series(1, 4) AS seq",
        (cases,),
    )
    await connection.execute("ANALYZE subject, history")


@pytest.mark.parametrize(
    ("view", "index"),
    [
        ("data_share", "history_data_shared"),
        ("meeting", "subject_no_case"),
        ("meeting_attendance", "subject_no_case"),
        ("meeting_series", "subject_no_case"),
        ("agreement", "subject_no_case"),
    ],
)
async def test_views_of_few_find_them_among_many(
    connection: Connection, settings: Settings, view: str, index: str
) -> None:
    await project(connection, story())
    await fill(connection, 5_000)
    query = sql.SQL("EXPLAIN SELECT * FROM {}").format(sql.Identifier(settings.views_schema, view))
    cursor = await connection.execute(query)
    plan = "\n".join(str(row[0]) for row in await cursor.fetchall())
    assert index in plan
    assert "Seq Scan on history" not in plan
    assert "Seq Scan on subject" not in plan
