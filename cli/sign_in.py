"""Who asks: the holder of a credential, or of an access token of the OIDC issuer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runut.access import Authenticate, Principal, bearer_token
from runut.tokens import PREFIX

Check = Callable[[str], Awaitable[Principal]]
"""From a token to who shows it; raises Unauthenticated."""


def authenticator(credentials: Check, oidc: Check | None) -> Authenticate:
    """Take who checks credentials, and who checks other tokens where there is an issuer."""

    async def authenticate(header: str | None) -> Principal:
        token = bearer_token(header)
        if oidc is None or token.startswith(PREFIX):
            return await credentials(token)
        return await oidc(token)

    return authenticate
