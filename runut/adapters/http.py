"""What all routes share: problem documents, who asks, and their share of the ledger.

Thin, over FastAPI. `app.state.authenticate` (an `Authenticate`) says who somebody is and
`app.state.rates` how much each agency may send. What is told of an error is `runut.problems`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from runut.access import Authenticate, Principal, Role, require_role
from runut.adapters.http_openapi import describe
from runut.errors import FieldError, RunutError, wanted_of
from runut.problems import MEDIA_TYPE, Problem, plain_problem, problem_of
from runut.rates import Rates

log = structlog.get_logger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]

_UNREAD: Final = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}
"""Answers after which the rest of a body is not read."""


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as an answer, with Retry-After where it says when."""
    given = dict(headers or {})
    if problem.retry_after_s is not None:
        given["Retry-After"] = str(problem.retry_after_s)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        given["WWW-Authenticate"] = 'Bearer realm="runut"'
    if problem.status in _UNREAD:
        given["Connection"] = "close"
    return Response(orjson.dumps(problem.document()), problem.status, given, MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Answer every error of an app's routes with its problem document.

    What nobody expected is for `runut.adapters.http_guards.Traced`.
    """
    describe(app)
    app.add_exception_handler(RunutError, _on_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)


async def principal(request: Request) -> Principal:
    """Who asks, as a dependency of a route.

    Raises:
        Unauthenticated: nobody whom we know.
    """
    scope = request.scope
    authenticate: Authenticate = scope["app"].state.authenticate
    who = await authenticate(header(scope, b"authorization"))
    scope.setdefault("state", {})["who"] = who.name  # for the log
    return who


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of a name, which servers give in lower case."""
    for one, value in scope["headers"]:
        if one == name:
            return bytes(value).decode("latin-1")
    return None


class Direct:
    """Answers requests for some paths at once, which have nothing to gain from a router.

    What FastAPI and Starlette do for each request that asks for none of it costs as much as taking
    an event. Errors are answered as everywhere; other methods and paths are for the app.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[APIRoute]) -> None:
        """Take routes with a path of no parameters, whose endpoints take the request alone."""
        self._app = app
        self._routes = {(method, one.path): one for one in routes for method in one.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        route = scope["type"] == "http" and self._routes.get((scope["method"], scope["path"]))
        if not route:
            await self._app(scope, receive, send)
            return
        scope["route"] = route  # for the metrics
        await answer_past_router(route.endpoint, scope, receive, send)


async def answer_past_router(
    endpoint: Endpoint, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a request by what takes the request alone; errors are answered as everywhere."""
    request = Request(scope, receive, send)
    try:
        response = await endpoint(request)
    except RunutError as error:
        response = await _on_error(request, error)
    except HTTPException as error:
        response = await _on_http_error(request, error)
    await response(scope, receive, send)


def unsupported(found: str | None, expected: str) -> HTTPException:
    """415: a body of another media type than those that are taken."""
    detail = f"Content-Type: expected {expected}, found {found or 'none'}"
    return HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def stopping(request: Request) -> asyncio.Event:
    """Set when the process is told to stop: answers that have no end must end then."""
    event: asyncio.Event = request.app.state.stopping
    return event


def needs(*roles: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency: who asks, having one of these roles.

    It raises Unauthenticated or Forbidden.
    """

    # It asks by itself: each dependency of a dependency costs as much as a whole check.
    async def allowed(request: Request) -> Principal:
        who = await principal(request)
        require_role(who, *roles)
        return who

    return allowed


def spend(request: Request, who: Principal, events: int = 1) -> None:
    """Take events off the share of who asks.

    Raises:
        TooManyRequests: so many are not left; nothing is taken.
    """
    rates: Rates = request.app.state.rates
    rates.spend(who.agency or who.name, events, time.monotonic())


async def pace(request: Request, who: Principal, events: int) -> None:
    """Take events off the share of who asks, and wait until it covers them: for streams."""
    rates: Rates = request.app.state.rates
    await asyncio.sleep(rates.borrow(who.agency or who.name, events, time.monotonic()))


async def _on_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem_response(problem)
    # What is not told, the log knows.
    trace_id = getattr(request.state, "trace_id", None)
    log.warning("refused", trace_id=trace_id, status=problem.status, reason=str(error))
    return problem_response(problem_of(error, trace_id=trace_id))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - so it was registered
    if isinstance(error.__cause__, RunutError):  # FastAPI hides what reading a body raised
        return await _on_error(request, error.__cause__)
    title = HTTPStatus(error.status_code).phrase
    problem = plain_problem(error.status_code, title, str(error.detail))
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"  # of every route (runut.adapters.http_head)
    return problem_response(problem, headers)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - so it was registered
    first = error.errors()[0]
    path = ".".join(map(str, first["loc"]))
    return problem_response(problem_of(FieldError(path, *_wanted_and_found(first))))


def _wanted_and_found(error: Mapping[str, Any]) -> tuple[str, Any]:
    match error["type"]:
        case "missing":
            return "a value", "nothing"
        case "json_invalid":
            return "JSON", error["ctx"]["error"]
        case _:
            return wanted_of(error["msg"]), error.get("input")
