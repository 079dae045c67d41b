"""The web application, as far as it goes with nothing behind it: nobody gets in unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cli.web_app import API, PROBES, build_app
from runut.catalogue import catalogue
from runut.event import LEDGER_KINDS
from runut.settings import Settings
from runut.tokens import new_token

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """Everything that it would ask is away, and it is not started."""
    return build_app(
        Settings(
            kafka_bootstrap="127.0.0.1:1",
            registry_url="http://127.0.0.1:1",
            postgres_url="postgresql://runut@127.0.0.1:1/runut",
        )
    )


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation."""
    for path, item in document["paths"].items():
        for method in item.keys() & METHODS:
            yield method, path, item[method]


async def ask(app: FastAPI, method: str, path: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
        return await client.request(method, path, **more)


def test_the_document_says_how_to_sign_in(app: FastAPI) -> None:
    document = app.openapi()
    assert document["security"] == [{"token": []}]
    assert len(list(operations(document))) > 10


@pytest.mark.parametrize(
    "header",
    [None, "Bearer x", "Bearer a.b.c", f"Basic {new_token().secret}"],
    ids=["nothing", "a word", "no token of ours", "another scheme"],
)
async def test_no_route_answers_who_does_not_say_who_they_are(
    app: FastAPI, header: str | None
) -> None:
    headers = {"authorization": header} if header else {}
    for method, path, described in operations(app.openapi()):
        concrete = re.sub(r"\{[^}]*\}", "x", path)
        answer = await ask(app, method, concrete, headers=headers)
        assert answer.status_code == 401, f"{method} {path}: {answer.text}"
        assert answer.json()["type"] == "urn:runut:problem:unauthenticated"
        assert "401" in described["responses"]


async def test_every_route_that_is_got_answers_head_as_well(app: FastAPI) -> None:
    got = [path for method, path, _ in operations(app.openapi()) if method == "get"]
    for path in (*got, "/healthz", "/readyz", "/metrics", "/sign-in", "/cases", "/nowhere"):
        concrete = re.sub(r"\{[^}]*\}", "x", path)
        told, head = await ask(app, "get", concrete), await ask(app, "head", concrete)
        assert head.status_code == told.status_code != 405, path
        assert head.content == b""
        assert head.headers.keys() == told.headers.keys()
        assert head.headers.get("content-type") == told.headers.get("content-type")


async def test_head_of_what_is_not_got_is_refused_and_what_is_got_says_so(app: FastAPI) -> None:
    posted, got = await ask(app, "head", f"{API}/events"), await ask(app, "put", f"{API}/cases")
    assert (posted.status_code, posted.headers["allow"]) == (405, "POST")
    assert (got.status_code, got.headers["allow"]) == (405, "GET, HEAD")


async def test_head_is_counted_as_head_of_its_route(app: FastAPI) -> None:
    await ask(app, "head", f"{API}/agencies/x")
    counted = (await ask(app, "get", "/metrics")).text
    assert 'code="401",method="HEAD",route="/api/v1/agencies/{code}"' in counted


def test_every_route_of_ours_is_in_the_document(app: FastAPI) -> None:
    described = {path for _, path, _ in operations(app.openapi())}
    served = set(paths_of(app.routes))
    pages = {path for path in served if not path.startswith(API)} - set(PROBES)
    assert served - described == {f"{API}/openapi.json", *PROBES, *pages}
    assert {"/", "/sign-in", "/cases"} <= pages


def paths_of(routes: Iterable[Any]) -> Iterator[str]:
    """Paths of routes, those of included routers among them."""
    for route in routes:
        included = getattr(route, "effective_candidates", None)
        if included is None:
            yield route.path.replace(":path}", "}")
        else:
            yield from paths_of(included())


def test_the_document_has_an_example_of_every_event_of_an_agency(app: FastAPI) -> None:
    posted = app.openapi()["paths"][f"{API}/events"]["post"]
    examples = posted["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {one.name for one in catalogue() if one.kinds & LEDGER_KINDS}


async def test_an_event_that_passes_by_the_router_is_counted_like_others(app: FastAPI) -> None:
    assert (await ask(app, "post", f"{API}/events")).status_code == 401
    assert (await ask(app, "get", f"{API}/events")).status_code == 405
    counted = (await ask(app, "get", "/metrics")).text
    assert 'http_requests_total{code="401",method="POST",route="/api/v1/events"}' in counted


async def test_a_state_that_passes_by_the_router_is_counted_like_others(app: FastAPI) -> None:
    path, route = f"{API}/subjects/case/X", f"{API}/subjects/{{kind}}/{{ident}}"
    before = await counted(app, route)
    assert (await ask(app, "get", path)).status_code == 401
    assert (await ask(app, "get", f"{path}?by=recorded")).status_code == 401
    assert (await ask(app, "post", path)).status_code == 405
    assert await counted(app, route) == before + 2


async def counted(app: FastAPI, route: str) -> float:
    """How many who did not say who they are asked a route."""
    line = f'http_requests_total{{code="401",method="GET",route="{route}"}} '
    told = (await ask(app, "get", "/metrics")).text.splitlines()
    return sum(float(one.removeprefix(line)) for one in told if one.startswith(line))


async def test_nothing_is_loaded_from_elsewhere(app: FastAPI) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert (await ask(app, "get", path)).status_code == 404


async def test_whether_the_process_lives_is_no_secret(app: FastAPI) -> None:
    assert (await ask(app, "get", "/healthz")).json() == {"status": "ok"}
    counted = await ask(app, "get", "/metrics")
    assert counted.headers["content-type"].startswith("text/plain")
    assert "http_requests_total" in counted.text
