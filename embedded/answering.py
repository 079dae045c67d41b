"""Ask a service of this machine's, or of its network, for an answer by HTTP."""

from __future__ import annotations

import httpx

from embedded.ports import refused
from runut.errors import shorten

ANSWER_S = 5.0


async def answering(url: str) -> str | None:
    """None when a URL is answered with success, else why not (a part's `ready`)."""
    address = httpx.URL(url)
    default = 443 if address.scheme == "https" else 80
    if why := await refused(address.host, address.port or default):
        return why
    try:
        # Proxies of the environment are for the world outside, not for this machine.
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        return shorten(str(error) or type(error).__name__)
    return None if answer.is_success else f"HTTP {answer.status_code}"
