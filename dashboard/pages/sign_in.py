"""/sign-in and /sign-out: a session for who shows a token, and its end.

A token is a credential of the ledger, or an access token of the issuer where settings name one. The
demonstration has a reader of its own, for whoever is on its machine. Accounts at the issuer are
`dashboard.pages.account`'s.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from dashboard.pages import cookies
from dashboard.pages.addresses import is_own_path
from dashboard.pages.frame import HEADERS, Frame, Visitor
from dashboard.pages.routing import page_router
from dashboard.pages.site import DEMONSTRATION
from dashboard.reads import Asker, sight_of
from projections.sessions import LASTS
from runut.access import Principal
from runut.errors import Forbidden, Unauthenticated

LONGEST_TOKEN: Final = 8_192
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Refusal = Literal["token", "account", "answer", "silent"]
"""Why nobody is signed in: a token or an account that may not read, an answer of the issuer that is
not to be believed, an issuer that does not answer."""
STATUSES: Final[Mapping[Refusal | None, int]] = {None: 200, "silent": 503}
"""All others are 403."""

FormToken = Annotated[str, Form(max_length=200)]
Next = Annotated[str, Form(alias="next", max_length=2_000)]


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    router.add_api_route("/sign-in", ask_who)
    router.add_api_route("/sign-in", sign_in, methods=["POST"])
    router.add_api_route("/sign-in/demonstration", enter_demonstration, methods=["POST"])
    router.add_api_route("/sign-out", sign_out, methods=["POST"])
    return router


async def ask_who(frame: Visitor) -> Response:
    """The form, or the pages for who is known already."""
    if frame.who is not None:
        return _go_on("/")
    return form(frame, None, frame.request.query_params.get("next", "/"))


async def sign_in(
    frame: Visitor,
    form_token: FormToken,
    token: Annotated[str, Form(max_length=LONGEST_TOKEN)],
    back: Next = "/",
) -> Response:
    """Begin a session of who shows a token."""
    cookies.require_own_form(frame.request, form_token)
    try:
        who = await frame.site.authenticate(f"Bearer {token.strip()}")
        return await begin(frame, who, back)
    except (Unauthenticated, Forbidden):
        return form(frame, "token", back)


async def enter_demonstration(frame: Visitor, form_token: FormToken, back: Next = "/") -> Response:
    """Begin a session of the demonstration's own reader."""
    cookies.require_own_form(frame.request, form_token)
    if not _offers_demonstration(frame):
        raise Forbidden("reading without a token", "a demonstration on this machine")
    return await begin(frame, DEMONSTRATION, back)


async def sign_out(frame: Visitor, form_token: FormToken) -> Response:
    """End a session."""
    cookies.require_own_form(frame.request, form_token)
    token = frame.request.cookies.get(cookies.SESSION)
    if token is not None:
        await frame.site.sessions.end(token)
    response = _go_on("/sign-in")
    response.delete_cookie(cookies.SESSION)
    return response


async def begin(frame: Frame, who: Principal, back: str) -> Response:
    """Begin a session, and go on where somebody wanted to go.

    Raises:
        Forbidden: who may not read, or is of an agency that the ledger does not know.
    """
    await _require_known(frame, who)
    token = await frame.site.sessions.begin(who)
    response = _go_on(back if is_own_path(back) else "/")
    age_s = int(LASTS.total_seconds())
    cookies.keep(response, frame.request, cookies.SESSION, token, age_s)
    return response


def form(frame: Frame, refusal: Refusal | None, back: str) -> Response:
    """The page where people say who they are, and why that was not taken."""
    return frame.page(
        "sign-in.html",
        status=STATUSES.get(refusal, 403),
        refusal=refusal,
        offers_account=frame.site.accounts is not None,
        offers_demonstration=_offers_demonstration(frame),
        back=back if is_own_path(back) else "/",
    )


async def _require_known(frame: Frame, who: Principal) -> None:
    asker = Asker(who, sight_of(who), frame.request.url.path)
    async with frame.site.reads.open(asker, alone=False) as reading:
        directory = reading.moment.log.latest
        if who.agency is not None and directory.agency(who.agency) is None:
            raise Forbidden(f"what {who.name} asks for", "an agency of this ledger")


def _go_on(path: str) -> Response:
    return RedirectResponse(path, 303, HEADERS)


def _offers_demonstration(frame: Frame) -> bool:
    """A page of elsewhere whose name leads to this machine asks by that name, so it is refused."""
    return frame.site.settings.web_demonstration and _is_local(frame.request)


def _is_local(request: Request) -> bool:
    host = request.client.host if request.client else ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return is_loopback and request.url.hostname in LOCAL_NAMES
