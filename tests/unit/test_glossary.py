"""The glossary knows every word of the schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = sorted((ROOT / "schemas").glob("*/*.avsc"))


def words(schema: Any) -> Iterator[str]:
    """Names of types and fields, and symbols, that a schema introduces."""
    if isinstance(schema, list):
        for member in schema:
            yield from words(member)
    elif isinstance(schema, dict):
        if "name" in schema:
            yield schema["name"]
        yield from schema.get("symbols", [])
        for part in ("type", "items", "fields"):
            yield from words(schema.get(part))


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_the_glossary_knows_every_word_of_a_schema(file: Path) -> None:
    known = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "glossary.md").read_text()))
    missing = sorted(set(words(json.loads(file.read_text()))) - known)
    assert not missing
