"""What an OpenID Connect issuer says of itself, and how it is spoken with (Discovery 1.0).

Owns which addresses are safe: https, or this machine. What does not answer as the issuer that
settings name is unreachable, whatever the reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from runut.errors import Unreachable

_TIMEOUT_S: Final = 5.0
_DISCOVERY: Final = "/.well-known/openid-configuration"


@asynccontextmanager
async def talking_to(issuer: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client for requests to an issuer.

    Raises:
        Unreachable: it does not answer, or not as an issuer.
    """
    # Proxies of the environment are for the world outside, not for this machine.
    outside = not is_local(issuer)
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=outside) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise unusable(issuer, error) from None


async def described(client: httpx.AsyncClient, issuer: str) -> dict[str, Any]:
    """Its discovery document. Raises as `talking_to`."""
    found = await document(client, issuer.rstrip("/") + _DISCOVERY)
    if found.get("issuer") != issuer:  # Discovery 1.0 §4.3
        raise unusable(issuer, f"it calls itself {found.get('issuer')!r}")
    return found


async def document(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """A JSON object at a URL. Raises httpx.HTTPError or ValueError."""
    answer = await client.get(url)
    answer.raise_for_status()
    return json_object(answer)


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object that an answer holds. Raises ValueError."""
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError(f"no JSON object at {answer.url}")  # noqa: TRY004 - as of the parser
    return found


def place_in(description: dict[str, Any], name: str, issuer: str) -> str:
    """An address that a discovery document names.

    Raises:
        Unreachable: it names none, or one that is not safe.
    """
    place = str(description.get(name))
    if not is_safe(place):
        raise unusable(issuer, f"its {name} is {place!r}")
    return place


def unusable(issuer: str, why: object) -> Unreachable:
    """The error for whatever is wrong with an issuer."""
    return Unreachable("OIDC issuer", issuer, "check RUNUT_OIDC_ISSUER and the issuer", str(why))


def is_safe(url: str) -> bool:
    """Whether nobody between us can read or change what is said at a URL."""
    return httpx.URL(url).scheme == "https" or is_local(url)


def is_local(url: str) -> bool:
    """Whether a URL is on this machine."""
    return httpx.URL(url).host in {"127.0.0.1", "localhost", "::1"}
