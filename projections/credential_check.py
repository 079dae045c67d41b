"""Check the tokens of credentials, thousands a second, against what PostgreSQL keeps.

Owns how long an answer holds: a revoked credential is refused a second later. However many ask,
one query at a time looks for all of them, so that neither load nor made-up tokens pile up there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from projections.credentials import Credential, Kept, kept, note_use
from runut.access import Principal
from runut.adapters.postgres import Lend
from runut.errors import RunutError, Unauthenticated
from runut.rfc3339 import format_time
from runut.tokens import Token, parse_token

HOLDS_S: Final = 1.0
USE_NOTED_EVERY: Final = timedelta(minutes=1)


class _Answer(NamedTuple):
    """What was found for an id: nothing, a credential, or why nobody could say."""

    until: float
    found: Kept | RunutError | None


class _Proven(NamedTuple):
    """A token that was found to be of a credential."""

    until: float
    credential: Credential
    principal: Principal


class CredentialCheck:
    """From tokens to those who show them; `await check(token)`."""

    def __init__(self, lend: Lend, now: Callable[[], datetime]) -> None:
        """Take who lends connections, and the clock by which credentials expire."""
        self._lend = lend
        self._now = now
        self._turn = asyncio.Lock()
        self._wanted: set[str] = set()
        self._answers: dict[str, _Answer] = {}
        self._proven: dict[str, _Proven] = {}
        self._used: dict[str, datetime] = {}

    async def __call__(self, text: str) -> Principal:
        """Who shows a token.

        Raises:
            Unauthenticated: it is no valid one.
            Unreachable: PostgreSQL does not answer.
        """
        proven = self._proven.get(text)
        if proven is None or proven.until <= time.monotonic():
            proven = self._proven[text] = await self._prove(parse_token(text))
        now = self._now()
        _refuse_ended(proven.credential, now)
        if not self._is_noted(proven.credential, now):
            await self._note_use(proven.credential, now)
        return proven.principal

    async def _prove(self, token: Token) -> _Proven:
        until, found = await self._find(token.credential_id)
        # Who knows an id alone learns nothing of it.
        if found is None or not token.proves(found.secret_sha256):
            raise Unauthenticated("one that is no credential of this ledger")
        return _Proven(until, found.credential, found.credential.principal)

    async def _find(self, credential_id: str) -> tuple[float, Kept | None]:
        """What is kept of a credential, and until when that may be said."""
        if not self._holds(credential_id):
            self._wanted.add(credential_id)
            async with self._turn:
                if not self._holds(credential_id):
                    await self._look_up(self._wanted | {credential_id})
        until, found = self._answers[credential_id]
        if isinstance(found, RunutError):
            raise found.with_traceback(None)  # it is raised for each who asks
        return until, found

    def _holds(self, credential_id: str) -> bool:
        answer = self._answers.get(credential_id)
        return answer is not None and time.monotonic() < answer.until

    async def _look_up(self, ids: set[str]) -> None:
        """Answer for all who ask by now; a failure is the answer of each, so that none waits on."""
        self._wanted = set()
        found: dict[str, Kept] | RunutError
        try:
            async with self._lend() as connection:
                found = await kept(connection, ids)
        except RunutError as error:
            found = error
        now = time.monotonic()
        self._answers = {each: a for each, a in self._answers.items() if now < a.until}
        self._proven = {text: one for text, one in self._proven.items() if now < one.until}
        for each in ids:
            one = found if isinstance(found, RunutError) else found.get(each)
            self._answers[each] = _Answer(now + HOLDS_S, one)

    def _is_noted(self, credential: Credential, now: datetime) -> bool:
        noted = self._used.get(credential.credential_id, credential.last_used_at)
        return noted is not None and now - noted < USE_NOTED_EVERY

    async def _note_use(self, credential: Credential, now: datetime) -> None:
        self._used[credential.credential_id] = now  # before others ask meanwhile
        async with self._lend() as connection:
            await note_use(connection, credential.credential_id, now)


def _refuse_ended(credential: Credential, now: datetime) -> None:
    match credential.state(now):
        case "REVOKED":
            assert credential.revoked_at is not None  # noqa: S101 - that is the state
            since = format_time(credential.revoked_at)
            raise Unauthenticated(f"one that was revoked at {since}")
        case "EXPIRED":
            raise Unauthenticated(f"one that expired at {format_time(credential.expires_at)}")
        case "VALID":
            pass
