"""Every story of tests/scenarios, folded without a platform, against what it expects."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import pytest

from projections.folds.rows import Commitment
from projections.folds.subject import FoldedSubject, fold_subject, state_as_of
from projections.portraits import time_text
from projections.render import Standing, render_commitment, render_state
from runut.errors import NotFound
from tests.builders import RECORDED_AT, directory_from, expected, on_subject, scenario
from tests.scenario_files import (
    GIVEN,
    NAMES,
    OWN,
    differences,
    irregular_entries,
    subjects_of,
    wanted_states,
)

NOW = RECORDED_AT


@cache
def folded(name: str, subject: str) -> FoldedSubject:
    return fold_subject(on_subject(scenario(name), subject), directory_from())


def state(subject: str, found: FoldedSubject, moment: datetime) -> dict[str, Any] | None:
    try:
        return render_state(Standing.of(subject, found), moment, None)
    except NotFound:
        return None


def history(found: FoldedSubject) -> list[dict[str, Any]]:
    return [
        {
            "type": entry.recorded.event.type,
            "agency": entry.recorded.event.agency,
            "occurred_at": time_text(entry.recorded.event.occurred_at),
            "verdict": entry.folded.verdict,
            "codes": list(entry.folded.codes),
        }
        for entry in found.entries
    ]


def commitments(name: str, subject: str) -> dict[str, dict[str, Any]]:
    found = folded(name, subject).past.of(Commitment)
    return {one.commitment_id: render_commitment(one, NOW) for one in found}


def test_the_stories_are_the_given_ones_and_at_least_eight_of_our_own() -> None:
    assert set(GIVEN) < set(NAMES)
    assert len(OWN) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_subjects_are_in_the_state_that_is_expected(name: str) -> None:
    for subject, wanted in wanted_states(name).items():
        found = state(subject, folded(name, subject), NOW)
        assert differences(wanted, found, subject) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_irregular_events_are_those_expected_and_no_other(name: str) -> None:
    found = {one: irregular_entries(history(folded(name, one))) for one in subjects_of(name)}
    assert {one: entries for one, entries in found.items() if entries} == expected(name)[
        "irregular"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_commitments_stand_as_is_expected(name: str) -> None:
    for subject, some in expected(name)["commitments"].items():
        found = commitments(name, subject)
        for wanted in some:
            assert differences(wanted, found[wanted["commitment_id"]], subject) == []


@pytest.mark.parametrize("name", NAMES)
def test_past_states_by_occurred_time_are_those_expected(name: str) -> None:
    for one in expected(name)["as_of_occurred"]:
        subject, moment = one["subject"], datetime.fromisoformat(one["t"])
        records = on_subject(scenario(name), subject)
        then = state_as_of(records, directory_from(), moment, "occurred")
        assert differences(one["state"], state(subject, then, moment), f"{subject} {moment}") == []


@pytest.mark.parametrize("name", NAMES)
def test_every_subject_of_a_story_has_an_expected_state(name: str) -> None:
    assert sorted(wanted_states(name)) == subjects_of(name)


@pytest.mark.parametrize("name", OWN)
def test_our_own_stories_leave_no_commitment_out(name: str) -> None:
    wanted = expected(name)["commitments"]
    for subject in subjects_of(name):
        named = [one["commitment_id"] for one in wanted.get(subject, [])]
        assert sorted(named) == sorted(commitments(name, subject))
