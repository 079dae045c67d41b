"""States and commitments as JSON: the same from a fold as from the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from projections.batch import HistoryEntry
from projections.folds.rows import Commitment
from projections.folds.subject import fold_subject
from projections.render import (
    Standing,
    commitment_counts,
    render_commitment,
    render_entry,
    render_state,
)
from runut.errors import NotFound
from tests.builders import (
    agrees,
    directory_from,
    directory_log,
    expected,
    on_subject,
    recorded,
    scenario,
)

NAMES = (
    "01-unpaid-wages",
    "03-letter-never-answered",
    "05-two-silos-merged",
    "06-agreement-breached-and-fined",
)
CASES = [
    (name, subject)
    for name in NAMES
    for subject in expected(name)["states"]
    if subject.startswith("case/")
]
NOW = datetime(2027, 1, 1, tzinfo=UTC)
DUE = datetime(2025, 6, 13, 16, 59, 59, tzinfo=UTC)
OWED = Commitment(
    subject="case/X",
    commitment_id="C1",
    source="C1",
    kind="PROMISE",
    debtor="kp2mi",
    creditor="polri",
    what="Kirim berkas",
    due_at=DUE,
    status="OPEN",
    made_at=DUE - timedelta(days=3),
    source_event="29cf2fa7-9f5e-5a89-8857-fe3029d08f8e",
)


@pytest.mark.parametrize(("name", "subject"), CASES)
def test_a_folded_case_has_the_state_that_its_scenario_expects(name: str, subject: str) -> None:
    folded = fold_subject(on_subject(scenario(name), subject), directory_from())
    found = render_state(Standing.of(subject, folded), NOW, None)
    assert agrees(expected(name)["states"][subject], found), found
    assert found["counts"] == folded.counts()


def test_a_subject_without_events_has_no_state() -> None:
    nothing = Standing.of("case/X", fold_subject([], directory_from()))
    with pytest.raises(NotFound, match="no effective event created it up to 2027-01-01T00:00:00Z"):
        render_state(nothing, NOW, NOW)


def test_a_commitment_is_overdue_after_its_limit_while_it_is_owed() -> None:
    assert render_commitment(OWED, DUE)["overdue"] is False
    later = DUE + timedelta(microseconds=1)
    assert render_commitment(OWED, later)["overdue"] is True
    assert render_commitment(replace(OWED, status="PROPOSED"), later)["overdue"] is False
    assert render_commitment(replace(OWED, due_at=None), later)["overdue"] is False


def test_commitments_are_counted_by_how_they_stand() -> None:
    after = DUE + timedelta(days=1)
    found = commitment_counts(
        [
            OWED,
            replace(OWED, status="REPORTED", breached_at=after),
            replace(OWED, status="PROPOSED"),
            replace(OWED, status="FULFILLED", fulfilled_at=DUE),
            replace(OWED, status="FULFILLED", fulfilled_at=after, breached_at=after),
            replace(OWED, status="CANCELLED"),
            replace(OWED, status="LAPSED"),
        ],
        after,
    )
    assert found == {
        "open": 2,
        "overdue": 2,
        "fulfilled": 2,
        "fulfilled_late": 1,
        "breached": 2,
        "cancelled": 1,
    }


def test_times_have_fractions_only_where_there_are_any() -> None:
    shown = render_commitment(replace(OWED, breached_at=DUE + timedelta(milliseconds=5)), NOW)
    assert shown["due_at"] == "2025-06-13T16:59:59Z"
    assert shown["breached_at"] == "2025-06-13T16:59:59.005000Z"


def test_a_line_of_the_history_shows_amounts_as_text() -> None:
    paid = {
        "type": "FinePaid",
        "subject": "agreement/P",
        "agency": "kp2mi",
        "occurred_at": "2025-06-10T08:00:00+07:00",
        "data": {"fine_id": "F1", "amount": "5000000.00", "reference": "TRX-1"},
    }
    entry = HistoryEntry(1, recorded(paid, 7), "EFFECTIVE", (), False)
    found = render_entry(entry, directory_log().latest)
    assert found["data"]["amount"] == "5000000.00"
    assert (found["offset"], found["occurred_at"]) == (7, "2025-06-10T01:00:00Z")
