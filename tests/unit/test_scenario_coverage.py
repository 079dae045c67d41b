"""Every event type takes effect in some story, and every code of events.md arises in some test.

What can arise is read from the catalogue and from docs/design/events.md, so neither can grow
without a story. Signatures and keys take a real client: they are covered by integration tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

from projections.folds.fold import KINDS
from projections.folds.rows import Commitment
from projections.folds.subject import FoldedSubject, fold_subject
from runut.catalogue import catalogue
from runut.event import Verdict
from runut.protocol import CommitmentKind
from tests.builders import ROOT, directory_from, on_subject, scenario
from tests.scenario_files import NAMES, subjects_of

CONTRACT = (ROOT / "docs" / "design" / "events.md").read_text()
BAD_INPUT = ROOT / "tests" / "integration" / "test_bad_input.py"
SIGNATURES = "test_each_wrong_signature_agency_or_time_has_its_code"
"""The integration test of stage 1; UNKNOWN_AGENCY is a code of a story's guards as well."""


@cache
def all_folded() -> tuple[FoldedSubject, ...]:
    return tuple(
        fold_subject(on_subject(scenario(name), subject), directory_from())
        for name in NAMES
        for subject in subjects_of(name)
    )


def all_codes() -> set[str]:
    """The codes that events.md §3 lists."""
    return _codes_in(r"^Codes: (.+)\.$")


def signature_codes() -> set[str]:
    """Those of stage 1, of which there is only ever one."""
    return _codes_in(r"one code, the first of ([A-Z_, ]+)\)")


def _codes_in(pattern: str) -> set[str]:
    found = re.search(pattern, CONTRACT, re.MULTILINE)
    assert found is not None, pattern
    without_remarks = re.sub(r"\([^)]*\)", "", found[1])
    return {code.strip() for code in without_remarks.split(",")}


def codes_in_stories() -> set[str]:
    return {
        code for found in all_folded() for entry in found.entries for code in entry.folded.codes
    }


def test_the_codes_are_read_from_the_contract() -> None:
    assert {"UNKNOWN_AGENCY", "OCCURRED_IN_FUTURE", "NOT_REPORTED"} < all_codes()
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)+", code) for code in all_codes())
    assert len(signature_codes()) == 5
    assert signature_codes() < all_codes()


def test_every_event_type_of_the_ledger_takes_effect_in_some_story() -> None:
    effective = {
        entry.recorded.event.type
        for found in all_folded()
        for entry in found.entries
        if entry.folded.verdict == "EFFECTIVE"
    }
    assert effective == {one.name for one in catalogue() if one.kinds & KINDS.keys()}


def test_every_code_that_folding_gives_arises_in_some_story_and_no_other_does() -> None:
    assert codes_in_stories() == all_codes() - signature_codes() | {"UNKNOWN_AGENCY"}


def test_every_code_of_a_signature_or_key_is_expected_by_an_integration_test() -> None:
    assert signature_codes() <= set(_texts_of(_test(BAD_INPUT, SIGNATURES)))


def test_every_verdict_and_every_kind_of_commitment_arises_in_some_story() -> None:
    verdicts = {entry.folded.verdict for found in all_folded() for entry in found.entries}
    kinds = {one.kind for found in all_folded() for one in found.past.of(Commitment)}
    assert verdicts == set(get_args(Verdict))
    assert kinds == set(get_args(CommitmentKind))


def _test(file: Path, name: str) -> ast.AsyncFunctionDef:
    """A test that compares what it found with what it lists."""
    functions = [
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.AsyncFunctionDef) and node.name == name
    ]
    assert len(functions) == 1, f"{name} in {file}"
    assert any(isinstance(node, ast.Assert) for node in ast.walk(functions[0]))
    return functions[0]


def _texts_of(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
