"""An OpenID Connect issuer at which people sign in: it knows one person, who always says yes.

It is as strict as RFC 6749 and RFC 7636 want it: a code is taken once, from the client that asked
for it, with the verifier whose hash came with the question.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from runut.adapters.oidc_sign_in import Client, OidcSignIn
from runut.claims import ClaimNames
from tests.issuer import DISCOVERY, Handler, Issuer, IssuerKey

CLIENT: Final = "runut pages"
SECRET: Final = "a secret: with % and +"
BACK: Final = "/sign-in/account/back"


class AccountIssuer(Issuer):
    """An issuer whose ID tokens say what `person` says; what it was asked is in `questions`."""

    def __init__(self, *keys: IssuerKey) -> None:
        super().__init__(*keys)
        self.RequestHandlerClass = _AccountHandler
        self.person: dict[str, Any] = {}
        self.names_itself = True
        self.questions: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def sign_in(self, pages: str, secret: str | None = SECRET) -> OidcSignIn:
        """What the pages at an address need to send people here."""
        client = Client(CLIENT, secret, f"{pages}{BACK}")
        return OidcSignIn(self.url, client, ClaimNames("agency", "roles"))

    def document(self, path: str) -> Any:
        found = super().document(path)
        if path != DISCOVERY:
            return found
        return {
            **found,
            "authorization_endpoint": f"{self.url}/authorize?theme=plain",
            "token_endpoint": f"{self.url}/token",
            "authorization_response_iss_parameter_supported": True,
        }

    def authorized(self, asked: dict[str, str]) -> str:
        """Where a browser is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        self.questions.append(asked)
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        said = {"code": code, "state": asked["state"]}
        if self.names_itself:
            said["iss"] = self.url
        return f"{asked['redirect_uri']}?{urlencode(said)}"

    def redeemed(self, given: dict[str, str], proof: str | None) -> dict[str, Any] | None:
        """What a code is taken for; None where it is not taken."""
        asked = self._codes.pop(given["code"], None)
        challenge = urlsafe_b64encode(sha256(given["code_verifier"].encode()).digest())
        if (
            asked is None
            or given["grant_type"] != "authorization_code"
            or given["redirect_uri"] != asked["redirect_uri"]
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
            or not given["client_id"] == asked["client_id"] == CLIENT
            or (proof is not None and _client(proof) != (CLIENT, SECRET))
        ):
            return None
        says = {"aud": CLIENT, "nonce": asked["nonce"], **self.person}
        return {"token_type": "Bearer", "access_token": "opaque", "id_token": self.token(**says)}


class _AccountHandler(Handler):
    server: AccountIssuer

    def do_GET(self) -> None:  # noqa: N802 - named by http.server
        asked = urlsplit(self.path)
        if asked.path != "/authorize":
            super().do_GET()
            return
        self.answer(303, {}, Location=self.server.authorized(dict(parse_qsl(asked.query))))

    def do_POST(self) -> None:  # noqa: N802 - named by http.server
        length = int(self.headers["content-length"])
        given = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        found = self.server.redeemed(given, self.headers["authorization"])
        self.answer(200 if found else 400, found or {"error": "invalid_grant"})


def _client(proof: str) -> tuple[str, ...]:
    """Name and secret of HTTP basic, each as of a form (RFC 6749 §2.3.1)."""
    words = b64decode(proof.removeprefix("Basic ")).decode().split(":")
    return tuple(map(unquote_plus, words))
