"""Who asks: the holder of a credential, of an access token of the OIDC issuer, or of a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from projections import sessions
from runut.access import Authenticate, Principal, bearer_token
from runut.tokens import PREFIX

Check = Callable[[str], Awaitable[Principal]]
"""From a token to who shows it; raises Unauthenticated."""


def authenticator(credentials: Check, oidc: Check | None, session: Check) -> Authenticate:
    """Take who checks credentials, other tokens where there is an issuer, and sessions."""

    async def authenticate(header: str | None) -> Principal:
        token = bearer_token(header)
        if token.startswith(sessions.PREFIX):
            return await session(token)
        if oidc is None or token.startswith(PREFIX):
            return await credentials(token)
        return await oidc(token)

    return authenticate
