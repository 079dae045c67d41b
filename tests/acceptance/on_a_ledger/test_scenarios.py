"""The scenarios through the real platform, by the commands (tests/scenarios/README.md)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.acceptance.many_commands import ask_many
from tests.acceptance.running import Running
from tests.builders import SCENARIOS, expected
from tests.scenario_files import (
    NAMES,
    differences,
    irregular_entries,
    subjects_of,
    wanted_states,
)

WANTED = {subject: state for name in NAMES for subject, state in wanted_states(name).items()}
WITH_STATE = [subject for subject, state in WANTED.items() if state is not None]
PAST = [one for name in NAMES for one in expected(name)["as_of_occurred"]]
ONE_OF_EACH_KIND = (
    "case/KJRI-JB-2025-0210",
    "meeting/RAKOR-2026-02",
    "agreement/PKS-JOHOR-2025",
    "agent/P3MI-CAHAYA-TIMUR",
    "programme/LTSA-KUPANG",
)


@pytest.fixture(scope="module")
def imported(ledger: Running) -> Running:
    """The ledger after each of the files was imported once."""
    files = [SCENARIOS / f"{name}.jsonl" for name in NAMES]
    reports = ask_many(ledger, [("import", str(file), "--wait") for file in files])
    found = [(one.document["published"], one.document["bad"]) for one in reports]
    assert found == [(len(file.read_text().splitlines()), 0) for file in files]
    return ledger


@pytest.fixture(scope="module")
def states(imported: Running) -> dict[str, Any]:
    """Every subject that has a state, as `runut case` shows it after the first import."""
    return states_of(imported, WITH_STATE)


def states_of(ledger: Running, subjects: list[str]) -> dict[str, Any]:
    found = ask_many(ledger, [("case", subject) for subject in subjects])
    return {subject: one.document for subject, one in zip(subjects, found, strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_subjects_are_in_the_state_that_is_expected(states: dict[str, Any], name: str) -> None:
    for subject, wanted in wanted_states(name).items():
        if wanted is not None:
            assert differences(wanted, states[subject], subject) == []


def test_a_subject_whose_creating_event_was_corrected_has_a_history_and_no_state(
    imported: Running,
) -> None:
    without = [subject for subject in WANTED if subject not in WITH_STATE]
    assert without
    for subject in without:
        answer = imported.attempt("case", subject)
        assert (answer.returncode, answer.stdout) == (1, b"")
        assert subject in answer.stderr.decode()


def test_histories_have_the_irregular_events_that_are_expected_and_no_other(
    imported: Running,
) -> None:
    subjects = [subject for name in NAMES for subject in subjects_of(name)]
    answers = ask_many(imported, [("history", subject) for subject in subjects])
    histories = [one.document for one in answers]
    assert {entry["signature"] for history in histories for entry in history} == {"VALID"}
    found = dict(zip(subjects, map(irregular_entries, histories), strict=True))
    wanted: dict[str, Any] = {subject: [] for subject in subjects}
    for name in NAMES:
        wanted |= expected(name)["irregular"]
    assert found == wanted


def test_commitments_stand_as_is_expected(imported: Running) -> None:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in imported.ask("commitments"):
        found[one["subject"]][one["commitment_id"]] = one
    for name in NAMES:
        for subject, some in expected(name)["commitments"].items():
            for wanted in some:
                commitment = found[subject][wanted["commitment_id"]]
                assert differences(wanted, commitment, subject) == []


def test_past_states_by_occurred_time_are_those_expected(imported: Running) -> None:
    found = ask_many(
        imported,
        [("case", one["subject"], "--as-of", one["t"], "--by", "occurred") for one in PAST],
    )
    for one, answer in zip(PAST, found, strict=True):
        if one["state"] is None:
            assert (answer.code, answer.out) == (1, "")
        else:
            assert differences(one["state"], answer.document, f"{one['subject']} {one['t']}") == []


def test_a_command_of_its_own_process_shows_the_same(
    imported: Running, states: dict[str, Any]
) -> None:
    subject = ONE_OF_EACH_KIND[0]
    found = imported.ask("case", subject)
    assert found == states[subject] | {"origin": found["origin"]}  # others may be sealed meanwhile


def test_importing_again_changes_no_state(imported: Running, states: dict[str, Any]) -> None:
    again = b"".join((SCENARIOS / f"{name}.jsonl").read_bytes() for name in NAMES)
    imported.command("import", "-", "--wait", given=again)
    for subject, after in states_of(imported, list(ONE_OF_EACH_KIND)).items():
        first = states[subject]
        events, duplicate = first["counts"]["events"], first["counts"]["duplicate"]
        assert after["last_recorded_at"] > first["last_recorded_at"]
        repeated = {"events": 2 * events, "duplicate": duplicate + events}
        assert after == first | {
            "counts": first["counts"] | repeated,
            "last_recorded_at": after["last_recorded_at"],
            "origin": after["origin"],
        }
