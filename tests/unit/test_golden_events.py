"""The bytes and the identity of every contract are what they always were."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from runut.catalogue import catalogue
from runut.codec import decode, encode
from runut.json_form import from_json, to_json

FILES = sorted((Path(__file__).parents[1] / "golden" / "events").glob("*.json"))
VECTORS = [json.loads(file.read_bytes()) for file in FILES]
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["type"])


def test_every_type_has_its_vectors() -> None:
    assert [one["type"] for one in VECTORS] == sorted(one.name for one in catalogue())


@every_vector
def test_the_schemas_identity_is_as_recorded(vector: dict[str, Any]) -> None:
    assert catalogue().by_name(vector["type"]).sha256.hex() == vector["schema"]


@every_vector
@pytest.mark.parametrize("name", ["least", "whole"])
def test_the_json_form_writes_these_bytes(vector: dict[str, Any], name: str) -> None:
    event_type = catalogue().by_name(vector["type"])
    event = from_json(vector[name]["json"])
    assert encode(event_type, event).hex() == vector[name]["body"]


@every_vector
def test_the_bytes_show_this_json_form(vector: dict[str, Any]) -> None:
    event_type = catalogue().by_name(vector["type"])
    whole = decode(event_type, bytes.fromhex(vector["whole"]["body"]))
    assert to_json(whole) == vector["whole"]["json"]
    least = to_json(decode(event_type, bytes.fromhex(vector["least"]["body"])))
    given = vector["least"]["json"]
    assert {name: least[name] for name in given if name != "data"} == {
        name: given[name] for name in given if name != "data"
    }
    added = {name: value for name, value in least["data"].items() if name not in given["data"]}
    defaults = {
        field["name"]: field["default"]
        for field in event_type.schema["fields"]
        if field["name"] in added
    }
    assert added == defaults


@every_vector
def test_fastavro_reads_these_bytes_to_their_end(vector: dict[str, Any]) -> None:
    body = io.BytesIO(bytes.fromhex(vector["whole"]["body"]))
    schema = catalogue().by_name(vector["type"]).schema
    read = fastavro.schemaless_reader(body, schema, None)
    assert not body.read()
    assert read["meta"]["subject"] == vector["whole"]["json"]["subject"]
