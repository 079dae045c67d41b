"""A real OpenID Connect issuer on this machine: discovery, keys and the tokens it signs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

AUDIENCE: Final = "https://ledger.example"
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/keys"


class IssuerKey:
    """A key with which tokens are signed."""

    def __init__(self, key_id: str | None, algorithm: str = "RS256") -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.private = _private_key(algorithm)

    @property
    def published(self) -> dict[str, Any]:
        """The public key as a JWK."""
        scheme = get_default_algorithms()[self.algorithm]
        found: dict[str, Any] = scheme.to_jwk(self.private.public_key(), as_dict=True)
        named = {"kid": self.key_id} if self.key_id else {}
        return {**found, **named, "use": "sig", "alg": self.algorithm}


def _private_key(algorithm: str) -> Any:
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer(ThreadingHTTPServer):
    """Serves what an issuer serves, and counts who asks for its keys."""

    def __init__(self, *keys: IssuerKey) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys = list(keys)
        self.published: list[dict[str, Any]] = [key.published for key in keys]
        self.calls_itself = self.url
        self.keys_at = f"{self.url}{KEYS}"
        self.status = 200
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Its name, and where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def claims(self, **more: Any) -> dict[str, Any]:
        """What a token of this issuer says, unless told otherwise; None leaves a claim out."""
        now = datetime.now(UTC)
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "siti",
            "iat": now,
            "exp": now + timedelta(minutes=5),
            "agency": "kemlu",
            "roles": ["reader"],
        }
        return {name: value for name, value in {**usual, **more}.items() if value is not None}

    def token(self, key: IssuerKey | None = None, **claims: Any) -> str:
        """A token signed with a key, its first one by default."""
        key = key or self.keys[0]
        headers = {"kid": key.key_id} if key.key_id else {}
        return jwt.encode(self.claims(**claims), key.private, key.algorithm, headers)

    def document(self, path: str) -> Any:
        """What it answers on a path."""
        self.asked.append(path)
        if path == DISCOVERY:
            return {"issuer": self.calls_itself, "jwks_uri": self.keys_at}
        return {"keys": self.published}


class Handler(BaseHTTPRequestHandler):
    """Answers with documents."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Issuer)
        self.answer(self.server.status, self.server.document(self.path))

    def answer(self, status: int, document: Any, **headers: str) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Nothing: pytest's output is for failures."""


@contextmanager
def running_issuer(*keys: IssuerKey) -> Iterator[Issuer]:
    """An issuer that answers as long as the block runs."""
    with running(Issuer(*keys)) as issuer:
        yield issuer


Served = TypeVar("Served", bound=Issuer)


@contextmanager
def running(issuer: Served) -> Iterator[Served]:
    """The same of one that was made already."""
    with issuer:
        thread = threading.Thread(target=issuer.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            issuer.shutdown()
            thread.join()
