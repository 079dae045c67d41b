"""The rules written a second time, naively (tests/naive), say the same of 2,000 random histories.

Where the two folds disagree, the history is shrunk and written as JSON: put the file into
tests/naive/kept when it is settled who was wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from runut.catalogue import catalogue
from tests.builders import ROOT
from tests.histories import STORIES
from tests.two_folds import (
    History,
    compared,
    differences,
    from_kept,
    history_of,
    shrunk,
    to_kept,
)

HISTORIES = {"case": 900, "meeting": 350, "agreement": 450, "agent": 200, "programme": 100}
pytestmark = pytest.mark.timeout(1800)  # so much work takes long where others work as well
KEPT = sorted((ROOT / "tests" / "naive" / "kept").glob("*.json"))


class Found(NamedTuple):
    """What came of all histories."""

    disagreements: list[str]
    effective: set[tuple[str, str]]
    """Kinds of subject with types of events that counted."""
    codes: set[str]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    found = Found([], set(), set())
    folder = tmp_path_factory.mktemp("disagreements")
    for kind, seed in _histories():
        history = history_of(kind, seed)
        different, verdicts = compared(history)
        if different and len(found.disagreements) < 5:
            found.disagreements.append(_kept(folder, f"{kind}-{seed}", history))
        for event_type, verdict, codes in verdicts:
            found.codes.update(codes)
            if verdict == "EFFECTIVE":
                found.effective.add((kind, event_type))
    return found


def _histories() -> Iterator[tuple[str, int]]:
    return ((kind, seed) for kind, number in HISTORIES.items() for seed in range(number))


def _kept(folder: Path, name: str, history: History) -> str:
    """Write the shortest history on which the two still disagree, and say where it is."""
    file, history = folder / f"{name}.json", shrunk(history)
    different = differences(history)
    file.write_bytes(to_kept(history, different[0]))
    return f"{file}: {'; '.join(different)}"


def test_two_folds_written_apart_agree_on_two_thousand_histories(found: Found) -> None:
    assert sum(HISTORIES.values()) == 2000
    assert found.disagreements == []


def test_the_histories_hold_every_type_of_event_and_every_code(found: Found) -> None:
    wanted = {(kind, one.name) for one in catalogue() for kind in one.kinds.intersection(STORIES)}
    assert wanted - found.effective == set()
    assert _codes_of_the_contract() - found.codes == set()


def _codes_of_the_contract() -> set[str]:
    """As docs/design/events.md §3 lists them."""
    text = (ROOT / "docs" / "design" / "events.md").read_text()
    (paragraph,) = re.findall(r"^Codes: (.*)$", text, re.MULTILINE)
    codes = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", paragraph))
    assert len(codes) > 30
    return codes


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_histories_that_the_folds_once_disagreed_on_are_settled(file: Path) -> None:
    assert differences(from_kept(file.read_bytes())) == []
