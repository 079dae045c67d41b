"""`runut indicators` and `runut meetings`, as processes of their own."""

from __future__ import annotations

import asyncio

import pytest

from projections.indicators import INDICATORS, indicators
from projections.meetings import meetings
from runut.adapters.postgres import Connection
from runut.rfc3339 import parse_time
from runut.settings import Settings
from tests.builders import project
from tests.coordination_story import at, story
from tests.integration.test_look import runut

THEN = "2026-02-19T00:00:00+07:00"
PERIOD = ("--from", "2026-01-01T00:00:00+07:00", "--to", "2026-02-01T00:00:00+07:00")


@pytest.fixture
async def filled(connection: Connection, settings: Settings) -> Settings:
    """Settings of read models that hold the story."""
    await project(connection, story())
    return settings


async def test_documents_are_those_of_the_moment_asked_for(
    filled: Settings, connection: Connection
) -> None:
    past = ("--as-of", THEN, "--json")
    measured, met, now = await asyncio.gather(
        runut(filled, "indicators", *past, *PERIOD, "--agency", "kp2mi"),
        runut(filled, "meetings", *past, "--series", "rakor-pusat"),
        runut(filled, "indicators", "--json"),
    )
    assert (measured.code, met.code, now.code) == (0, 0, 0), measured.err + met.err + now.err
    figures, series, present = measured.document, met.document, now.document
    origins = [one.pop("origin") for one in (figures, series, present)]
    assert origins == [origins[0]] * 3
    assert set(origins[0]) == {"positions", "checkpoint", "model"}
    asked = {"now": at("06-01 00:00"), "as_of": parse_time(THEN)}
    since, until = parse_time(PERIOD[1]), parse_time(PERIOD[3])
    assert figures == await indicators(
        connection, **asked, since=since, until=until, agency="kp2mi"
    )
    assert series == await meetings(connection, **asked)
    assert set(present) >= set(INDICATORS)
    assert present["as_of"] is None


async def test_tables_speak_the_readers_language(filled: Settings) -> None:
    indonesian, english = await asyncio.gather(
        runut(filled, "indicators", *PERIOD), runut(filled, "meetings", "--lang", "en")
    )
    assert "operasionalisasi kami sendiri" in indonesian.out
    assert "Periode" in indonesian.out
    assert "2026-01-01 00:00 WIB – 2026-02-01 00:00 WIB" in indonesian.out
    for word in ("15 January 2026", "kept", "late", "missed", "polri 2/2", "kemensos 0/2"):
        assert word in english.out, word


async def test_a_period_that_ends_before_it_begins_is_wrong_usage(settings: Settings) -> None:
    backwards = (PERIOD[0], PERIOD[3], PERIOD[2], PERIOD[1])
    ended = await runut(settings, "indicators", *backwards, COLUMNS="200")
    assert (ended.code, ended.out) == (2, "")
    assert "expected --from before --to" in ended.err


async def test_a_series_that_nobody_names_is_one_sentence(filled: Settings) -> None:
    ended = await runut(filled, "meetings", "--series", "arisan", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("runut: series arisan: ")
    assert ended.err.count("\n") == 1
