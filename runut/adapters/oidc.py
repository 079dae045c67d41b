"""Check tokens of an OpenID Connect issuer: signed JWTs, with keys that it publishes.

Owns how often the keys (RFC 7517) are asked for, so that tokens with made-up key ids cannot flood
the issuer. Where it has them is in `runut.adapters.oidc_issuer`, what a token says about its holder
in `runut.claims`. Refuses unsigned tokens and those signed with a shared secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt

from runut.access import Principal
from runut.adapters.oidc_issuer import described, document, is_safe, place_in, talking_to, unusable
from runut.claims import ClaimNames, principal_of
from runut.errors import RunutError, SettingError, Unauthenticated
from runut.settings import Settings

ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Public-key ones alone: a key that is published must not be a secret as well."""
KEYS_HOLD_S: Final = 300.0
KEYS_LAST_S: Final = 3600.0
"""How long known keys are used while the issuer does not answer."""
ASKED_EVERY_S: Final = 10.0
"""How often at most, whatever key ids tokens name."""
LEEWAY_S: Final = 30.0
"""How far the issuer's clock may be from ours."""
LONGEST_TOKEN: Final = 16 * 1024
_NEVER: Final = float("-inf")
_REASONS: Final[Mapping[type[jwt.PyJWTError], str]] = {
    jwt.ExpiredSignatureError: "one that expired",
    jwt.ImmatureSignatureError: "one that is not valid yet",
    jwt.InvalidAudienceError: "one for another audience",
    jwt.InvalidIssuerError: "one of another issuer",
    jwt.InvalidAlgorithmError: "one signed by an algorithm that is not taken",
    jwt.InvalidSignatureError: "one whose signature is wrong",
}


class OidcCheck:
    """From tokens of one issuer to those who show them; `await check(token)`."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        names: ClaimNames,
        *,
        asked_every_s: float = ASKED_EVERY_S,
    ) -> None:
        """Take the issuer's URL, whom its tokens must be meant for, and where they say what."""
        self._issuer = issuer
        self._audience = audience
        self._names = names
        self._asked_every_s = asked_every_s
        self._turn = asyncio.Lock()
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._got_at = _NEVER
        self._asked_at = _NEVER

    @classmethod
    def of(cls, settings: Settings) -> OidcCheck | None:
        """For the issuer that settings name; None where they name none.

        Raises:
            SettingError: the audience lacks, or the issuer's address is not safe.
        """
        if settings.oidc_issuer is None:
            return None
        if settings.oidc_audience is None:
            raise SettingError("RUNUT_OIDC_AUDIENCE: expected it beside RUNUT_OIDC_ISSUER")
        if not is_safe(settings.oidc_issuer):
            raise SettingError(
                "RUNUT_OIDC_ISSUER: expected https://…, or http:// on this machine, "
                f"found {settings.oidc_issuer!r}"
            )
        names = ClaimNames(settings.oidc_agency_claim, settings.oidc_roles_claim)
        return cls(settings.oidc_issuer, settings.oidc_audience, names)

    async def __call__(self, token: str) -> Principal:
        """Who shows a token. Raises as `claims`."""
        return principal_of(await self.claims(token), self._names)

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token says, which is to be believed.

        Raises:
            Unauthenticated: it is no valid one.
            Unreachable: the issuer's keys are not to be had.
        """
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated(f"one of more than {LONGEST_TOKEN} characters")
        try:
            key = await self._key(jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            reason = _REASONS.get(type(error), "one that is no access token of the issuer")
            raise Unauthenticated(reason) from None
        return claims

    async def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        if header.get("alg") not in ALGORITHMS:  # before anything is asked for its sake
            raise jwt.InvalidAlgorithmError
        key_id = header.get("kid")
        if key_id not in self._keys or _since(self._got_at) > KEYS_HOLD_S:
            async with self._turn:
                if key_id not in self._keys or _since(self._got_at) > KEYS_HOLD_S:
                    await self._renew()
        key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated("one signed with a key that the issuer does not publish")
        return key

    async def _renew(self) -> None:
        """Ask for the keys anew, unless that was done just now; old ones go on for a while."""
        if _since(self._asked_at) < self._asked_every_s:
            if not self._keys:
                raise unusable(self._issuer, "nor did it just now")
            return
        self._asked_at = time.monotonic()
        try:
            self._keys = await self._published()
        except RunutError:
            if not self._keys or _since(self._got_at) > KEYS_LAST_S:
                raise
        else:
            self._got_at = time.monotonic()

    async def _published(self) -> dict[str | None, jwt.PyJWK]:
        """The keys that the issuer signs with, by id.

        Raises:
            Unreachable: it does not answer, or not as an issuer.
        """
        async with talking_to(self._issuer) as client:
            found = await described(client, self._issuer)
            keys = await document(client, place_in(found, "jwks_uri", self._issuer))
            try:
                return _usable(jwt.PyJWKSet.from_dict(keys))
            except jwt.PyJWTError as error:
                raise unusable(self._issuer, error) from None


def _usable(keys: jwt.PyJWKSet) -> dict[str | None, jwt.PyJWK]:
    """Those for signatures by public key; a single one also without its id."""
    found: dict[str | None, jwt.PyJWK] = {
        key.key_id: key
        for key in keys
        if key.public_key_use != "enc" and key.algorithm_name in ALGORITHMS
    }
    if len(found) == 1:
        found[None] = next(iter(found.values()))
    return found


def _since(moment: float) -> float:
    return time.monotonic() - moment
