"""The contracts' files: documented, able to grow, bounded, and self-contained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest

from runut.catalogue import catalogue, load_catalogue, schema_folder
from runut.errors import BadFile, BadInput

FILES = sorted(schema_folder().glob("*/*.avsc"))
TYPES = list(catalogue())
every_type = pytest.mark.parametrize("event_type", TYPES, ids=lambda one: one.name)
every_file = pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object of a schema: types and fields."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list):
        for one in schema:
            yield from parts(one)


def test_every_event_of_the_design_has_a_type() -> None:
    by_folder = {
        folder.name: {file.stem for file in folder.glob("*.avsc")}
        for folder in schema_folder().iterdir()
    }
    names = {one.name for one in TYPES}
    assert {folder: len(found & names) for folder, found in by_folder.items()} == {
        "agent": 7,
        "agreement": 8,
        "case": 33,
        "common": 10,
        "directory": 9,
        "meeting": 4,
        "programme": 2,
    }


@pytest.mark.parametrize(
    ("name", "kinds", "topic"),
    [
        ("CaseReported", {"case"}, "events"),
        ("DecisionRecorded", {"case", "meeting"}, "events"),
        ("CommitmentBreached", {"case", "meeting", "agreement"}, "events"),
        ("EventCorrected", {"case", "meeting", "agreement", "agent", "programme"}, "events"),
        ("AgencyKeyPublished", {"agency"}, "directory"),
        ("SchemaRegistered", {"ledger"}, "directory"),
        ("DirectoryAdvanced", {"directory"}, "events"),
    ],
)
def test_a_type_knows_its_kinds_of_subject_and_its_topic(
    name: str, kinds: set[str], topic: str
) -> None:
    found = catalogue().by_name(name)
    assert (found.kinds, found.topic) == (kinds, topic)


@every_file
def test_every_record_field_and_enum_is_documented(file: Path) -> None:
    for part in parts(json.loads(file.read_bytes())):
        if "name" in part:
            assert part["doc"].endswith("."), part["name"]


@every_file
def test_every_enum_has_a_default_that_lets_it_grow(file: Path) -> None:
    for part in parts(json.loads(file.read_bytes())):
        if part.get("type") == "enum":
            *_, last = part["symbols"]
            assert part["default"] == last
            assert last in {"OTHER", "UNSPECIFIED"}


@every_file
def test_nullable_fields_and_arrays_have_their_default(file: Path) -> None:
    records = parts(json.loads(file.read_bytes()))
    for field in [field for record in records for field in record.get("fields", [])]:
        if isinstance(field["type"], list):
            assert field["type"][0] == "null"
            assert field["default"] is None
        elif isinstance(field["type"], dict) and field["type"]["type"] == "array":
            assert field["default"] == []


@every_type
def test_every_schema_is_self_contained_and_starts_with_meta(event_type: Any) -> None:
    fastavro.parse_schema(event_type.schema)
    first = event_type.schema["fields"][0]
    assert (first["name"], first["type"]["name"]) == ("meta", "Meta")


@every_type
def test_no_schema_is_recursive_or_has_items_of_no_size(event_type: Any) -> None:
    for part in parts(event_type.schema):
        if part.get("type") == "array":
            assert part["items"] != "null"
        if part.get("type") == "record":
            assert part["fields"], f"{part['name']} takes no bytes"
            assert f'"{part["name"]}"' not in json.dumps(part["fields"])


def test_every_name_is_defined_in_one_place() -> None:
    defined = [
        part["name"]
        for file in FILES
        for part in parts(json.loads(file.read_bytes()))
        if part.get("type") in ("record", "enum")
    ]
    assert sorted(defined) == sorted(set(defined))


@every_type
def test_identity_is_the_hash_of_the_canonical_text(event_type: Any) -> None:
    assert json.loads(event_type.canonical) == event_type.schema
    assert event_type.sha256 == hashlib.sha256(event_type.canonical).digest()
    assert catalogue().by_sha256(event_type.sha256) is event_type


def test_a_type_that_does_not_exist_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(BadInput, match=r"did you mean LetterSent\?.*found LeterSent"):
        catalogue().by_name("LeterSent")
    with pytest.raises(BadInput, match="this release's catalogue"):
        catalogue().by_sha256(bytes(32))


def test_broken_schema_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="Avro schema files"):
        load_catalogue(tmp_path)
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "A.avsc").write_text("{")
    with pytest.raises(BadFile, match=r"A\.avsc: expected an Avro schema as JSON"):
        load_catalogue(tmp_path)
    (folder / "A.avsc").write_text('{"name": "B"}')
    with pytest.raises(BadFile, match="a schema named A"):
        load_catalogue(tmp_path)
    event = {
        "type": "record",
        "name": "A",
        "subjects": ["case"],
        "fields": [{"name": "meta", "type": "Nowhere"}],
    }
    (folder / "A.avsc").write_text(json.dumps(event))
    with pytest.raises(BadFile, match="schema type Nowhere"):
        load_catalogue(tmp_path)
