"""The AsyncAPI document is that of the schemas, and a document of AsyncAPI 3.0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
import yaml
from jsonschema import Draft7Validator

from runut.admission import cloud_event_headers
from runut.catalogue import canonical_json, catalogue
from runut.json_form import from_json
from tests.builders import ROOT
from tools import asyncapi

OFFICIAL = json.loads((ROOT / "tests" / "fixtures" / "asyncapi" / "3.0.0.json").read_bytes())


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load(asyncapi.DOCUMENT.read_text())


def test_the_document_is_that_of_the_schemas() -> None:
    assert asyncapi.DOCUMENT.read_text() == asyncapi.text(), "run: python -m tools.asyncapi"


def test_the_official_schema_accepts_it(document: Any) -> None:
    errors = Draft7Validator(OFFICIAL).iter_errors(document)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


@pytest.mark.parametrize(
    "broken",
    [
        {"asyncapi": "2.6.0"},
        {"operations": {"emit": {"action": "publish", "channel": {"$ref": "#/channels/events"}}}},
        {"servers": {"trial": {"protocol": "kafka"}}},
    ],
)
def test_the_official_schema_refuses_what_is_not_of_it(document: Any, broken: Any) -> None:
    assert not Draft7Validator(OFFICIAL).is_valid({**document, **broken})


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            yield target
        for one in node.values():
            yield from references(one)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def test_every_reference_leads_somewhere(document: Any) -> None:
    targets = set(references(document))
    assert len(targets) > len(catalogue())
    for target in targets:
        found = document
        for part in target.removeprefix("#/").split("/"):
            found = found[part]


def test_each_payload_is_the_schema_that_is_signed(document: Any) -> None:
    messages = document["components"]["messages"]
    assert messages.keys() == {"Seal", *(one.name for one in catalogue())}
    for event_type in catalogue():
        message = messages[event_type.name]
        schema = message["payload"]["schema"]
        assert canonical_json(schema) == event_type.canonical
        assert message["x-schema-sha256"] == event_type.sha256.hex()
        fastavro.parse_schema(schema)


def test_golden_events_have_the_keys_and_headers_that_it_describes(document: Any) -> None:
    described = document["components"]["schemas"]["EventHeaders"]["properties"]
    for file in (ROOT / "tests" / "golden" / "events").glob("*.json"):
        event = from_json(json.loads(file.read_bytes())["whole"]["json"])
        message = document["components"]["messages"][event.type]
        assert re.search(message["bindings"]["kafka"]["key"]["pattern"], event.subject)
        headers = dict(cloud_event_headers(event))
        assert headers.keys() <= described.keys()
        assert headers["ce_type"].decode() == message["name"]
