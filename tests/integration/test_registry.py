"""The contracts at the real registry: its numbers, its text, what it refuses."""

from __future__ import annotations

import copy
import hashlib
from typing import Any
from uuid import uuid4

import pytest

from embedded.platform import Endpoints
from runut.adapters.registry import open_registry, registry_subject
from runut.catalogue import EventType, Topic, canonical_json, catalogue
from runut.errors import BadInput, Unreachable

LETTER = catalogue().by_name("LetterSent")


@pytest.fixture
def topics() -> dict[Topic, str]:
    """Topics of this test's own: subjects at the registry begin with them."""
    own = uuid4().hex
    return {"events": f"{own}.events", "directory": f"{own}.directory"}


def changed(**field: Any) -> EventType:
    """LetterSent with one more field, or without one that is named by `without`."""
    schema = copy.deepcopy(LETTER.schema)
    without = field.pop("without", None)
    schema["fields"] = [one for one in schema["fields"] if one["name"] != without]
    schema["fields"] += [{"doc": "New.", **field}] if field else []
    return another(schema)


def another(schema: dict[str, Any]) -> EventType:
    text = canonical_json(schema)
    return EventType(
        LETTER.name, LETTER.kinds, LETTER.topic, schema, text, hashlib.sha256(text).digest()
    )


async def test_every_contract_has_one_number_and_keeps_its_text(
    platform: Endpoints, topics: dict[Topic, str]
) -> None:
    async with open_registry(platform.registry_url) as registry:
        ids = await registry.register(catalogue(), topics)
        assert ids.keys() == {one.name for one in catalogue()}
        assert len(set(ids.values())) == len(ids)
        assert await registry.register(catalogue(), topics) == ids
        for event_type in catalogue():
            assert await registry.canonical(ids[event_type.name]) == event_type.canonical


async def test_a_contract_may_grow(platform: Endpoints, topics: dict[Topic, str]) -> None:
    symbol = copy.deepcopy(LETTER.schema)
    (urgency,) = [one for one in symbol["fields"] if one["name"] == "urgency"]
    urgency["type"]["symbols"].insert(0, "LATER")
    async with open_registry(platform.registry_url) as registry:
        first = await registry.register([LETTER], topics)
        for grown in (changed(name="new", type=["null", "string"], default=None), another(symbol)):
            found = await registry.register([grown], topics)
            assert found["LetterSent"] not in first.values()
            assert await registry.canonical(found["LetterSent"]) == grown.canonical


@pytest.mark.parametrize(
    "broken",
    [changed(name="new", type="string"), changed(without="title")],
    ids=["added", "dropped"],
)
async def test_a_break_is_refused_with_its_subject(
    platform: Endpoints, topics: dict[Topic, str], broken: EventType
) -> None:
    async with open_registry(platform.registry_url) as registry:
        await registry.register([LETTER], topics)
        with pytest.raises(BadInput, match=registry_subject(topics["events"], LETTER)):
            await registry.register([broken], topics)


async def test_an_unknown_number_is_named(platform: Endpoints) -> None:
    async with open_registry(platform.registry_url) as registry:
        with pytest.raises(BadInput, match="schema 2000000000"):
            await registry.canonical(2_000_000_000)


async def test_a_registry_that_does_not_answer_is_one_sentence_without_its_password() -> None:
    async with open_registry("http://u:secret@127.0.0.1:1/apis/ccompat/v7") as registry:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1.*runut up") as caught:
            await registry.register([LETTER], {"events": "e", "directory": "d"})
    assert "secret" not in str(caught.value)
