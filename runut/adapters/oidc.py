"""Check access tokens of an OpenID Connect issuer: signed JWTs, with keys that it publishes.

Owns where the keys come from (Discovery 1.0, RFC 7517) and how often they are asked for, so that
tokens with made-up key ids cannot flood the issuer. What a token says about its holder is in
`runut.claims`. Refuses unsigned tokens and those signed with a shared secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx
import jwt

from runut.access import Principal
from runut.claims import ClaimNames, principal_of
from runut.errors import RunutError, SettingError, Unauthenticated, Unreachable
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
_TIMEOUT_S: Final = 5.0
_DISCOVERY: Final = "/.well-known/openid-configuration"
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
    """From access tokens of one issuer to those who show them; `await check(token)`."""

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
        if not _is_safe(settings.oidc_issuer):
            raise SettingError(
                "RUNUT_OIDC_ISSUER: expected https://…, or http:// on this machine, "
                f"found {settings.oidc_issuer!r}"
            )
        names = ClaimNames(settings.oidc_agency_claim, settings.oidc_roles_claim)
        return cls(settings.oidc_issuer, settings.oidc_audience, names)

    async def __call__(self, token: str) -> Principal:
        """Who shows a token.

        Raises:
            Unauthenticated: it is no valid one.
            Unreachable: the issuer's keys are not to be had.
        """
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated(f"one of more than {LONGEST_TOKEN} characters")
        try:
            key = await self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(
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
        return principal_of(claims, self._names)

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
                raise self._unusable("nor did it just now")
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
        # Proxies of the environment are for the world outside, not for this machine.
        outside = not _is_local(self._issuer)
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=outside) as client:
                found = await _document(client, self._issuer.rstrip("/") + _DISCOVERY)
                if found.get("issuer") != self._issuer:  # Discovery 1.0 §4.3
                    raise self._unusable(f"it calls itself {found.get('issuer')!r}")
                place = str(found.get("jwks_uri"))
                if not _is_safe(place):
                    raise self._unusable(f"its keys are at {place!r}")
                keys = jwt.PyJWKSet.from_dict(await _document(client, place))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, jwt.PyJWTError) as error:
            raise self._unusable(error) from None
        return _usable(keys)

    def _unusable(self, why: object) -> Unreachable:
        advice = "check RUNUT_OIDC_ISSUER and the issuer"
        return Unreachable("OIDC issuer", self._issuer, advice, str(why))


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


async def _document(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """A JSON object at a URL. Raises httpx.HTTPError or ValueError."""
    answer = await client.get(url)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError(f"no JSON object at {url}")  # noqa: TRY004 - as of the parser
    return found


def _is_safe(url: str) -> bool:
    return httpx.URL(url).scheme == "https" or _is_local(url)


def _is_local(url: str) -> bool:
    return httpx.URL(url).host in {"127.0.0.1", "localhost", "::1"}


def _since(moment: float) -> float:
    return time.monotonic() - moment
