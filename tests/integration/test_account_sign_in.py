"""Signing in to the pages with an account at an issuer, which runs for real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from dashboard.pages.site import Site
from embedded.platform import Endpoints
from projections.install import install
from runut.adapters.oidc_sign_in import OidcSignIn, Question
from runut.adapters.postgres import connected
from runut.errors import SettingError
from runut.settings import Settings
from tests.account_issuer import BACK, CLIENT, SECRET, AccountIssuer
from tests.builders import project, scenario
from tests.issuer import AUDIENCE, IssuerKey, running
from tests.ledgers import own_settings
from tests.page_stage import HOST, Pages, form_token, pages

CASE = "/cases/BP3MI-NTT-2025-0001"
KEY = IssuerKey("rsa-1")
SESSION = "runut_session"
MAY_NOT = "Your account is known, but may not read here"
NO_ANSWER = "did not work out"
SILENT = "does not answer at present"


@pytest.fixture(scope="module")
async def site(
    platform: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pages]:
    """The pages over read models that hold one case."""
    settings = own_settings(platform, tmp_path_factory.mktemp("accounts"))
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        await project(connection, scenario("01-unpaid-wages"))
    async with pages(settings) as site:
        yield site


@pytest.fixture
def issuer(site: Pages) -> Iterator[AccountIssuer]:
    """An issuer of its own for each test; its accounts are those of the agency kp2mi."""
    with running(AccountIssuer(KEY)) as issuer:
        issuer.person = {"agency": "kp2mi"}
        believe(site, issuer.sign_in(HOST))
        yield issuer


@pytest.fixture
async def browser(site: Pages) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who reads English."""
    async with site.stranger(**{"accept-language": "en"}) as browser:
        yield browser


def believe(site: Pages, accounts: OidcSignIn | None) -> None:
    known: Site = site.app.state.site
    site.app.state.site = known._replace(accounts=accounts)


async def asked(browser: httpx.AsyncClient, path: str = "/") -> str:
    """Where the issuer is asked who it is."""
    answer = await browser.get("/sign-in/account", params={"next": path})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def answered(place: str) -> str:
    """Where the issuer sends a browser back to, without the site's address."""
    async with httpx.AsyncClient(trust_env=False) as outside:
        back = (await outside.get(place)).headers["location"]
    assert back.startswith(f"{HOST}{BACK}?")
    return str(back.removeprefix(HOST))


async def sign_in(browser: httpx.AsyncClient, path: str = "/") -> httpx.Response:
    """The whole way, as a browser goes it."""
    return await browser.get(await answered(await asked(browser, path)))


def changed(address: str, **other: str | None) -> str:
    """An address with some of its question changed; None takes it out."""
    path, _, query = address.partition("?")
    said = {**dict(parse_qsl(query)), **other}
    return f"{path}?{urlencode({name: value for name, value in said.items() if value is not None})}"


def refused(answer: httpx.Response, because: str, status: int = 403) -> None:
    """That nobody was signed in, and is told why by a page."""
    assert (answer.status_code, because in answer.text) == (status, True), answer.text
    assert SESSION not in answer.headers.get("set-cookie", "")
    assert 'runut_question=""' in answer.headers["set-cookie"]  # no second answer to it


# --- taken ---------------------------------------------------------------------------------------


async def test_who_has_an_account_reads_what_its_agency_may_until_it_signs_out(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    form = await browser.get("/sign-in", params={"next": f"{CASE}?by=occurred"})
    assert f'href="/sign-in/account?next={CASE.replace("/", "%2F")}%3Fby%3Doccurred"' in form.text
    back = await sign_in(browser, f"{CASE}?by=occurred")
    assert (back.status_code, back.headers["location"]) == (303, f"{CASE}?by=occurred")
    cookie = next(one for one in back.headers.get_list("set-cookie") if SESSION in one)
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = await browser.get(CASE)
    assert page.status_code == 200
    gone = await browser.post("/sign-out", data={"form_token": form_token(page)})
    assert gone.headers["location"] == "/sign-in"
    assert (await browser.get(CASE)).status_code == 303


async def test_each_question_is_another_and_tells_nothing_of_its_verifier(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    for _ in range(2):
        assert (await sign_in(browser)).status_code == 303
    first, second = issuer.questions
    assert first["theme"] == second["theme"] == "plain"
    for name in ("state", "nonce", "code_challenge"):
        assert len({first[name], second[name]}) == 2
        assert len(first[name]) >= 43
    assert "code_verifier" not in first


async def test_a_client_without_a_secret_signs_in_by_its_verifier_alone(
    site: Pages, browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    believe(site, issuer.sign_in(HOST, secret=None))
    assert (await sign_in(browser)).status_code == 303


async def test_an_auditor_needs_no_agency(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    issuer.person = {"agency": None, "roles": ["auditor"]}
    assert (await sign_in(browser)).status_code == 303
    assert (await browser.get(CASE)).status_code == 200


# --- refused -------------------------------------------------------------------------------------


async def test_an_answer_with_another_state_signs_nobody_in(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    for state in ("x" * 43, None):
        back = await answered(await asked(browser))
        refused(await browser.get(changed(back, state=state)), NO_ANSWER)


async def test_an_answer_to_another_browsers_question_signs_nobody_in(
    site: Pages, browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    back = await answered(await asked(browser))
    async with site.stranger(**{"accept-language": "en"}) as victim:
        refused(await victim.get(back), NO_ANSWER)
        await asked(victim)
        refused(await victim.get(back), NO_ANSWER)
    # The state of no secret can be computed by anybody.
    async with site.stranger(**{"accept-language": "en"}) as victim:
        refused(await victim.get(changed(back, state=Question("").state)), NO_ANSWER)


async def test_an_answer_is_taken_once(browser: httpx.AsyncClient, issuer: AccountIssuer) -> None:
    back = await answered(await asked(browser))
    question = browser.cookies["runut_question"]
    assert (await browser.get(back)).status_code == 303
    refused(await browser.get(back), NO_ANSWER)
    browser.cookies.set("runut_question", question)  # the issuer takes its code once, too
    refused(await browser.get(back), NO_ANSWER)


async def test_a_code_that_was_stolen_is_worth_nothing_in_another_browser(
    site: Pages, browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    stolen = dict(parse_qsl(urlsplit(await answered(await asked(browser))).query))["code"]
    async with site.stranger(**{"accept-language": "en"}) as thief:
        own = await answered(await asked(thief))
        refused(await thief.get(changed(own, code=stolen)), NO_ANSWER)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": AUDIENCE},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "https://login.example"},
        {"exp": datetime.now(UTC) - timedelta(minutes=5)},
        {"agency": "KEMLU RI"},
    ],
    ids=["nonce", "no-nonce", "audience", "party", "issuer", "expired", "agency"],
)
async def test_an_id_token_that_was_not_made_for_this_signs_nobody_in(
    browser: httpx.AsyncClient, issuer: AccountIssuer, claims: dict[str, Any]
) -> None:
    issuer.person |= claims
    refused(await sign_in(browser), NO_ANSWER)


async def test_an_id_token_of_a_key_that_is_not_the_issuers_signs_nobody_in(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    issuer.keys = [IssuerKey("rsa-1")]
    refused(await sign_in(browser), NO_ANSWER)


async def test_who_cancels_or_comes_from_another_issuer_is_not_signed_in(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    for other in (
        {"code": None, "error": "access_denied"},
        {"iss": "https://login.example"},
        {"iss": None},
    ):
        back = await answered(await asked(browser))
        refused(await browser.get(changed(back, **other)), NO_ANSWER)


@pytest.mark.parametrize(
    "person",
    [
        {"agency": "dinsos-mars"},
        {"agency": None},
        {"roles": ["emitter"]},
        {"roles": None},
    ],
    ids=["unknown-agency", "no-agency", "emitter", "no-role"],
)
async def test_an_account_that_may_not_read_here_is_told_so(
    browser: httpx.AsyncClient, issuer: AccountIssuer, person: dict[str, Any]
) -> None:
    issuer.person |= person
    refused(await sign_in(browser), MAY_NOT)
    assert (await browser.get(CASE)).status_code == 303


async def test_what_went_wrong_is_told_in_indonesian_as_well(
    site: Pages, issuer: AccountIssuer
) -> None:
    async with site.stranger(**{"accept-language": "id"}) as browser:
        issuer.person = {"agency": "dinsos-mars"}
        refused(await sign_in(browser), "tidak boleh membaca di sini")


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example"])
async def test_an_account_leads_to_no_other_site(
    browser: httpx.AsyncClient, issuer: AccountIssuer, path: str
) -> None:
    assert (await sign_in(browser, path)).headers["location"] == "/"
    issuer.person = {"agency": "dinsos-mars"}
    assert "evil" not in (await sign_in(browser, path)).text


async def test_an_issuer_that_does_not_answer_is_a_passing_failure(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    back = await answered(await asked(browser))
    issuer.published = []
    refused(await browser.get(back), SILENT, 503)


async def test_an_issuer_that_calls_itself_otherwise_is_not_gone_to(
    browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    issuer.calls_itself = "https://login.example"
    answer = await browser.get("/sign-in/account")
    assert (answer.status_code, SILENT in answer.text) == (503, True)
    assert issuer.url not in answer.text


async def test_without_a_client_there_are_no_accounts(
    site: Pages, browser: httpx.AsyncClient, issuer: AccountIssuer
) -> None:
    believe(site, None)
    assert "/sign-in/account" not in (await browser.get("/sign-in")).text
    for path in ("/sign-in/account", f"{BACK}?state=x&code=y"):
        assert (await browser.get(path)).status_code == 404


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"oidc_issuer": None}, "RUNUT_OIDC_ISSUER"),
        ({"oidc_redirect_url": None}, "RUNUT_OIDC_REDIRECT_URL"),
        ({"oidc_redirect_url": f"http://ledger.example{BACK}"}, "RUNUT_OIDC_REDIRECT_URL"),
    ],
    ids=["issuer", "no-way-back", "unsafe-way-back"],
)
def test_a_client_that_cannot_be_used_is_a_wrong_setting(
    given: dict[str, str | None], named: str
) -> None:
    usual = {
        "oidc_issuer": "https://login.example",
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_redirect_url": f"https://ledger.example{BACK}",
    }
    assert OidcSignIn.of(Settings(**usual)) is not None  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=named):
        OidcSignIn.of(Settings(**{**usual, **given}))  # type: ignore[arg-type]
