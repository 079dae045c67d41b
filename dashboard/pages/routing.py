"""Routes of pages: what fails is a page as well, and who is unknown is asked to sign in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from dashboard.charts.trends import warm_up
from dashboard.pages.addresses import address
from dashboard.pages.frame import HEADERS, Frame, visitor
from runut.errors import FieldError, RunutError, Unauthenticated, wanted_of
from runut.problems import Problem, plain_problem, problem_of

log = structlog.get_logger(__name__)

SIGN_IN: Final = "/sign-in"


class PageRoute(APIRoute):
    """A route that answers with pages, whatever happens."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            warm_up()  # whoever reads one page may want a chart on the next
            request.scope["query_string"] = said_something(request.scope["query_string"])
            try:
                return await answer(request)
            except Unauthenticated:
                return to_sign_in(request)
            except (RunutError, HTTPException, RequestValidationError) as error:
                return await failed(request, error)

        return answered


def page_router() -> APIRouter:
    """A router for pages; the API's document does not tell of them."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def said_something(query: bytes) -> bytes:
    """A question without what was left empty: a form sends every one of its fields."""
    pairs = [(name, value) for name, value in parse_qsl(query) if value]
    return urlencode(pairs).encode()


def to_sign_in(request: Request) -> Response:
    """Ask who it is; then go on where it wanted to go."""
    path = request.url.path
    query = f"?{request.url.query}" if request.url.query else ""
    back = f"{path}{query}" if request.method == "GET" and path != "/" else None
    return RedirectResponse(address(SIGN_IN, next=back), 303, HEADERS)


async def failed(request: Request, error: Exception) -> Response:
    """The page that says what is wrong."""
    problem = _problem(request, error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("refused", status=problem.status, reason=str(error))
    return await told(request, problem)


async def told(request: Request, problem: Problem) -> Response:
    """A problem as a page."""
    try:
        frame = await visitor(request)
    except RunutError:  # what is wrong keeps us from finding out who asks, too
        frame = Frame(request, None)
    response = frame.page("problem.html", status=problem.status, problem=problem)
    if problem.retry_after_s is not None:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    return response


def _problem(request: Request, error: Exception) -> Problem:
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return problem_of(FieldError(place, wanted_of(first["msg"]), first.get("input")))
    if isinstance(error, HTTPException):
        title = HTTPStatus(error.status_code).phrase
        return plain_problem(error.status_code, title, str(error.detail))
    return problem_of(error, trace_id=getattr(request.state, "trace_id", None))
