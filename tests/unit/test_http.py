"""What all routes share, tried on an application with a few of its own; no socket is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.types import Message
from structlog.testing import capture_logs

from runut.access import Principal, bearer_token, require_emitter, require_force
from runut.adapters.http import install_problems, needs, pace, principal, spend
from runut.adapters.http_guards import Limited, Traced
from runut.adapters.http_watch import Metrics, Watched
from runut.errors import LedgerMismatch, Refused, Unauthenticated, Unreachable
from runut.event import AgencyCode
from runut.rates import Rates

KEMLU = AgencyCode("kemlu")
HOLDERS: Final = {
    "emitter": Principal("credential/1", KEMLU, frozenset({"EMITTER"})),
    "forcer": Principal("credential/2", KEMLU, frozenset({"EMITTER"}), may_force=True),
    "reader": Principal("credential/3", KEMLU, frozenset({"READER"})),
}
SECRET: Final = "10.1.2.3:5432"
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
Who = Annotated[Principal, Depends(principal)]


class Given(BaseModel):
    agency: str
    force: bool = False


async def authenticate(header: str | None) -> Principal:
    holder = HOLDERS.get(bearer_token(header))
    if holder is None:
        raise Unauthenticated("another")
    return holder


def make_app(*, at_once: int = 100, patience_s: float = 60) -> FastAPI:
    app = FastAPI()
    app.state.authenticate = authenticate
    app.state.rates = Rates(per_s=0.01, at_once=10)
    app.state.open = asyncio.Event()
    app.state.metrics = Metrics()
    _add_routes(app)
    install_problems(app)
    app.add_middleware(
        Limited,
        at_once=at_once,
        body_bytes=1000,
        wider={"/wide": 5000},
        patience_s=patience_s,
        always=("/healthz",),
    )
    app.add_middleware(Traced)
    app.add_middleware(Watched, metrics=app.state.metrics, quiet=("/healthz",))
    return app


def _add_routes(app: FastAPI) -> None:
    @app.post("/events")
    async def emit(request: Request, given: Given, who: Who) -> str:
        require_emitter(who, given.agency)
        if given.force:
            require_force(who)
        spend(request, who, 4)
        return "recorded"

    @app.post("/paced/{events}")
    async def paced(request: Request, events: int, who: Who) -> str:
        await pace(request, who, events)
        return "recorded"

    @app.get("/reads")
    async def read(who: Annotated[Principal, Depends(needs("READER", "AUDITOR"))]) -> str:
        return who.name

    @app.get("/asked")
    async def asked(about: str) -> str:
        return about

    @app.post("/wide")
    @app.post("/narrow")
    async def size(request: Request) -> int:
        return sum([len(part) async for part in request.stream()])

    @app.get("/waits")
    @app.get("/healthz")
    async def waits(request: Request) -> None:
        if request.url.path == "/waits":
            await request.app.state.open.wait()

    @app.get("/fails/{how}")
    async def fails(how: str) -> None:
        errors = {
            "unexpected": KeyError(SECRET),
            "mismatch": LedgerMismatch(SECRET),
            "unreachable": Unreachable("Kafka", SECRET, "start it"),
            "refused": Refused("CaseClosed", "case/X", ("NOT_CUSTODIAN",)),
        }
        raise errors[how]


def client_of(app: FastAPI, token: str | None = "emitter") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://ledger", headers=headers
    )


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What the log says."""
    with capture_logs() as logged:
        yield logged


@pytest.fixture
def app() -> FastAPI:
    return make_app()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an answer, which must be one."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    return found


# --- who asks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "Bearer nobody", "Bearer", "Basic YTpi"])
async def test_who_is_not_known_is_told_how_to_say_who_they_are(
    app: FastAPI, header: str | None
) -> None:
    async with client_of(app, None) as client:
        answer = await client.get("/reads", headers={"authorization": header} if header else {})
    assert problem(answer)["type"] == "urn:runut:problem:unauthenticated"
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_an_emitter_emits_as_itself(client: httpx.AsyncClient) -> None:
    assert (await client.post("/events", json={"agency": "kemlu"})).json() == "recorded"


async def test_an_emitter_s_token_does_not_emit_as_another_agency(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/events", json={"agency": "kbri-kl"})
    assert answer.status_code == 403
    assert "kbri-kl" in problem(answer)["detail"]


async def test_an_emitter_s_token_does_not_force_without_the_right(app: FastAPI) -> None:
    given = {"agency": "kemlu", "force": True}
    async with client_of(app, "emitter") as client:
        assert problem(await client.post("/events", json=given))["status"] == 403
    async with client_of(app, "forcer") as client:
        assert (await client.post("/events", json=given)).status_code == 200


async def test_a_route_is_for_those_roles_that_it_names(app: FastAPI) -> None:
    async with client_of(app, "emitter") as client:
        assert problem(await client.get("/reads"))["status"] == 403
    async with client_of(app, "reader") as client:
        assert (await client.get("/reads")).json() == "credential/3"


# --- problems ------------------------------------------------------------------------------------


async def test_what_does_not_exist_is_a_problem(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/nowhere"))["status"] == 404
    answer = await client.delete("/reads")
    assert problem(answer)["status"] == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("content", "field", "detail"),
    [
        (b'{"force": true}', "body.agency", "expected a value, found nothing"),
        (b'{"agency": "kemlu", "force": "maybe"}', "body.force", "found maybe"),
        (b"[]", "body", "found []"),
        (b"{", "body.1", "expected JSON, found Expecting property name"),
        (b"\xff\xfe", "body.0", "expected JSON, found "),
        (b"", "body", "expected a value, found nothing"),
    ],
)
async def test_a_wrong_body_is_a_problem_that_names_the_field(
    client: httpx.AsyncClient, content: bytes, field: str, detail: str
) -> None:
    answer = await client.post(
        "/events", content=content, headers={"content-type": "application/json"}
    )
    assert (problem(answer)["status"], answer.json()["field"]) == (422, field)
    assert detail in answer.json()["detail"]


async def test_a_question_that_lacks_something_is_told_what(client: httpx.AsyncClient) -> None:
    found = problem(await client.get("/asked"))
    assert found["detail"] == "query.about: expected a value, found nothing"


async def test_an_irregular_event_is_a_conflict_with_its_codes(client: httpx.AsyncClient) -> None:
    answer = await client.get("/fails/refused")
    assert (answer.status_code, problem(answer)["codes"]) == (409, ["NOT_CUSTODIAN"])


@pytest.mark.parametrize("how", ["unexpected", "mismatch", "unreachable"])
async def test_what_fails_inside_is_told_by_trace_id_alone_and_the_log_knows_why(
    client: httpx.AsyncClient, logged: list[Any], how: str
) -> None:
    sent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = await client.get(f"/fails/{how}", headers=sent)
    found = problem(answer)
    assert found["trace_id"] == TRACE
    assert SECRET not in answer.text
    failure = next(line for line in logged if line["log_level"] in {"warning", "error"})
    assert failure["trace_id"] == TRACE
    assert failure.get("exc_info") or SECRET in failure["reason"]
    if how == "unreachable":
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) == found["retry_after_s"]
    else:
        assert answer.status_code == 500


@pytest.mark.parametrize("header", [None, "00-0-0-0", f"00-{'0' * 32}-00f067aa0ba902b7-01", "x"])
async def test_a_request_without_a_trace_gets_one(
    client: httpx.AsyncClient, header: str | None
) -> None:
    answer = await client.get(
        "/fails/unexpected", headers={"traceparent": header} if header else {}
    )
    trace_id = problem(answer)["trace_id"]
    assert len(trace_id) == 32
    assert trace_id != "0" * 32


async def test_the_openapi_document_says_what_a_problem_is(app: FastAPI) -> None:
    assert "urn:runut:problem" in str(app.openapi()["components"]["schemas"]["Problem"])


# --- limits --------------------------------------------------------------------------------------


async def test_a_body_that_announces_too_much_is_refused_unread(client: httpx.AsyncClient) -> None:
    answer = await client.post("/narrow", content=b"x" * 1001)
    found = problem(answer)
    assert (found["status"], found["expected"]) == (413, "at most 1000 bytes")
    assert answer.headers["connection"] == "close"


async def test_a_body_that_announces_nothing_is_refused_where_it_is_too_much(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    taken = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"x" * 100

    answer = await client.post("/narrow", content=parts())
    assert problem(answer)["status"] == 413
    assert taken < 100


async def test_a_body_too_large_for_a_route_that_parses_it_is_too_large(
    client: httpx.AsyncClient,
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    answer = await client.post(
        "/events", content=parts(), headers={"content-type": "application/json"}
    )
    assert problem(answer)["status"] == 413


async def test_a_route_may_take_more_than_others(client: httpx.AsyncClient) -> None:
    assert (await client.post("/wide", content=b"x" * 5000)).json() == 5000
    assert problem(await client.post("/wide", content=b"x" * 5001))["status"] == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "many", "9" * 30])
async def test_a_doubtful_length_is_refused(client: httpx.AsyncClient, length: str) -> None:
    answer = await client.post("/narrow", content=b"x", headers={"content-length": length})
    assert problem(answer)["status"] == 413


async def test_a_body_whose_rest_does_not_come_is_given_up() -> None:
    app, sent = make_app(patience_s=0.01), list[Message]()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/narrow",
        "query_string": b"",
        "headers": [],
    }
    parts: list[Message] = [{"type": "http.request", "body": b"x", "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_an_agency_that_sends_more_than_its_share_is_told_when_to_go_on(
    client: httpx.AsyncClient,
) -> None:
    given = {"agency": "kemlu"}
    assert [(await client.post("/events", json=given)).status_code for _ in range(2)] == [200] * 2
    answer = await client.post("/events", json=given)
    assert problem(answer)["type"] == "urn:runut:problem:too-many-requests"
    assert answer.status_code == 429
    assert 100 < int(answer.headers["retry-after"]) <= 200


async def test_a_stream_of_events_is_slowed_down_to_its_share(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("runut.adapters.http.asyncio.sleep", sleep)
    assert (await client.post("/paced/10")).status_code == 200
    assert (await client.post("/paced/20")).status_code == 200
    assert waits[0] == 0
    assert waits[1] == pytest.approx(2000, rel=0.05)


async def test_requests_beyond_what_is_answered_at_once_are_told_to_come_back() -> None:
    app = make_app(at_once=2)
    async with client_of(app) as client:
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(client.get("/waits")) for _ in range(2)]
            while under_way(app) < 2:
                await asyncio.sleep(0)
            refused = await client.get("/waits")
            healthy = await client.get("/healthz")
            app.state.open.set()
        assert problem(refused)["type"] == "urn:runut:problem:busy"
        assert refused.headers["retry-after"] == "1"
        assert healthy.status_code == 200
        assert [task.result().status_code for task in waiting] == [200] * 2
        assert (await client.get("/waits")).status_code == 200


def under_way(app: FastAPI) -> float:
    found = app.state.metrics.registry.get_sample_value("http_requests_in_progress")
    assert found is not None
    return float(found)


# --- what is known afterwards --------------------------------------------------------------------


async def test_requests_are_counted_by_route_and_not_by_path(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for path in ("/fails/refused", "/fails/unexpected", "/nowhere/1", "/nowhere/2"):
        await client.get(path)
    await client.request("BREW", "/nowhere/3")

    def count(method: str, route: str, code: int) -> float | None:
        labels = {"method": method, "route": route, "code": str(code)}
        found: float | None = app.state.metrics.registry.get_sample_value(
            "http_requests_total", labels
        )
        return found

    assert count("GET", "/fails/{how}", 409) == 1
    assert count("GET", "/fails/{how}", 500) == 1
    assert count("GET", "none", 404) == 2
    assert count("OTHER", "none", 404) == 1
    assert under_way(app) == 0


async def test_each_request_has_a_line_of_the_log_that_says_who_asked_for_what(
    client: httpx.AsyncClient, logged: list[Any]
) -> None:
    await client.post("/events", json={"agency": "kemlu"})
    await client.get("/healthz")
    [line] = logged
    assert (line["event"], line["method"], line["path"]) == ("request", "POST", "/events")
    assert (line["status"], line["who"]) == (200, "credential/1")
    assert len(line["trace_id"]) == 32
