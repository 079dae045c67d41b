"""Tables of past moments: made once, kept for the next who asks, and let go of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from dashboard.pasts import KEPT, Pasts
from projections.owing import agency
from runut.adapters.postgres import Connection, connected
from runut.errors import NotFound
from runut.settings import Settings
from tests.builders import directory_log, project
from tests.coordination_story import at, story

NOW = at("04-20 09:00")
THEN = at("01-20 12:00")


@pytest.fixture
async def pasts(settings: Settings, connection: Connection) -> AsyncIterator[Pasts]:
    """Past moments of half of the story."""
    records = story()
    await project(connection, records[: len(records) // 2])
    pasts = Pasts(lambda: connected(settings, name="tests", autocommit=True))
    yield pasts
    await pasts.close()


async def asked(pasts: Pasts, present: Connection, moment: datetime) -> tuple[Connection, Any]:
    """By whom a question of a moment was answered, and how."""
    log = directory_log()
    async with pasts.at(present, moment, log) as known:
        then = known.connection
        return then, await agency(present, "kp2mi", now=NOW, as_of=moment, known=log, then=then)


async def test_tables_of_a_moment_serve_whoever_asks_next(
    pasts: Pasts, connection: Connection
) -> None:
    wanted = await agency(connection, "kp2mi", now=NOW, as_of=THEN)
    answers = await asyncio.gather(*(asked(pasts, connection, THEN) for _ in range(3)))
    assert len({id(then) for then, _ in answers}) == 1
    assert [found for _, found in answers] == [wanted] * 3
    assert wanted["holds"]


async def test_what_is_found_nowhere_leaves_the_tables(
    pasts: Pasts, connection: Connection
) -> None:
    before, _ = await asked(pasts, connection, THEN)
    with pytest.raises(NotFound):
        async with pasts.at(connection, THEN, directory_log()):
            raise NotFound("agency x", "none")
    assert (await asked(pasts, connection, THEN))[0] == before
    with pytest.raises(ZeroDivisionError):
        async with pasts.at(connection, THEN, directory_log()):
            raise ZeroDivisionError
    again, found = await asked(pasts, connection, THEN)
    assert again != before
    assert found["holds"]


async def test_what_was_recorded_then_and_projected_late_is_in_it(
    pasts: Pasts, connection: Connection
) -> None:
    records = story()
    late = records[-1].recorded_at
    _, before = await asked(pasts, connection, late)
    await project(connection, records[len(records) // 2 :])
    _, after = await asked(pasts, connection, late)
    assert after != before
    assert after == await agency(connection, "kp2mi", now=NOW, as_of=late)


async def test_moments_that_nobody_asked_for_of_late_are_let_go_of(
    pasts: Pasts, connection: Connection
) -> None:
    moments = [one.recorded_at for one in story()[: KEPT + 3]]
    seen = [(await asked(pasts, connection, moment))[0] for moment in moments]
    assert [one.closed for one in seen] == [True] * 3 + [False] * KEPT
    await pasts.close()
    assert all(one.closed for one in seen)
