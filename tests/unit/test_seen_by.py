"""What an agency knew of a subject."""

from __future__ import annotations

from projections.folds.subject import fold_subject
from projections.seen_by import seen_by
from tests.builders import directory_from, on_subject, scenario

CASE = "case/BP3MI-NTT-2025-0001"


def knew(agency: str, subject: str, story: str) -> list[str]:
    folded = fold_subject(on_subject(scenario(story), subject), directory_from())
    return [folded.entries[at].recorded.event.type for at in seen_by(agency, folded.entries)]


def test_who_gave_a_case_away_knows_its_file_until_then_and_afterwards_what_reaches_it() -> None:
    known = knew("bp3mi-ntt", CASE, "01-unpaid-wages")
    assert known[:2] == ["CaseReported", "CaseVerified"]
    assert {"TransferOffered", "TransferAccepted"} <= set(known)
    assert "LetterSent" in known  # to it
    assert "HearingHeld" not in known
    assert "CaseResolved" not in known  # by whom it was given to


def test_who_took_a_case_over_has_its_whole_file() -> None:
    everything = len(on_subject(scenario("01-unpaid-wages"), CASE))
    assert len(knew("kp2mi", CASE, "01-unpaid-wages")) == everything


def test_who_is_only_written_to_knows_its_letters_alone() -> None:
    known = knew("kemlu", "case/KP2MI-2025-0311", "03-letter-never-answered")
    assert known[0] == "LetterSent"
    assert "CaseReported" not in known


def test_an_agency_that_nothing_reached_knows_nothing() -> None:
    assert knew("polri", CASE, "01-unpaid-wages") == []
