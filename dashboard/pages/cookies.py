"""Cookies of the pages: whose session it is, and that a form came from a page of ours.

A form holds a hash of a random cookie and of the session, which no other site can know; cookies go
to no other site's forms besides (SameSite). No script can read them (HttpOnly).
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from fastapi import Request, Response

from runut.errors import Forbidden

SESSION: Final = "runut_session"
FORM: Final = "runut_form"
YEAR_S: Final = 365 * 24 * 3600


def keep(
    response: Response, request: Request, name: str, value: str, max_age_s: int | None = None
) -> None:
    """Have a browser keep a cookie; without an age until it is closed."""
    response.set_cookie(
        name,
        value,
        max_age=max_age_s,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def form_seed(request: Request) -> str:
    """The random cookie of a browser; a new one where it has none yet."""
    return request.cookies.get(FORM) or secrets.token_urlsafe(32)


def form_token(request: Request, seed: str) -> str:
    """What a form has to hold."""
    session = request.cookies.get(SESSION, "")
    return sha256(f"form:{seed}:{session}".encode()).hexdigest()


def require_own_form(request: Request, token: str) -> None:
    """Demand that a form came from a page of ours, in this session.

    Raises:
        Forbidden: it did not.
    """
    seed = request.cookies.get(FORM)
    if seed is None or not compare_digest(token.encode(), form_token(request, seed).encode()):
        raise Forbidden("this form", "to be sent from its own page, with cookies allowed")
