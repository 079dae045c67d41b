"""/sign-in/account: who has an account at the issuer that settings name signs in there.

A browser keeps the secret of its question and where it wanted to go, in a cookie for a while. An
answer of the issuer is taken beside that cookie alone, and only once.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote, unquote

import structlog
from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from dashboard.pages import cookies, sign_in
from dashboard.pages.frame import HEADERS, Frame, Visitor
from dashboard.pages.routing import page_router
from dashboard.pages.sign_in import Refusal
from runut.access import Principal
from runut.adapters.oidc_sign_in import OidcSignIn, Question
from runut.errors import Forbidden, RunutError, Unauthenticated, Unreachable

log = structlog.get_logger(__name__)

QUESTION: Final = "runut_question"
LASTS_S: Final = 600
"""How long somebody may take at the issuer."""


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    router.add_api_route("/sign-in/account", ask)
    router.add_api_route("/sign-in/account/back", come_back)
    return router


async def ask(
    frame: Visitor, back: Annotated[str, Query(alias="next", max_length=2_000)] = "/"
) -> Response:
    """Send a browser to the issuer."""
    question = Question.new()
    try:
        place = await _accounts(frame).address(question)
    except Unreachable as error:
        return _refused(frame, "silent", error, back)
    response = RedirectResponse(place, 303, HEADERS)
    kept = f"{question.secret}.{quote(back, safe='')}"
    cookies.keep(response, frame.request, QUESTION, kept, LASTS_S)
    return response


async def come_back(frame: Visitor) -> Response:
    """Begin a session of who comes back from the issuer."""
    secret, _, back = frame.request.cookies.get(QUESTION, "").partition(".")
    response = await _signed_in(frame, secret, unquote(back))
    response.delete_cookie(QUESTION)
    return response


async def _signed_in(frame: Frame, secret: str, back: str) -> Response:
    try:
        who = await _who(frame, secret)
    except Unauthenticated as error:
        return _refused(frame, "answer", error, back)
    except Unreachable as error:
        return _refused(frame, "silent", error, back)
    try:
        return await sign_in.begin(frame, who, back)
    except Forbidden as error:
        return _refused(frame, "account", error, back)


async def _who(frame: Frame, secret: str) -> Principal:
    accounts = _accounts(frame)
    if not secret:
        raise Unauthenticated("an answer without its question")
    return await accounts.who(Question(secret), frame.request.query_params)


def _refused(frame: Frame, refusal: Refusal, error: RunutError, back: str) -> Response:
    log.warning("sign-in refused", reason=str(error))
    return sign_in.form(frame, refusal, back)


def _accounts(frame: Frame) -> OidcSignIn:
    if frame.site.accounts is None:
        raise HTTPException(404)
    return frame.site.accounts
