"""The token that an agency's system shows: `runut_ID_SECRET`.

Pure but for the randomness of new ones. Owns its form, and what of it may be kept: the SHA-256 of
the secret. A slow hash guards passwords, which can be guessed; 256 random bits cannot, whatever a
guess costs, while each request would pay for the slowness.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import Final, NamedTuple

from runut.errors import Unauthenticated

PREFIX: Final = "runut_"
"""So that scanners of repositories and logs know one when they see it."""
_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"runut_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


class Token(NamedTuple):
    """What names a credential, and what proves to be its holder."""

    credential_id: str
    secret: str

    @property
    def text(self) -> str:
        """As it is shown, once."""
        return f"{PREFIX}{self.credential_id}_{self.secret}"

    @property
    def secret_sha256(self) -> bytes:
        """What is kept of the secret."""
        return sha256(self.secret.encode()).digest()

    def proves(self, secret_sha256: bytes) -> bool:
        """Whether its secret is the one of which this was kept, in the same time whatever it is."""
        return compare_digest(self.secret_sha256, secret_sha256)


def new_token() -> Token:
    """A token that nobody has."""
    return Token(secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES))


def parse_token(text: str) -> Token:
    """The parts of a token.

    Raises:
        Unauthenticated: it has another form.
    """
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise Unauthenticated("one that is no credential of a ledger")
    return Token(*found.groups())
