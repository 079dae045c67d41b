"""Sessions of people who read the pages: begun by a token, found by a cookie, ended.

Of a session's secret only the SHA-256 is kept, as of a credential's: it too is 256 random bits
(`runut.tokens`). A session only reads, whatever the token that began it may do, and ends with its
credential.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from projections.queries import queries
from projections.reading import expecting_tables
from runut.access import Principal, Role, require_role
from runut.adapters.postgres import Lend
from runut.errors import Unauthenticated

PREFIX: Final = "runut-session_"
LASTS: Final = timedelta(hours=12)
"""A working day; then a person signs in again."""
READING: Final[frozenset[Role]] = frozenset({"READER", "AUDITOR", "OPERATOR"})

_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_CREDENTIAL: Final = "credential/"
_SQL: Final = queries("sessions")


class Sessions:
    """The sessions that PostgreSQL keeps."""

    def __init__(self, lend: Lend, now: Callable[[], datetime]) -> None:
        """Take who lends connections that may write, and the clock by which sessions end."""
        self._lend = lend
        self._now = now

    async def begin(self, who: Principal) -> str:
        """Begin a session of somebody who may read; gives its token, which is nowhere else.

        Raises:
            Forbidden: who may not read.
        """
        require_role(who, *READING)
        now, token = self._now(), PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        is_credential = who.name.startswith(_CREDENTIAL)
        session = {
            "secret_sha256": _hash(token),
            "reader": who.name,
            "agency": who.agency,
            "roles": sorted(who.roles & READING),
            "credential_id": who.name.removeprefix(_CREDENTIAL) if is_credential else None,
            "now": now,
            "expires_at": now + LASTS,
        }
        with expecting_tables():
            async with self._lend() as connection:
                await connection.execute(_SQL["forget"], {"now": now})
                await connection.execute(_SQL["begin"], session)
        return token

    async def check(self, token: str) -> Principal:
        """Whose session a token is of.

        Raises:
            Unauthenticated: of none that goes on.
        """
        if not _TOKEN.fullmatch(token):
            raise Unauthenticated("one that is no session")
        asked = {"secret_sha256": _hash(token), "now": self._now()}
        with expecting_tables():
            async with self._lend() as connection:
                cursor = await connection.execute(_SQL["found"], asked)
                found = await cursor.fetchone()
        if found is None:
            raise Unauthenticated("one of a session that ended")
        reader, agency, roles = found
        return Principal(reader, agency, frozenset(roles))

    async def end(self, token: str) -> None:
        """End a session; one that ended already stays so."""
        async with self._lend() as connection:
            await connection.execute(_SQL["end"], {"secret_sha256": _hash(token)})


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
