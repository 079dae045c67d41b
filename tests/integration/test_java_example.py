"""The Java example compiles as it stands, and what it sends is the same to the last byte."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from embedded.platform import Endpoints
from runut.catalogue import catalogue
from runut.directory import founded
from runut.json_form import from_json, json_bytes
from runut.registration import apply_directory
from runut.settings import Settings
from tests.builders import DIRECTORY, ROOT
from tests.integration.logs import read_log
from tests.java import compile_java, fetch_java, run_java
from tests.ledgers import found, own_settings

FORMS = ("least", "whole")
SOURCES = ROOT / "docs" / "examples" / "java" / "src" / "main" / "java"
VECTORS = [
    json.loads(file.read_bytes()) for file in sorted((ROOT / "tests/golden/events").glob("*.json"))
]
AGENCY_EVENTS = [
    vector
    for vector in VECTORS
    if catalogue().by_name(vector["type"]).topic == "events"
    and vector["type"] != "DirectoryAdvanced"
]


@pytest.fixture
async def ledger(platform: Endpoints, tmp_path: Path) -> Settings:
    """A founded ledger whose schemas are at the registry under its own topics' names."""
    settings = own_settings(platform, tmp_path)
    await found(settings)
    await apply_directory(settings, DIRECTORY)
    return settings


async def configure(settings: Settings, folder: Path) -> str:
    """The configuration file of the how-to, for this ledger; gives its path."""
    ledger = founded((await read_log(settings)).directory.latest.ledger)
    file = folder / "emit.properties"
    file.write_text(
        f"bootstrap.servers={settings.kafka_bootstrap}\n"
        "enable.idempotence=true\n"
        f"ledger.topic={settings.events_topic}\n"
        f"ledger.registry={(settings.registry_url or '').partition('/apis')[0]}\n"
        f"ledger.id={ledger.ledger_id.hex()}\n"
        "ledger.key.id=kemlu-java\n"
        "ledger.key.file=kemlu.pem\n"
    )
    return str(file)


def as_kemlu(event: dict[str, Any]) -> str:
    return json.dumps({**event, "agency": "kemlu"})


async def test_every_event_of_an_agency_arrives_signed_and_with_the_golden_content(
    ledger: Settings, tmp_path: Path
) -> None:
    programs = await asyncio.to_thread(fetch_java)
    class_path = await compile_java(tmp_path, programs, SOURCES)
    example = partial(run_java, tmp_path, class_path)
    key = tmp_path / "key.toml"
    key.write_text(await example("example.MakeKey", "kemlu", "kemlu-java", "kemlu.pem"))
    await apply_directory(ledger, key)
    lines = [as_kemlu(vector[form]["json"]) for vector in AGENCY_EVENTS for form in FORMS]
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(lines))
    out = await example("example.EmitLines", await configure(ledger, tmp_path), events)
    assert out == f"{len(lines)} events are recorded\n"
    log = await read_log(ledger)
    assert log.rejected == []
    assert {one.signature for one in log.events} == {"VALID"}
    sent = [from_json(line) for line in lines]
    assert sorted(json_bytes(one.event) for one in log.events) == sorted(map(json_bytes, sent))
