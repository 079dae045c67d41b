"""Recurring meetings: what a protocol wants, what was held, and what became of each occasion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from projections.meetings import meetings
from projections.store import Store
from runut.adapters.postgres import Connection
from runut.errors import NotFound
from runut.event import Recorded
from runut.rfc3339 import parse_time
from tests.builders import (
    FOUNDED_AT,
    ROOT,
    directory_objects,
    project,
    read_directory,
    recorded,
    signed_directory,
)
from tests.coordination_story import at

PROTOCOL = (ROOT / "protocols" / "pmi.toml").read_text().partition("[[meeting_series]]")[0]
LONG_AGO = FOUNDED_AT.isoformat()
OFFSETS = count(1)


def series(every_days: int, *more: str, name: str = "rakor") -> str:
    """A series of a protocol file."""
    head = f'[[meeting_series]]\nseries = "{name}"\ntitle = "Rakor"\nevery_days = {every_days}\n'
    return "\n".join([head, 'members = ["kp2mi", "polri"]', *more, ""])


async def publish(
    connection: Connection,
    *protocols: tuple[str, str],
    published_at: str | None = None,
    zone: str = "Asia/Jakarta",
) -> None:
    """Make protocols known, each a text of series with when it takes effect.

    `published_at` is when the last one was, else all were at the founding.
    """
    objects = [one for one in directory_objects() if one["type"] != "ProtocolPublished"]
    for n, (text, effective_from) in enumerate(protocols):
        body = PROTOCOL.replace('"pmi-1"', f'"v{n}"').replace("Asia/Jakarta", zone) + text
        data = {
            "version": f"v{n}",
            "effective_from": effective_from,
            "body": body,
            "sha256": sha256(body.encode()).hexdigest(),
        }
        about = {"agency": "runut", "subject": "ledger/test", "occurred_at": FOUNDED_AT}
        objects.append({**about, "type": "ProtocolPublished", "data": data})
    records = list(signed_directory(objects))
    if published_at is not None:
        moment_ms = int(parse_time(published_at).timestamp() * 1000)
        records[-1] = replace(records[-1], timestamp_ms=moment_ms)
    await Store(connection).save_directory(records, read_directory(records).latest)


def meeting(
    day: str, *, held: bool = True, chair: str = "kp2mi", name: str | None = "rakor"
) -> list[Recorded]:
    """A meeting of a series, held or cancelled on a day."""
    subject = f"meeting/{name}-{day}"
    plan = {"title": "Rapat", "series": name, "starts_at": at(f"{day} 09:00").isoformat()}
    plan |= {"mode": "ONLINE", "chair": chair, "invitees": ["polri"]}
    came = [{"agency": chair, "status": "PRESENT"}, {"agency": "polri", "status": "EXCUSED"}]
    hours = {"started_at": at(f"{day} 09:00").isoformat(), "ended_at": at(f"{day} 10:00")}
    lines: Sequence[tuple[str, dict[str, Any]]] = [
        ("MeetingScheduled", plan),
        ("MeetingHeld", {**hours, "attendance": came}),
    ]
    if not held:
        lines = [lines[0], ("MeetingCancelled", {"reason": "Libur"})]
    return [
        recorded(
            {"type": kind, "subject": subject, "agency": chair, "data": data}
            | {"occurred_at": at(f"{day} 11:00").isoformat()},
            next(OFFSETS),
            at(f"{day} 11:00") + timedelta(minutes=1),
        )
        for kind, data in lines
    ]


@pytest.fixture(autouse=True)
def offsets() -> None:
    """Each test has a log of its own."""
    global OFFSETS  # noqa: PLW0603
    OFFSETS = count(1)


async def outcomes(connection: Connection, now: datetime, name: str = "rakor") -> list[str]:
    """`05-01 KEPT` for each occasion of a series, meetings beyond by their day."""
    document = await meetings(connection, now=now, series=name)
    (found,) = document["series"]
    return [
        f"{(one['due_on'] or one['started_at'])[5:10]} {one['outcome']}"
        for one in found["occasions"]
    ]


async def test_an_occasion_is_kept_within_its_tolerance_late_before_the_next_else_missed(
    connection: Connection,
) -> None:
    held = [*meeting("01-01"), *meeting("01-13"), *meeting("01-24")]
    await project(connection, held)
    rule = series(10, "starts = 2026-01-01", "tolerance_days = 2")
    await publish(connection, (rule, LONG_AGO))
    assert await outcomes(connection, at("02-03 09:00")) == [
        "01-01 KEPT",
        "01-11 KEPT",
        "01-21 LATE",
        "01-31 DUE",
        "02-10 UPCOMING",
    ]
    assert (await outcomes(connection, at("02-09 23:59")))[3:] == ["01-31 DUE", "02-10 UPCOMING"]
    assert (await outcomes(connection, at("02-10 00:00")))[3:] == [
        "01-31 MISSED",
        "02-10 DUE",
        "02-20 UPCOMING",
    ]


async def test_a_meeting_serves_one_occasion_and_what_is_beyond_is_extra(
    connection: Connection,
) -> None:
    # The 20th is early for the 21st, so that the 21st is beyond; the 1st of February is late.
    days = ("01-01", "01-11", "01-20", "01-21", "02-01")
    await project(connection, [event for day in days for event in meeting(day)])
    await publish(connection, (series(10, "starts = 2026-01-01"), LONG_AGO))
    assert await outcomes(connection, at("02-02 09:00")) == [
        "01-01 KEPT",
        "01-11 KEPT",
        "01-21 KEPT",
        "01-21 EXTRA",
        "01-31 LATE",
        "02-10 UPCOMING",
    ]


async def test_a_cancelled_meeting_is_missed_against_the_chair_of_the_protocol(
    connection: Connection,
) -> None:
    cancelled = meeting("01-11", held=False, chair="polri")
    await project(connection, [*meeting("01-01"), *cancelled])
    await publish(connection, (series(10, 'chair = "kemlu"'), LONG_AGO))
    document = await meetings(connection, now=at("01-21 09:00"))
    (found,) = document["series"]
    assert (found["kept"], found["missed"]) == (1, 1)
    chairs = [(one["outcome"], one["chair"], one["subject"]) for one in found["occasions"][:2]]
    assert chairs == [("KEPT", "kp2mi", "meeting/rakor-01-01"), ("MISSED", "kemlu", None)]


async def test_without_a_chair_in_the_protocol_the_last_meetings_chair_stands_for_it(
    connection: Connection,
) -> None:
    await project(connection, [*meeting("01-01"), *meeting("01-11", held=False, chair="polri")])
    await publish(connection, (series(10), LONG_AGO))
    document = await meetings(connection, now=at("01-21 09:00"))
    assert document["series"][0]["occasions"][1]["chair"] == "polri"


async def test_another_protocol_governs_from_its_day_on(connection: Connection) -> None:
    await project(connection, [*meeting("01-01"), *meeting("01-16")])
    oftener = series(5, "starts = 2026-01-16")
    await publish(connection, (series(10), LONG_AGO), (oftener, at("01-15 00:00").isoformat()))
    # The old one's next would have been the 21st.
    assert await outcomes(connection, at("01-22 09:00")) == [
        "01-01 KEPT",
        "01-11 MISSED",
        "01-16 KEPT",
        "01-21 DUE",
        "01-26 UPCOMING",
    ]


async def test_a_series_that_never_met_is_due_one_cadence_after_it_was_made_known(
    connection: Connection,
) -> None:
    await project(connection, meeting("01-01", name=None))
    published_at = at("03-01 10:00").isoformat()
    await publish(connection, (series(10), LONG_AGO), published_at=published_at)
    assert await outcomes(connection, at("03-12 09:00")) == ["03-11 DUE", "03-21 UPCOMING"]


async def test_a_series_of_the_future_is_upcoming_alone(connection: Connection) -> None:
    await project(connection, meeting("01-01", name=None))
    await publish(connection, (series(10, "starts = 2026-06-01"), LONG_AGO))
    assert await outcomes(connection, at("03-01 09:00")) == ["06-01 UPCOMING"]


async def test_of_a_time_to_come_nothing_is_known_and_no_occasion_is_counted(
    connection: Connection,
) -> None:
    await publish(connection, (series(7), LONG_AGO))
    now = at("01-12 09:00")
    to_come = datetime.max.replace(tzinfo=UTC)  # 400,000 occasions
    assert await meetings(connection, now=now, as_of=to_come) == await meetings(connection, now=now)


async def test_a_series_that_no_protocol_wants_has_extra_meetings_alone(
    connection: Connection,
) -> None:
    await project(connection, [*meeting("01-01", name="lain"), *meeting("01-09", name="lain")])
    await publish(connection, (series(10), LONG_AGO))
    assert await outcomes(connection, at("02-01 09:00"), "lain") == ["01-01 EXTRA", "01-09 EXTRA"]


async def test_members_are_counted_where_they_came_or_sent_a_delegate(
    connection: Connection,
) -> None:
    await project(connection, [*meeting("01-01"), *meeting("01-11")])
    await publish(connection, (series(10), LONG_AGO))
    document = await meetings(connection, now=at("01-12 09:00"), series="rakor")
    (found,) = document["series"]
    assert found["members"] == [
        {"agency": "kp2mi", "attended": 2, "held": 2},
        {"agency": "polri", "attended": 0, "held": 2},
    ]
    assert found["occasions"][0]["attended"] == ["kp2mi"]
    assert found["occasions"][0]["absent"] == ["polri"]
    assert found["occasions"][2]["absent"] == []


async def test_a_series_of_no_name_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFound, match="series tanpa-nama"):
        await meetings(connection, now=at("01-12 09:00"), series="tanpa-nama")


async def test_days_are_those_of_the_protocols_time_zone(connection: Connection) -> None:
    await project(connection, meeting("01-11"))
    rule = series(10, "starts = 2026-01-10")
    await publish(connection, (rule, LONG_AGO))
    assert (await outcomes(connection, at("01-12 09:00")))[0] == "01-10 LATE"
    # At nine in Jakarta it is still the day before in Honolulu.
    await publish(connection, (rule, LONG_AGO), zone="Pacific/Honolulu")
    assert (await outcomes(connection, at("01-12 09:00")))[0] == "01-10 KEPT"
