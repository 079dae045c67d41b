"""The OpenAPI document says what the answers are: none has a member that it does not know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from embedded.platform import Endpoints
from projections.batch import Changes
from projections.install import install
from projections.notices import Notice, enqueue
from projections.store import Quarantined, Store
from runut.adapters.postgres import connected
from runut.records import RawRecord
from tests.builders import RECORDED_AT, project
from tests.ledgers import own_settings
from tests.read_stage import API, ReadSide, all_scenarios, read_side

NOTICE = "0f3e7e5c-0000-4000-8000-000000000001"
PLACE = "3:100000"


@pytest.fixture(scope="module")
async def side(
    platform: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ReadSide]:
    """The routes over every scenario, a notice and a record that is no event."""
    settings = own_settings(platform, tmp_path_factory.mktemp("openapi"))
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        await project(connection, list(all_scenarios()))
        about = ("kp2mi", "LETTER", "case/X", "L1", RECORDED_AT, RECORDED_AT)
        await enqueue(connection, [Notice(NOTICE, *about)])
        position = (await Store(connection).claim([3]))[3]
        raw = RawRecord("runut.events", 3, 100_000, 0, 1, b"key", b"value", ())
        found = Quarantined(raw, RECORDED_AT, "no frame")
        await Store(connection).commit([(position, position)], Changes(), [found])
    async with read_side(settings) as side:
        yield side


def schema_of(document: dict[str, Any], path: str, status: int, media_type: str) -> dict[str, Any]:
    """What an answer has to be like, with all that it refers to."""
    answer = document["paths"][path]["get"]["responses"][str(status)]
    return {**answer["content"][media_type]["schema"], "components": document["components"]}


def members(schema: dict[str, Any], root: dict[str, Any], found: Any) -> Iterator[str]:
    """Members of an answer that no schema names."""
    while "$ref" in schema:
        schema = root["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = schema.get("anyOf")
    if kinds:
        unknown = [list(members(one, root, found)) for one in kinds]
        yield from min(unknown, key=len)
    elif isinstance(found, list):
        for one in found:
            yield from members(schema.get("items", {}), root, one)
    elif isinstance(found, dict) and "additionalProperties" not in schema:
        known = schema.get("properties", {})
        for name, value in found.items():
            if name in known:
                yield from members(known[name], root, value)
            else:
                yield name


async def test_the_document_is_valid_and_every_answer_is_as_it_says(side: ReadSide) -> None:
    document = (await side.get("/openapi.json")).json()
    validate(document)
    subjects = [one["subject"] for one in (await side.get("/subjects", limit=1000)).json()]
    asked: dict[str, list[str]] = {path: [path] for path in document["paths"] if "{" not in path}
    of = "/subjects/{kind}/{ident}"
    asked |= {
        f"{API}{of}": [f"/subjects/{one}" for one in subjects],
        f"{API}{of}/history": [f"/subjects/{one}/history" for one in subjects],
        f"{API}/agencies/{{code}}": ["/agencies/kp2mi", "/agencies/kbri-kl"],
        f"{API}/quarantine/{{place}}": [f"/quarantine/{PLACE}"],
    }
    explained = f"{API}{of}/commitments/{{commitment_id}}/explanation"
    owed = (await side.get("/commitments", limit=1000)).json()
    asked[explained] = [
        f"/subjects/{one['subject']}/commitments/{quote(one['commitment_id'])}/explanation"
        for one in {one["kind"]: one for one in owed}.values()
    ]
    del asked[f"{API}/stream"]
    no_json = {f"{API}/stream", f"{API}/bundles/{{kind}}/{{ident}}"}
    assert set(asked) | no_json == set(document["paths"])
    for path, questions in asked.items():
        schema = schema_of(document, path, 200, "application/json")
        for question in questions:
            answer = await side.get(question.removeprefix(API))
            assert answer.status_code == 200, (question, answer.text)
            found = answer.json()
            assert found, question
            Draft202012Validator(schema).validate(found)
            assert list(members(schema, schema, found)) == [], question
            described = document["paths"][path]["get"]["responses"]["200"]["headers"]
            told = {name.lower() for name in described} - {"link", "runut-checkpoint"}
            assert told <= set(answer.headers), question


async def test_every_route_says_how_it_refuses(side: ReadSide) -> None:
    document = (await side.get("/openapi.json")).json()
    for path, routes in document["paths"].items():
        for status in ("401", "403", "422", "500", "503"):
            content = routes["get"]["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (path, status)
        assert "404" in routes["get"]["responses"] or "{" not in path, path


async def test_headers_that_refusals_bring_are_in_the_document(side: ReadSide) -> None:
    document = (await side.get("/openapi.json")).json()
    for path, routes in document["paths"].items():
        told = routes["get"]["responses"]
        assert "WWW-Authenticate" in told["401"]["headers"], path
        assert "Retry-After" in told["409"]["headers"], path
        assert "Retry-After" in told["503"]["headers"], path


async def test_examples_are_answers_as_the_document_says(side: ReadSide) -> None:
    document = (await side.get("/openapi.json")).json()
    line = document["components"]["schemas"]["HistoryLine"]
    schema = {**line, "components": document["components"]}
    (example,) = line["examples"]
    Draft202012Validator(schema).validate(example)
    assert list(members(schema, schema, example)) == []
