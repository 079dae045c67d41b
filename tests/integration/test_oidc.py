"""Access tokens of a real issuer, that serves discovery and keys over HTTP, at our own routes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import Depends, FastAPI

from cli.sign_in import authenticator
from cli.web_app import build_app
from runut.access import Principal
from runut.adapters.http import install_problems, principal
from runut.adapters.oidc import OidcCheck
from runut.claims import ClaimNames
from runut.errors import SettingError, Unauthenticated
from runut.settings import Settings
from tests.issuer import AUDIENCE, DISCOVERY, KEYS, Issuer, IssuerKey, running_issuer

RSA = IssuerKey("rsa-1")
OTHER = IssuerKey("rsa-2")
NAMES = ClaimNames("agency", "roles")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer(RSA) as issuer:
        yield issuer


async def ask(issuer: Issuer, token: str, check: OidcCheck | None = None) -> httpx.Response:
    """The answer of a route that tells who asks, to the holder of a token."""
    app = FastAPI()
    app.state.authenticate = authenticator(
        no_credentials, check or OidcCheck(issuer.url, AUDIENCE, NAMES), no_credentials
    )
    install_problems(app)

    @app.get("/me")
    async def me(who: Annotated[Principal, Depends(principal)]) -> dict[str, Any]:
        return {"name": who.name, "agency": who.agency, "roles": sorted(who.roles)}

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
        return await client.get("/me", headers={"authorization": f"Bearer {token}"})


async def no_credentials(_token: str) -> Principal:
    raise Unauthenticated("one that is no credential of this ledger")


def refused(answer: httpx.Response) -> str:
    """Why an answer refuses; it must, by a problem document."""
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    found = answer.json()
    assert found["type"] == "urn:runut:problem:unauthenticated"
    return str(found["detail"])


def segment(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value, default=str).encode()).rstrip(b"=").decode()


# --- taken ---------------------------------------------------------------------------------------


async def test_a_token_of_the_issuer_tells_who_its_holder_is(issuer: Issuer) -> None:
    answer = await ask(issuer, issuer.token(roles=["reader", "emitter"]))
    assert answer.json() == {"name": "oidc/siti", "agency": "kemlu", "roles": ["EMITTER", "READER"]}
    assert issuer.asked == [DISCOVERY, KEYS]


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "ES256", "EdDSA"])
async def test_signatures_by_public_keys_are_taken(algorithm: str) -> None:
    key = IssuerKey("k", algorithm)
    with running_issuer(key) as issuer:
        assert (await ask(issuer, issuer.token())).status_code == 200


async def test_a_single_key_needs_no_id() -> None:
    with running_issuer(IssuerKey(None)) as issuer:
        assert (await ask(issuer, issuer.token())).status_code == 200


async def test_a_token_for_several_audiences_may_be_for_us(issuer: Issuer) -> None:
    token = issuer.token(aud=["https://other.example", AUDIENCE])
    assert (await ask(issuer, token)).status_code == 200


async def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    just_over = datetime.now(UTC) - timedelta(seconds=5)
    assert (await ask(issuer, issuer.token(exp=just_over))).status_code == 200


# --- refused -------------------------------------------------------------------------------------


async def test_an_expired_token_is_refused(issuer: Issuer) -> None:
    expired = issuer.token(exp=datetime.now(UTC) - timedelta(minutes=5))
    assert "expired" in refused(await ask(issuer, expired))


async def test_a_token_for_later_is_refused(issuer: Issuer) -> None:
    early = issuer.token(nbf=datetime.now(UTC) + timedelta(minutes=5))
    assert "not valid yet" in refused(await ask(issuer, early))


async def test_a_token_for_another_audience_is_refused(issuer: Issuer) -> None:
    token = issuer.token(aud="https://other.example")
    assert "another audience" in refused(await ask(issuer, token))


async def test_a_token_of_another_issuer_is_refused(issuer: Issuer) -> None:
    token = issuer.token(iss="https://login.example")
    assert "another issuer" in refused(await ask(issuer, token))


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub"])
async def test_a_token_that_leaves_out_what_is_required_is_refused(
    issuer: Issuer, claim: str
) -> None:
    refused(await ask(issuer, issuer.token(**{claim: None})))


async def test_a_token_of_a_strange_agency_is_refused(issuer: Issuer) -> None:
    assert "claim agency" in refused(await ask(issuer, issuer.token(agency="KEMLU RI")))


async def test_an_unsigned_token_is_refused(issuer: Issuer) -> None:
    for name in ("none", "None", "NONE"):
        header = {"alg": name, "typ": "JWT", "kid": "rsa-1"}
        claims = {**issuer.claims(), "iat": 1, "exp": 32503680000}
        unsigned = f"{segment(header)}.{segment(claims)}."
        assert "algorithm" in refused(await ask(issuer, unsigned))
    assert issuer.asked == []


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(issuer: Issuer) -> None:
    public = RSA.private.public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(RSA.published).encode(),
    ):
        claims = {**issuer.claims(), "iat": 1, "exp": 32503680000}
        signed = f"{segment({'alg': 'HS256', 'kid': 'rsa-1'})}.{segment(claims)}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        forged = f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert "algorithm" in refused(await ask(issuer, forged))
        pretended = forged.replace(
            segment({"alg": "HS256", "kid": "rsa-1"}), segment({"alg": "RS256", "kid": "rsa-1"})
        )
        assert "signature is wrong" in refused(await ask(issuer, pretended))


async def test_a_secret_that_the_issuer_publishes_by_mistake_signs_nothing(issuer: Issuer) -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    published = {"kty": "oct", "kid": "s", "k": urlsafe_b64encode(secret).decode().rstrip("=")}
    issuer.published.append(published)
    forged = jwt.encode(issuer.claims(), secret, "HS256", {"kid": "s"})
    assert "algorithm" in refused(await ask(issuer, forged))
    header, body, _ = forged.split(".")
    header = segment({"alg": "RS256", "kid": "s"})
    mac = hmac.new(secret, f"{header}.{body}".encode(), hashlib.sha256).digest()
    pretended = f"{header}.{body}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert "does not publish" in refused(await ask(issuer, pretended))


async def test_a_key_for_encryption_signs_nothing(issuer: Issuer) -> None:
    issuer.published.append({**OTHER.published, "use": "enc"})
    assert "does not publish" in refused(await ask(issuer, issuer.token(OTHER)))


async def test_a_token_of_another_key_is_refused_even_under_its_id(issuer: Issuer) -> None:
    assert "does not publish" in refused(await ask(issuer, issuer.token(OTHER)))
    impostor = IssuerKey("rsa-1")
    assert "signature is wrong" in refused(await ask(issuer, issuer.token(impostor)))


async def test_a_changed_token_is_refused(issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    claims = {**issuer.claims(agency="kbri-kl"), "iat": 1, "exp": 32503680000}
    changed = f"{header}.{segment(claims)}.{signature}"
    assert "signature is wrong" in refused(await ask(issuer, changed))


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9..", "e30.e30.e30", "a" * 20_000, "W10.e30.e30"],
)
async def test_what_is_no_token_is_refused_without_asking_anybody(
    issuer: Issuer, token: str
) -> None:
    refused(await ask(issuer, token))
    assert KEYS not in issuer.asked or token == "eyJhbGciOiJSUzI1NiJ9.."


async def test_a_token_is_never_repeated_in_the_answer(issuer: Issuer) -> None:
    token = issuer.token(aud="https://other.example")
    answer = await ask(issuer, token)
    assert token not in answer.text
    assert token.split(".")[2] not in answer.text


# --- the issuer's keys ---------------------------------------------------------------------------


async def test_keys_are_asked_for_once_however_many_come_at_once(issuer: Issuer) -> None:
    check = OidcCheck(issuer.url, AUDIENCE, NAMES)
    found = await asyncio.gather(*(check(issuer.token()) for _ in range(20)))
    assert {who.name for who in found} == {"oidc/siti"}
    assert issuer.asked == [DISCOVERY, KEYS]


async def test_a_new_key_is_found_when_a_token_names_it(issuer: Issuer) -> None:
    check = OidcCheck(issuer.url, AUDIENCE, NAMES, asked_every_s=0)
    await check(issuer.token())
    issuer.published = [OTHER.published]
    assert (await check(issuer.token(OTHER))).agency == "kemlu"
    with pytest.raises(Unauthenticated, match="does not publish"):
        await check(issuer.token(RSA))


async def test_made_up_key_ids_do_not_flood_the_issuer(issuer: Issuer) -> None:
    check = OidcCheck(issuer.url, AUDIENCE, NAMES)
    for number in range(50):
        forged = jwt.encode(issuer.claims(), OTHER.private, "RS256", {"kid": f"made-up-{number}"})
        with pytest.raises(Unauthenticated, match="does not publish"):
            await check(forged)
    assert issuer.asked == [DISCOVERY, KEYS]


async def test_known_keys_go_on_while_the_issuer_fails(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = OidcCheck(issuer.url, AUDIENCE, NAMES, asked_every_s=0)
    await check(issuer.token())
    issuer.status = 500
    monkeypatch.setattr("runut.adapters.oidc.KEYS_HOLD_S", -1.0)
    assert (await check(issuer.token())).agency == "kemlu"
    assert len(issuer.asked) > 2
    monkeypatch.setattr("runut.adapters.oidc.KEYS_LAST_S", -1.0)
    answer = await ask(issuer, issuer.token(), check)
    assert answer.status_code == 503


@pytest.mark.parametrize("wrong", ["status", "name", "no keys", "keys elsewhere", "gone"])
async def test_an_issuer_that_does_not_answer_as_one_is_a_passing_failure(wrong: str) -> None:
    with running_issuer(RSA) as issuer:
        token = issuer.token()
        match wrong:
            case "status":
                issuer.status = 500
            case "name":
                issuer.calls_itself = f"{issuer.url}/"
            case "no keys":
                issuer.published = []
            case "keys elsewhere":
                issuer.keys_at = "http://keys.example/keys"
            case _:
                issuer.shutdown()
                issuer.server_close()
        answer = await ask(issuer, token)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:runut:problem:unavailable"
        assert "retry-after" in answer.headers
        assert issuer.url not in answer.text


# --- settings ------------------------------------------------------------------------------------


def test_without_an_issuer_no_token_of_one_is_taken() -> None:
    assert OidcCheck.of(Settings()) is None


@pytest.mark.parametrize(
    ("issuer", "audience", "named"),
    [
        ("https://login.example", None, "RUNUT_OIDC_AUDIENCE"),
        ("http://login.example", AUDIENCE, "RUNUT_OIDC_ISSUER"),
        ("login.example", AUDIENCE, "RUNUT_OIDC_ISSUER"),
    ],
)
def test_an_issuer_that_cannot_be_trusted_is_a_wrong_setting(
    issuer: str, audience: str | None, named: str
) -> None:
    with pytest.raises(SettingError, match=named):
        OidcCheck.of(Settings(oidc_issuer=issuer, oidc_audience=audience))


async def test_the_application_believes_the_issuer_that_settings_name(issuer: Issuer) -> None:
    app = build_app(
        Settings(
            kafka_bootstrap="127.0.0.1:1",
            registry_url="http://127.0.0.1:1",
            postgres_url="postgresql://runut@127.0.0.1:1/runut",
            oidc_issuer=issuer.url,
            oidc_audience=AUDIENCE,
            oidc_agency_claim="org.code",
            oidc_roles_claim="scope",
        )
    )
    transport = httpx.ASGITransport(app)

    async def status(token: str) -> int:
        async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
            headers = {"authorization": f"Bearer {token}"}
            return (await client.get("/api/v1/credentials", headers=headers)).status_code

    stranger = issuer.token(agency=None, roles=None, scope="openid reader")
    assert await status(stranger) == 403  # it is known who asks, and it is of no agency
    assert await status(issuer.token(OTHER)) == 401
    assert await status(issuer.token(org={"code": "KEMLU RI"})) == 401
