"""Sign people in at an OpenID Connect issuer: the authorization-code flow with PKCE.

Owns what is asked of the issuer and which answers are believed (OpenID Connect Core 1.0 §3.1, RFC
7636, RFC 9207): those to a question of the same browser, with an ID token that was made for us and
for that question. Keeps nothing: what a question rests on stays with the browser that asks.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote_plus

import httpx

from runut.access import Principal
from runut.adapters.oidc import OidcCheck
from runut.adapters.oidc_issuer import described, is_safe, json_object, place_in, talking_to
from runut.claims import ClaimNames, principal_of
from runut.errors import SettingError, Unauthenticated
from runut.settings import Settings

DESCRIPTION_HOLDS_S: Final = 300.0
_NEVER: Final = float("-inf")


class Question(NamedTuple):
    """A question to the issuer, made of a secret alone: who knows that may use the answer."""

    secret: str

    @classmethod
    def new(cls) -> Self:
        """One that nobody can guess."""
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """By which the answer is known."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """That the ID token has to hold."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """That goes with the code (RFC 7636 §4.1)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's hash, by which the issuer will know it (RFC 7636 §4.2)."""
        return _encoded(sha256(self.verifier.encode()).digest())

    def _derived(self, purpose: str) -> str:
        return _encoded(sha256(f"{purpose}:{self.secret}".encode()).digest())


class OidcSignIn:
    """Where people of one issuer sign in, and who they are when they come back."""

    def __init__(
        self, issuer: str, client: Client, names: ClaimNames, scope: str = "openid"
    ) -> None:
        """Take the issuer's URL, who we are to it, and where its tokens say what."""
        self._issuer = issuer
        self._client = client
        self._names = names
        self._scope = scope
        self._check = OidcCheck(issuer, client.id, names)
        self._description: dict[str, Any] = {}
        self._got_at = _NEVER

    @classmethod
    def of(cls, settings: Settings) -> OidcSignIn | None:
        """At the issuer that settings name; None where they name no client of it.

        Raises:
            SettingError: the issuer lacks, or the way back, or that is not safe.
        """
        if settings.oidc_client_id is None:
            return None
        if settings.oidc_issuer is None:
            raise SettingError("RUNUT_OIDC_ISSUER: expected it beside RUNUT_OIDC_CLIENT_ID")
        back = settings.oidc_redirect_url
        if back is None or not is_safe(back):
            raise SettingError(
                "RUNUT_OIDC_REDIRECT_URL: expected https://…, or http:// on this machine, beside "
                f"RUNUT_OIDC_CLIENT_ID, found {back!r}"
            )
        client = Client(settings.oidc_client_id, settings.oidc_client_secret, back)
        names = ClaimNames(settings.oidc_agency_claim, settings.oidc_roles_claim)
        return cls(settings.oidc_issuer, client, names, settings.oidc_scope)

    async def address(self, question: Question) -> str:
        """Where a browser is sent with a question.

        Raises:
            Unreachable: the issuer does not answer, or not as one.
        """
        async with talking_to(self._issuer) as http:
            place = await self._place(http, "authorization_endpoint")
            asked = {
                "response_type": "code",
                "client_id": self._client.id,
                "redirect_uri": self._client.redirect_url,
                "scope": self._scope,
                "state": question.state,
                "nonce": question.nonce,
                "code_challenge": question.challenge,
                "code_challenge_method": "S256",
            }
            return str(httpx.URL(place).copy_merge_params(asked))

    async def who(self, question: Question, answer: Mapping[str, str]) -> Principal:
        """Who comes back with an answer: the parameters with which the browser was sent here.

        Raises:
            Unauthenticated: it is no answer to this question, or one that is not to be believed.
            Unreachable: the issuer does not answer, or not as one.
        """
        if not compare_digest(answer.get("state", "").encode(), question.state.encode()):
            raise Unauthenticated("an answer to a question of another browser")
        if "error" in answer:
            raise Unauthenticated(f"the issuer's refusal {answer['error'][:40]!r}")
        token = await self._id_token(question, answer)
        claims = await self._check.claims(token)
        if not compare_digest(str(claims.get("nonce")).encode(), question.nonce.encode()):
            raise Unauthenticated("an ID token for another question")
        if claims.get("azp", self._client.id) != self._client.id:  # Core §3.1.3.7
            raise Unauthenticated("an ID token for another client")
        return principal_of(claims, self._names)

    async def _id_token(self, question: Question, answer: Mapping[str, str]) -> str:
        async with talking_to(self._issuer) as http:
            place = await self._place(http, "token_endpoint")
            self._demand_issuer(answer.get("iss"))
            got = await http.post(
                place,
                data={
                    "grant_type": "authorization_code",
                    "code": answer.get("code", ""),
                    "redirect_uri": self._client.redirect_url,
                    "client_id": self._client.id,
                    "code_verifier": question.verifier,
                },
                auth=self._client.proof,
            )
            if got.status_code == HTTPStatus.BAD_REQUEST:
                raise Unauthenticated("a code that the issuer does not take")
            got.raise_for_status()
            return str(json_object(got).get("id_token"))

    def _demand_issuer(self, named: str | None) -> None:
        """Demand that the answer is this issuer's (RFC 9207)."""
        promised = self._description.get("authorization_response_iss_parameter_supported")
        if named != self._issuer and (named is not None or promised is True):
            raise Unauthenticated("an answer of another issuer")

    async def _place(self, http: httpx.AsyncClient, name: str) -> str:
        if time.monotonic() - self._got_at > DESCRIPTION_HOLDS_S:
            self._description = await described(http, self._issuer)
            self._got_at = time.monotonic()
        return place_in(self._description, name, self._issuer)


class Client(NamedTuple):
    """Who we are to the issuer."""

    id: str
    secret: str | None
    redirect_url: str
    """Where it sends people back; it knows the very same text."""

    @property
    def proof(self) -> httpx.Auth:
        """That it is us who ask (RFC 6749 §2.3.1); a client without a secret proves nothing."""
        if self.secret is None:
            return httpx.Auth()
        return httpx.BasicAuth(quote_plus(self.id), quote_plus(self.secret))


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
