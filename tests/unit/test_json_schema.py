"""The JSON Schemas and the examples say of the JSON form what `from_json` does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut.catalogue import catalogue
from runut.errors import FieldError
from runut.event import LEDGER_KINDS, Event
from runut.examples import examples
from runut.json_form import from_json, to_json
from runut.json_schema import event_schema
from runut.personal_data import findings
from tests.fixtures.event_strategies import events

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "events").glob("*.json"))
OF_AGENCIES = sorted(one.name for one in catalogue() if not one.kinds.isdisjoint(LEDGER_KINDS))
VALIDATORS = {
    one.name: jsonschema.Draft202012Validator(event_schema(one), format_checker=None)
    for one in catalogue()
}


def test_every_type_that_agencies_emit_has_an_example() -> None:
    assert sorted(examples()) == OF_AGENCIES
    assert list(examples()) == OF_AGENCIES


@pytest.mark.parametrize("name", OF_AGENCIES)
def test_an_example_is_an_event_that_its_schema_knows(name: str) -> None:
    event = from_json(examples()[name])
    assert event.type == name
    assert findings(event) == []
    VALIDATORS[name].validate(examples()[name])


@pytest.mark.parametrize("file", GOLDEN, ids=lambda one: one.stem)
def test_a_schema_is_sound_and_takes_what_is_golden(file: Path) -> None:
    vector = json.loads(file.read_bytes())
    validator = VALIDATORS[vector["type"]]
    validator.check_schema(validator.schema)
    validator.validate(vector["least"]["json"])
    validator.validate(vector["whole"]["json"])


@given(st.sampled_from(list(catalogue())).flatmap(events))
@settings(max_examples=60, deadline=None)
def test_a_schema_takes_every_event(event: Event) -> None:
    VALIDATORS[event.type].validate(to_json(event))


def changed(name: str, **changes: Any) -> dict[str, Any]:
    example = json.loads(json.dumps(examples()[name]))
    data = {k: changes.pop(k) for k in list(changes) if k in example["data"] or k == "unknown"}
    example["data"] |= data
    return {k: v for k, v in {**example, **changes}.items() if v is not ...}


@pytest.mark.parametrize(
    "given",
    [
        changed("LetterSent", type="LetterSend"),
        changed("LetterSent", subject="meeting/X"),
        changed("LetterSent", subject=...),
        changed("LetterSent", agency="KP2MI"),
        changed("LetterSent", on_behalf_of="KP2MI"),
        changed("LetterSent", occurred_at=5),
        changed("LetterSent", colour="red"),
        changed("LetterSent", unknown=1),
        changed("LetterSent", letter_id="L 7"),
        changed("LetterSent", urgency="SOON"),
        changed("LetterSent", urgency="UNSPECIFIED"),
        changed("LetterSent", title="a\0"),
        changed("LetterSent", to="kemlu"),
        changed("LetterSent", to=["x"] * 10_001),
        changed("LetterSent", reply_expected="yes"),
        changed("LetterSent", attachments=[{"name": "a"}]),
        changed("LetterSent", data=...),
        changed("FineImposed", amount="5.001"),
        changed("FineImposed", amount=5),
        changed("LetterReminded", nth=2**31),
        changed("LetterReminded", nth=1.5),
    ],
    ids=lambda one: json.dumps(one)[-60:],
)
def test_what_a_schema_refuses_is_refused(given: dict[str, Any]) -> None:
    schema = VALIDATORS.get(given["type"], VALIDATORS["LetterSent"])
    assert not schema.is_valid(given)
    with pytest.raises(FieldError):
        from_json(given)
