"""Whoever changes what a fold gives raises FOLDS: read models of before have to be rebuilt."""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec

from projections.folds import FOLDS
from projections.folds.subject import fold_subject
from tests.builders import ROOT, directory_from, on_subject, scenario
from tests.scenario_files import NAMES

GOLDEN = ROOT / "tests" / "golden" / "folds.json"
"""The number, and of each story the digest of what its folds gave under it."""


def digest(name: str) -> str:
    """Of all verdicts, states and rows after a story."""
    records = scenario(name)
    folded = {
        subject: fold_subject(on_subject(records, subject), directory_from())
        for subject in sorted({one.event.subject for one in records})
    }
    given = [
        (
            subject,
            [(one.folded.verdict, one.folded.codes, one.folded.differs) for one in found.entries],
            found.state,
            sorted((type(row).__name__, str(row.ident), row) for row in found.past.rows.values()),
        )
        for subject, found in folded.items()
    ]
    return sha256(msgspec.json.encode(given, order="deterministic")).hexdigest()


def test_stories_give_what_they_gave_under_this_number() -> None:
    golden = json.loads(GOLDEN.read_text())
    found = {"folds": FOLDS, "stories": {name: digest(name) for name in sorted(NAMES)}}
    assert found == golden, (
        "folds give something else: raise FOLDS in projections/folds/__init__.py, "
        f"and write into {GOLDEN.name}: {json.dumps(found)}"
    )
