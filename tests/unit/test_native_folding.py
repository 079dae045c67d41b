"""Compiled folding of loaded subjects: the same changes and the same errors as the plain one's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.batch import Changes, HistoryEntry, Written, plain_fold_next
from projections.folds.case_state import plain_with_agency
from projections.folds.fold import CORRECTION, KINDS
from projections.folds.folding import Folding
from projections.folds.guards import ADDRESSING, NAMING, plain_newcomers
from projections.folds.rows import Letter
from projections.folds.subject import Directories
from projections.loaded import Counts, Loaded
from runut.directory import Directory
from runut.event import Recorded
from runut.native.folding import EffectiveFold, find, get, newcomers, with_agency
from tests.builders import directory_from, scenario
from tests.changing_directory import changing
from tests.histories import STORIES, Author
from tests.scenario_files import NAMES

COMPILED = EffectiveFold(
    *(plain_fold_next, KINDS, NAMING, HistoryEntry, Written, Folding, Loaded, Counts)
)
Fold = Callable[[Loaded, Recorded, Directory, Changes], None]
EVENTS = [one for name in sorted(NAMES) for one in scenario(name)]
AGENCIES = st.sampled_from(["bp2mi", "kbri-kl", "kemlu", "kp2mi", "polri"])


def told(
    fold: Fold, records: Sequence[Recorded], directories: Directories, again_at: int | None = None
) -> Any:
    """All that folding records says and leaves behind, also where it fails.

    At `again_at` subjects are as if loaded anew: with their ids and all but every third row.
    """
    subjects: dict[str, Loaded] = {}
    changes, failed = Changes(), []
    for at, one in enumerate(records):
        if at == again_at:
            subjects = {name: as_from_store(loaded) for name, loaded in subjects.items()}
        loaded = subjects.setdefault(one.event.subject, Loaded())
        if not loaded.is_new and at % 5:  # every fifth id was forgotten to be asked for
            loaded.contents.setdefault((one.event.agency, one.event.event_id), None)
        try:
            fold(loaded, one, directories(one.directory_offset), changes)
        except LookupError as error:
            failed.append((at, repr(error)))
    rows = {subject: (written.added, written.changed) for subject, written in changes.rows.items()}
    left = {subject: everything_of(loaded) for subject, loaded in subjects.items()}
    return changes.history, rows, left, failed


def as_from_store(before: Loaded) -> Loaded:
    loaded = Loaded(is_new=False)
    loaded.state, loaded.counts = before.state, before.counts
    loaded.contents = dict(before.contents)
    loaded.rows = {key: row for n, (key, row) in enumerate(before.rows.items()) if n % 3}
    loaded.sources = {str(key[1]) for key in loaded.rows}
    loaded.has_unsettled = True
    return loaded


def everything_of(loaded: Loaded) -> dict[str, Any]:
    return {name: getattr(loaded, name) for name in Loaded.__slots__}


def agree(
    records: Sequence[Recorded], directories: Directories, again_at: int | None = None
) -> list[Any]:
    plain, compiled = (
        told(fold, records, directories, again_at) for fold in (plain_fold_next, COMPILED.fold_next)
    )
    assert compiled == plain
    return list(plain[-1])


@pytest.mark.parametrize("kind", sorted(STORIES))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
def test_random_histories_leave_the_same_behind(kind: str, seed: int, length: int) -> None:
    assert not agree(uncorrected(kind, seed, length), changing().at)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), again_at=st.integers(1, 40))
def test_so_do_subjects_that_were_loaded(seed: int, again_at: int) -> None:
    agree(uncorrected("case", seed, 60), changing().at, again_at)


def test_what_was_not_loaded_is_missed_and_never_taken_for_absent() -> None:
    failed = agree(uncorrected("case", 7, 200), changing().at, 20)
    assert any("was not loaded" in error for _, error in failed)
    assert any(error.startswith("KeyError(('") for _, error in failed)


def test_stories_leave_the_same_behind() -> None:
    for name in sorted(NAMES):
        records = [one for one in scenario(name) if one.event.type != CORRECTION]
        assert not agree(records, directory_from())


def uncorrected(kind: str, seed: int, length: int) -> list[Recorded]:
    records = Author(seed, STORIES[kind], changing()).write(length)
    return [one for one in records if one.event.type != CORRECTION]


def test_a_row_that_no_guard_looked_for_is_an_error() -> None:
    [reported, *_] = uncorrected("case", 1, 5)
    directory = changing().at(reported.directory_offset)
    errors = []
    for folding_class in (Folding, COMPILED.folding):
        folding: Folding[Any] = folding_class(None, reported, directory, Loaded())
        assert folding.find(Letter, "L1") is None
        with pytest.raises(LookupError, match=r"Letter L1 of case/.* was not checked") as caught:
            folding.get(Letter, "L1")
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


@pytest.mark.parametrize("ask", [find, get])
def test_compiled_questions_are_for_their_own_class(ask: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="object is no folding of a loaded subject"):
        ask(object(), Letter, "L1")


@given(st.sets(AGENCIES | st.text()), AGENCIES | st.text())
def test_an_agency_takes_its_place_among_others(agencies: set[str], agency: str) -> None:
    others = tuple(sorted(agencies))
    assert with_agency(others, agency) == plain_with_agency(others, agency)


@given(st.data(), AGENCIES, st.sets(AGENCIES))
def test_newcomers_are_found_in_every_type_of_event(
    data: st.DataObject, custodian: str, known: set[str]
) -> None:
    event = data.draw(st.sampled_from(EVENTS)).event
    given_ = event, ADDRESSING[event.type], custodian, tuple(sorted(known))
    assert newcomers(*given_) == plain_newcomers(*given_)


@pytest.mark.parametrize("given_", [((), None), ((None,), "kemlu"), (("kemlu", None), "polri")])
def test_what_is_no_agency_is_an_error(given_: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError):
        with_agency(*given_)
