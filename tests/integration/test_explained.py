"""A late decree on a joint holiday: due dates that were given stay, and the difference is shown."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

from projections.waiting import wait_until_projected
from runut.adapters.postgres import Connection
from runut.calendar import CalendarDay, YearCalendar
from runut.calendar_file import calendar_text
from runut.founding import default_protocol
from runut.publishing import publish_calendar, publish_protocol
from runut.settings import Settings
from tests.integration.logs import read_log
from tests.integration.test_look import runut
from tests.integration.test_projector import DEADLINE_S, emit_all, projecting

LATE_LEAVE = CalendarDay(date(2025, 4, 8), "Cuti bersama susulan", "JOINT")
OFFER = "TRANSFER_ANSWER:T1:kp2mi"


def offered(subject: str) -> list[dict[str, Any]]:
    """A case that is reported, verified and offered on 2025-03-26."""
    about = {"subject": subject, "agency": "bp3mi-ntt"}
    reported = {
        "category": "UNPAID_WAGES",
        "urgency": "URGENT",
        "phase": "DURING",
        "country": "MY",
        "intake": "HOTLINE",
        "relation": "FAMILY",
        "sector": "FORMAL",
        "placement": "PROCEDURAL",
        "summary": "Gaji",
    }
    offer = {"transfer_id": "T1", "to": "kp2mi", "ground": "MANDATE", "reason": "Wewenang"}
    return [
        {**about, "type": event_type, "occurred_at": f"2025-03-{day}T10:00:00+07:00", "data": data}
        for event_type, day, data in (
            ("CaseReported", 24, reported),
            ("CaseVerified", 25, {"result": "VERIFIED", "note": "-"}),
            ("TransferOffered", 26, offer),
        )
    ]


async def decree_more_leave(settings: Settings, path: Path) -> None:
    calendar = (await read_log(settings)).directory.latest.calendar_of(2025)
    assert calendar is not None
    more = YearCalendar(2025, (*calendar.days, LATE_LEAVE), "SKB perubahan")
    await asyncio.to_thread(path.write_text, calendar_text(more))
    assert (await publish_calendar(settings, path)).added == (LATE_LEAVE,)


async def shorten_limits(settings: Settings, path: Path) -> None:
    text = default_protocol().read_text().replace('version = "pmi-1"', 'version = "pmi-2"')
    text = text.replace('TRANSFER_ANSWER = "3wd"', 'TRANSFER_ANSWER = "1wd"')
    await asyncio.to_thread(path.write_text, text)
    assert await publish_protocol(settings, path)


async def explained(settings: Settings, subject: str) -> Any:
    ended = await runut(settings, "commitments", "--explain", OFFER, "--subject", subject, "--json")
    assert (ended.code, ended.err) == (0, "")
    return ended.document


async def test_a_late_decree_moves_what_is_known_now_and_no_date_that_was_given(
    ledger: Settings, connection: Connection, tmp_path: Path
) -> None:
    async with projecting(ledger):
        ends = await emit_all(ledger, offered("case/EARLY"))
        await decree_more_leave(ledger, tmp_path / "2025.toml")
        await shorten_limits(ledger, tmp_path / "pmi-2.toml")
        for subject in ("case/LATER", "case/AND-LATER", "case/LAST"):
            ends |= await emit_all(ledger, offered(subject))
        assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
    early, later = await asyncio.gather(
        explained(ledger, "case/EARLY"), explained(ledger, "case/LATER")
    )
    assert early["due_at"] == early["as_known_then"]["due_at"] == "2025-04-09T16:59:59Z"
    assert early["as_known_now"]["due_at"] == "2025-04-10T16:59:59Z"
    assert early["differs"] is True
    known_then, known_now = early["as_known_then"]["skipped"], early["as_known_now"]["skipped"]
    late = {"date": "2025-04-08", "name": "Cuti bersama susulan", "kind": "JOINT"}
    assert [day for day in known_now if day not in known_then] == [late]
    assert (early["protocol_version"], early["limit"]) == ("pmi-1", "3wd")
    # Recorded after the decree: the same offer, the new calendar, the protocol of its own day.
    assert later["due_at"] == later["as_known_then"]["due_at"] == "2025-04-10T16:59:59Z"
    assert (later["protocol_version"], later["differs"]) == ("pmi-1", False)
    assert later["as_known_then"]["directory_offset"] > early["as_known_then"]["directory_offset"]
    await assert_it_is_told_to_people(ledger)


async def assert_it_is_told_to_people(settings: Settings) -> None:
    one = ("commitments", "--explain", OFFER)
    english, indonesian, several, unknown, usage = await asyncio.gather(
        runut(settings, *one, "--subject", "case/EARLY", "--lang", "en"),
        runut(settings, *one, "--subject", "case/EARLY"),
        runut(settings, *one),
        runut(settings, "commitments", "--explain", "C9"),
        runut(settings, *one, "--overdue"),
    )
    assert "protocol pmi-1: 3 working days" in english.out
    assert "2025-04-10 23:59 WIB" in english.out
    assert "Cuti bersama susulan" in indonesian.out
    assert "protokol pmi-1: 3 hari kerja" in indonesian.out
    assert several.code == unknown.code == 1
    assert "found it on several, such as case/AND-LATER, case/EARLY" in several.err
    assert unknown.err == "runut: commitment C9: expected it on one subject, found none\n"
    assert usage.code == 2
