"""Rehearsing: the verdicts that many events would get, each after those before it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from projections.folds.subject import fold_subject
from projections.reading import snapshot
from projections.rehearsal import Rehearsal
from runut.adapters.postgres import Connection, connected
from runut.event import Event, Recorded
from runut.settings import Settings
from tests.builders import (
    RECORDED_AT,
    SCENARIOS,
    directory_from,
    directory_log,
    on_subject,
    project,
    scenario,
)

NAMES = sorted(file.stem for file in SCENARIOS.glob("*.jsonl"))
LATER = RECORDED_AT + timedelta(days=1)

Judged = list[tuple[str, str, tuple[str, ...]]]


async def rehearse(connection: Connection, events: list[Event], batch: int = 7) -> Judged:
    rehearsal = Rehearsal(connection, directory_log(), LATER, lambda _: "VALID")
    found: Judged = []
    async with snapshot(connection):
        for at in range(0, len(events), batch):
            found += await judged(rehearsal, events[at : at + batch])
    return found


async def judged(rehearsal: Rehearsal, events: list[Event]) -> Judged:
    entries = await rehearsal.judge([rehearsal.recorded(event) for event in events])
    return [(one.recorded.event.event_id, one.verdict, one.codes) for one in entries]


def everything() -> list[Recorded]:
    """All scenarios, one after the other, each at places of its own."""
    found: list[Recorded] = []
    for name in NAMES:
        found += scenario(name, first_offset=len(found) + 1)
    return found


def as_it_was_told(records: list[Recorded]) -> Judged:
    """The verdict of each event when it was the last of its subject."""
    told = []
    past: dict[str, list[Recorded]] = {}
    for one in records:
        past.setdefault(one.event.subject, []).append(one)
        folded = fold_subject(past[one.event.subject], directory_from()).entries[-1].folded
        told.append((str(one.event.event_id), folded.verdict, folded.codes))
    return told


@pytest.mark.parametrize("batch", [1, 50])
async def test_what_is_rehearsed_is_what_folding_gives(connection: Connection, batch: int) -> None:
    records = everything()
    events = [one.event for one in records]
    assert await rehearse(connection, events, batch) == as_it_was_told(records)


@pytest.mark.parametrize("share", [0.3, 0.75])
async def test_a_rehearsal_goes_on_from_what_is_projected_and_writes_nothing(
    connection: Connection, share: float
) -> None:
    records = everything()
    cut = int(len(records) * share)
    await project(connection, records[:cut])
    events = [one.event for one in records[cut:]]
    assert await rehearse(connection, events) == as_it_was_told(records)[cut:]
    cursor = await connection.execute("SELECT count(*) FROM history")
    assert await cursor.fetchone() == (cut,)


async def test_what_was_rehearsed_twice_is_a_duplicate(connection: Connection) -> None:
    events = [one.event for one in scenario("11-corrections")]
    found = await rehearse(connection, [*events, *events])
    assert {verdict for _, verdict, _ in found[len(events) :]} == {"DUPLICATE"}


async def test_what_is_projected_meanwhile_changes_nothing_of_it(
    connection: Connection, settings: Settings
) -> None:
    records = on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001")
    events = [one.event for one in records]
    await project(connection, records[:1])
    async with connected(settings, name="tests", autocommit=True) as other, snapshot(other):
        rehearsal = Rehearsal(other, directory_log(), LATER, lambda _: "VALID")
        begun = await judged(rehearsal, events[:1])
        await project(connection, records[1:])
        rest = await judged(rehearsal, events[1:])
    assert [verdict for _, verdict, _ in begun] == ["DUPLICATE"]
    assert rest == as_it_was_told(records)[1:]
