"""Indicators as one document: of now, of a period, of an agency, and as of past moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from projections.indicators import INDICATORS, indicators
from projections.install import model_version
from projections.meetings import meetings
from projections.past import changed_since
from projections.portraits import Document
from projections.reading import load_directory
from runut.adapters.postgres import Connection, connected
from runut.errors import PlatformError
from runut.event import Recorded
from runut.settings import Settings
from tests.builders import directory_from, directory_records, project
from tests.coordination_story import CASE_A, CASE_B, at, story, told

NOW = at("04-20 09:00")
INSTRUMENTS = {"MEETING", "LETTER", "CONTACT", "DATA", "AGREEMENT"}


@pytest.fixture
async def filled(connection: Connection) -> Connection:
    """Read models that hold the story."""
    await project(connection, story())
    return connection


def rows(document: Document, indicator: str, *fields: str) -> list[tuple[Any, ...]]:
    """Some fields of an indicator's rows."""
    return [tuple(row[field] for field in fields) for row in document[indicator]]


async def test_indicators_are_what_the_story_comes_to(filled: Connection) -> None:
    found = await indicators(filled, now=NOW)
    pair = ("from_agency", "to_agency", "kind")
    assert rows(found, "response_time", *pair, "asked", "answered", "median_hours") == [
        ("bp3mi-ntt", "kp2mi", "TRANSFER", 1, 0, None),
        ("kbri-kl", "kp2mi", "LETTER", 1, 0, None),
        ("kp2mi", "bp3mi-ntt", "TRANSFER", 2, 2, 18.0),
        ("kp2mi", "kbri-kl", "LETTER", 3, 3, 24.0),
        ("kp2mi", "polri", "LETTER", 1, 1, 72.0),
    ]
    assert rows(found, "commitments", "agency", "instrument", "kept", "late", "broken") == [
        ("bp3mi-ntt", "LETTER", 2, 0, 0),
        ("kbri-kl", "LETTER", 3, 0, 0),
        ("kbri-kl", "MEETING", 0, 1, 0),
        ("kbri-kl", None, 1, 0, 1),
        ("kp2mi", "LETTER", 0, 0, 1),
        ("kp2mi", "MEETING", 1, 0, 1),
        ("kp2mi", None, 1, 0, 0),
        ("polri", "AGREEMENT", 0, 0, 1),
        ("polri", "LETTER", 1, 0, 1),
    ]
    assert rows(found, "transfers", *pair[:2], "accepted", "refused", "bounce_rate") == [
        ("kp2mi", "bp3mi-ntt", 1, 1, 0.5),
        (None, None, 1, 1, 0.5),
    ]
    # From 3 and 2 February to 20 April.
    assert rows(found, "movement", "agency", "open_cases", "longest_hours", "longest") == [
        ("bp3mi-ntt", 1, 76 * 24 - 1.0, CASE_A),
        ("kbri-kl", 1, 77 * 24.0, CASE_B),
    ]
    assert rows(found, "meetings", "agency", "kept", "late", "missed", "share_kept") == [
        ("kp2mi", 1, 1, 1, 0.3333)
    ]
    outcomes = ("carried_out", "broken", "not_taken_up", "pending", "share_carried_out")
    assert rows(found, "decisions", "agency", *outcomes) == [("kp2mi", 1, 0, 1, 0, 0.5)]
    assert rows(found, "network", "instrument", "ties", "pairs", "density", "reciprocity") == [
        ("AGREEMENT", 2, 2, 0.1667, None),
        ("CONTACT", 1, 1, 0.0833, 0.0),
        ("DATA", 1, 1, 0.0833, 0.0),
        ("LETTER", 10, 6, 0.5, 1.0),
        ("MEETING", 13, 6, 0.5, 0.0),
        ("ALL", 28, 8, 0.6667, 1.0),
    ]


async def test_every_row_has_its_instrument_and_every_indicator_says_what_it_counts(
    filled: Connection,
) -> None:
    found = await indicators(filled, now=NOW)
    for indicator in INDICATORS:
        assert {row["instrument"] for row in found[indicator]} <= INSTRUMENTS | {"ALL", None}
        assert set(found["counts"][indicator]) == {"id", "en"}
    assert "operationalisation" in found["remark"]["en"]


async def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(
    filled: Connection,
) -> None:
    begins, ends = at("01-08 08:00"), at("01-12 08:00")
    found = await indicators(filled, now=NOW, since=begins, until=ends)
    # L2 is of the first moment, L3 of the last.
    assert rows(found, "response_time", "to_agency", "asked", "median_hours") == [
        ("kbri-kl", 1, 10.0)
    ]
    assert rows(found, "commitments", "agency", "kept") == [("kp2mi", 1)]
    assert found["transfers"] == found["meetings"] == found["decisions"] == []
    assert (found["from"], found["to"]) == ("2026-01-08T01:00:00Z", "2026-01-12T01:00:00Z")
    january = await indicators(filled, now=NOW, since=at("01-01 00:00"), until=at("02-01 00:00"))
    assert rows(january, "meetings", "kept", "late", "missed") == [(1, 0, 0)]


async def test_an_agency_sees_its_own_figures_and_its_own_network(filled: Connection) -> None:
    found = await indicators(filled, now=NOW, agency="polri")
    assert rows(found, "response_time", "from_agency", "to_agency") == [("kp2mi", "polri")]
    assert {row["agency"] for row in found["commitments"]} == {"polri"}
    assert found["movement"] == found["meetings"] == found["transfers"] == []
    # With kp2mi both ways, with kbri-kl at the meetings, never with bp3mi-ntt.
    everything = found["network"][-1]
    assert (everything["instrument"], everything["pairs"]) == ("ALL", 4)
    assert (everything["possible_pairs"], everything["density"]) == (6, 0.6667)


def corrected(offset: int) -> Recorded:
    """kbri-kl takes back in May what it answered in January."""
    answered = next(
        one.event.event_id
        for one in story()
        if one.event.data.get("letter_id") == "L3" and one.event.type == "LetterAnswered"
    )
    correction = {"target": answered, "reason": "Surat lain"}
    return told(("05-04 09:00", CASE_A, "kbri-kl", "EventCorrected", correction), offset)


async def test_indicators_as_of_a_moment_are_those_that_were_asked_then(
    connection: Connection,
) -> None:
    records = story()
    records.append(corrected(len(records) + 1))
    asked: list[tuple[datetime, Document, Document, Document]] = []
    narrow = {"agency": "kp2mi", "since": at("01-07 00:00"), "until": at("02-20 00:00")}
    for begin in range(0, len(records), 9):
        some = records[begin : begin + 9]
        await project(connection, some)
        moment = some[-1].recorded_at
        everything = await indicators(connection, now=moment)
        part = await indicators(connection, now=moment, **narrow)
        asked.append((moment, everything, part, await meetings(connection, now=moment)))
    assert len({str(everything) for _, everything, _, _ in asked}) == len(asked)
    for moment, everything, part, met in asked:
        as_of = {"as_of": everything["moment"]}
        later = {"now": NOW + timedelta(days=90), "as_of": moment}
        assert await indicators(connection, **later) == everything | as_of
        assert await indicators(connection, **later, **narrow) == part | as_of
        assert await meetings(connection, **later) == met | as_of


async def test_a_later_correction_does_not_reach_back(connection: Connection) -> None:
    records = story()
    await project(connection, records)
    before = await indicators(connection, now=NOW)
    await project(connection, [corrected(len(records) + 1)])
    after = await indicators(connection, now=NOW)
    pair = ("from_agency", "to_agency", "answered")
    assert ("kp2mi", "kbri-kl", 3) in rows(before, "response_time", *pair)
    assert ("kp2mi", "kbri-kl", 2) in rows(after, "response_time", *pair)
    as_of = await indicators(connection, now=NOW, as_of=NOW)
    assert as_of == before | {"as_of": "2026-04-20T02:00:00Z"}


async def test_only_subjects_with_later_events_are_folded_again(connection: Connection) -> None:
    records = story()
    await project(connection, [*records, corrected(len(records) + 1)])
    directories = directory_from()
    folded = [subject async for subject, _ in changed_since(connection, directories, NOW)]
    assert folded == [CASE_A]


async def test_a_document_says_what_a_replay_needs_to_come_to_it(filled: Connection) -> None:
    records = story()
    now = await indicators(filled, now=NOW)
    assert now["positions"] == {"0": len(records) + 1}
    assert now["directory_offset"] == len(directory_records()) - 1
    assert now["directory_offset"] == (await load_directory(filled)).size - 1
    assert now["model"] == model_version()
    assert (now["as_of"], now["moment"]) == (None, "2026-04-20T02:00:00Z")
    then = await indicators(filled, now=NOW, as_of=records[4].recorded_at)
    assert then["positions"] == {"0": records[4].offset + 1}
    nothing = await indicators(filled, now=NOW, as_of=at("01-01 00:00"))
    assert nothing["positions"] == {}
    # The protocol has wanted meetings since the ledger was founded; nothing else was known.
    known = [indicator for indicator in INDICATORS if nothing[indicator]]
    assert known == ["meetings"]


async def test_asking_for_the_past_leaves_the_connection_as_it_was(filled: Connection) -> None:
    async def standing() -> list[Any]:
        cursor = await filled.execute(
            "SELECT current_setting('search_path'),"
            " (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
            "   AND relnamespace = pg_my_temp_schema()),"
            " (SELECT count(*) FROM history)"
        )
        return list(await cursor.fetchone() or ())

    before = await standing()
    await indicators(filled, now=NOW, as_of=at("01-20 00:00"))
    assert await standing() == before


@pytest.mark.parametrize("as_of", [None, NOW])
async def test_before_anything_is_installed_it_is_said_what_to_start(
    settings: Settings, as_of: datetime | None
) -> None:
    async with connected(settings, name="test", autocommit=True) as connection:
        with pytest.raises(PlatformError, match="runut up"):
            await indicators(connection, now=NOW, as_of=as_of)
