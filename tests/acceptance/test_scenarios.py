"""The scenarios through the real platform, by the commands (tests/scenarios/README.md)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.running import Running
from tests.builders import SCENARIOS, agrees, expected

CASES = {
    "01-unpaid-wages": ("case/BP3MI-NTT-2025-0001",),
    "03-letter-never-answered": ("case/KP2MI-2025-0311",),
    "05-two-silos-merged": ("case/KBRI-KL-2025-0901", "case/KP2MI-2025-0902"),
    "06-agreement-breached-and-fined": ("case/BP3MI-NTT-2026-0017",),
}
"""What is compared with its expected.json."""
RECORDED_ALONE = {
    "agent/P3MI-SENTOSA": 4,
    "meeting/RAKOR-2025-06": 4,
    "agreement/PKS-NTT-2026": 14,
}
"""Subjects whose rules do not exist yet, and how many events of each the scenarios have."""
SUBJECTS = [subject for subjects in CASES.values() for subject in subjects]
PAST = [
    (one["subject"], one["t"], one["state"])
    for name in CASES
    for one in expected(name)["as_of_occurred"]
    if one["subject"] in SUBJECTS
]


@pytest.fixture(scope="module")
def imported(ledger: Running) -> Running:
    """The ledger after each of the four files was imported once."""
    for name in CASES:
        file = SCENARIOS / f"{name}.jsonl"
        found = ledger.ask("import", str(file), "--wait")
        assert (found["published"], found["bad"]) == (len(file.read_text().splitlines()), 0)
    return ledger


def states(ledger: Running) -> dict[str, Any]:
    """Every case as `runut case` shows it now."""
    found = ledger.ask_all(*(("case", subject) for subject in SUBJECTS))
    return dict(zip(SUBJECTS, found, strict=True))


@pytest.fixture(scope="module")
def before(imported: Running) -> dict[str, Any]:
    """The states after the first import."""
    return states(imported)


def test_every_subject_of_the_scenarios_is_compared_or_named_as_recorded_alone() -> None:
    assert {subject for name in CASES for subject in expected(name)["states"]} == {
        *SUBJECTS,
        *RECORDED_ALONE,
    }


@pytest.mark.parametrize("name", CASES)
def test_cases_are_in_the_state_that_is_expected(before: dict[str, Any], name: str) -> None:
    for subject in CASES[name]:
        wanted = expected(name)["states"][subject]
        assert agrees(wanted, before[subject]), (wanted, before[subject])


def test_histories_have_the_irregular_events_that_are_expected_and_no_other(
    imported: Running,
) -> None:
    histories = imported.ask_all(*(("history", subject) for subject in SUBJECTS))
    wanted = {
        subject: expected(name)["irregular"].get(subject, [])
        for name, subjects in CASES.items()
        for subject in subjects
    }
    found = {
        subject: [
            [entry["type"], entry["agency"], entry["occurred_at"], entry["codes"]]
            for entry in history
            if entry["verdict"] == "IRREGULAR"
        ]
        for subject, history in zip(SUBJECTS, histories, strict=True)
    }
    assert found == wanted


def test_commitments_stand_as_is_expected(imported: Running) -> None:
    found = {(one["subject"], one["commitment_id"]): one for one in imported.ask("commitments")}
    for name, subjects in CASES.items():
        for subject in subjects:
            for wanted in expected(name)["commitments"].get(subject, []):
                commitment = found[subject, wanted["commitment_id"]]
                assert agrees(wanted, commitment), (wanted, commitment)


def test_past_states_by_occurred_time_are_those_expected(imported: Running) -> None:
    assert len(PAST) == 3
    found = imported.ask_all(
        *(("case", subject, "--as-of", t, "--by", "occurred") for subject, t, _ in PAST)
    )
    for (subject, t, wanted), state in zip(PAST, found, strict=True):
        assert agrees(wanted, state), (subject, t, wanted, state)


def test_subjects_without_rules_have_their_events_in_the_history(imported: Running) -> None:
    found = imported.ask_all(*(("history", subject) for subject in RECORDED_ALONE))
    assert [len(history) for history in found] == list(RECORDED_ALONE.values())
    assert {entry["signature"] for history in found for entry in history} == {"VALID"}


def test_importing_again_changes_no_state(imported: Running, before: dict[str, Any]) -> None:
    again = b"".join((SCENARIOS / f"{name}.jsonl").read_bytes() for name in CASES)
    imported.command("import", "-", "--wait", given=again)
    for subject, after in states(imported).items():
        first = before[subject]
        events, duplicate = first["counts"]["events"], first["counts"]["duplicate"]
        assert after["last_recorded_at"] > first["last_recorded_at"]
        repeated = {"events": 2 * events, "duplicate": duplicate + events}
        assert after == first | {
            "counts": first["counts"] | repeated,
            "last_recorded_at": after["last_recorded_at"],
        }
