"""Credentials in PostgreSQL: made and revoked by commands, checked and listed over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from cli.sign_in import authenticator
from dashboard import credentials as routes
from projections import credentials
from projections.credential_check import CredentialCheck
from projections.credentials import Credential, Grant
from projections.sessions import Sessions
from runut.access import Role
from runut.adapters.http import install_problems
from runut.adapters.postgres import Connection, Pool
from runut.errors import BadInput, NotFound, Unreachable
from runut.settings import Settings
from runut.tokens import Token, new_token, parse_token
from tests.builders import on_subject, project, scenario
from tests.integration.test_look import runut

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


class Clock:
    """The time as credentials see it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Ledger:
    """A ledger that knows some agencies, and a route that lists credentials."""

    def __init__(self, settings: Settings, connection: Connection, pool: Pool) -> None:
        self.settings = settings
        self.connection = connection
        self.clock = Clock()
        self.queries = 0
        self.is_away = False
        self._pool = pool
        self.check = CredentialCheck(self.lend, self.clock)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Connection]:
        """A connection, unless PostgreSQL is away."""
        self.queries += 1
        if self.is_away:
            raise Unreachable("PostgreSQL", "10.1.2.3", "start it")
        async with self._pool.lent() as connection:
            yield connection

    async def issue(
        self, agency: str = "kemlu", *roles: Role, expires_at: datetime = NOON + HOUR
    ) -> Token:
        """A new credential's token."""
        grant = Grant(agency, "portal", frozenset(roles or ("READER",)), False, expires_at)
        return await credentials.issue(self.connection, grant, "siti", self.clock.now)

    async def ask(self, token: str | None, agency: str | None = None) -> httpx.Response:
        """The answer of GET /credentials, by a process that remembers nothing."""
        app = FastAPI()
        app.state.authenticate = authenticator(
            CredentialCheck(self.lend, self.clock), None, Sessions(self.lend, self.clock).check
        )
        app.include_router(routes.router(self.lend, self.clock))
        install_problems(app)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
            params = {"agency": agency} if agency else {}
            return await client.get("/credentials", params=params, headers=headers)

    async def listed(self) -> dict[str, Credential]:
        """All credentials by id."""
        found = await credentials.credentials(self.connection)
        return {one.credential_id: one for one in found}


@pytest.fixture
async def ledger(settings: Settings, connection: Connection) -> AsyncIterator[Ledger]:
    await project(connection, on_subject(scenario("01-unpaid-wages"), "case/BP3MI-NTT-2025-0001"))
    async with Pool(settings, name="tests", size=2) as pool:
        yield Ledger(settings, connection, pool)


def refused(answer: httpx.Response) -> str:
    """Why an answer does not let somebody in; it must not, by a problem document."""
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    return str(answer.json()["detail"])


def ids(answer: httpx.Response) -> set[str]:
    return {one["credential_id"] for one in answer.json()["credentials"]}


# --- tokens --------------------------------------------------------------------------------------


async def test_a_token_tells_whose_system_shows_it_and_what_it_may(ledger: Ledger) -> None:
    token = await ledger.issue("kemlu", "EMITTER", "READER")
    who = await ledger.check(token.text)
    assert (who.agency, who.roles, who.may_force) == ("kemlu", {"EMITTER", "READER"}, False)
    assert who.name == f"credential/{token.credential_id}"


async def test_an_expired_token_is_refused(ledger: Ledger) -> None:
    token = await ledger.issue()
    ledger.clock.now = NOON + HOUR - timedelta(seconds=1)
    assert (await ledger.ask(token.text)).status_code == 200
    ledger.clock.now = NOON + HOUR
    assert "expired at 2026-03-02T13:00:00Z" in refused(await ledger.ask(token.text))


async def test_a_revoked_token_is_refused(ledger: Ledger) -> None:
    token = await ledger.issue()
    await credentials.revoke(ledger.connection, token.credential_id, "budi", NOON)
    assert "revoked at 2026-03-02T12:00:00Z" in refused(await ledger.ask(token.text))


async def test_a_malformed_token_is_refused_without_asking_the_database(ledger: Ledger) -> None:
    token = await ledger.issue()
    for text in (token.text[:-1], token.text + "x", token.secret, "runut_x_y", "a.b.c"):
        assert "no credential" in refused(await ledger.ask(text))
    assert ledger.queries == 0


async def test_another_secret_tells_nothing_of_the_credential(ledger: Ledger) -> None:
    token = await ledger.issue()
    await credentials.revoke(ledger.connection, token.credential_id, "budi", NOON)
    guessed = token._replace(secret=new_token().secret)
    unknown = new_token()
    assert refused(await ledger.ask(guessed.text)) == refused(await ledger.ask(unknown.text))


async def test_of_a_secret_nothing_but_its_hash_is_kept(ledger: Ledger) -> None:
    token = await ledger.issue()
    cursor = await ledger.connection.execute("SELECT credential::text FROM credential")
    [(row,)] = await cursor.fetchall()
    assert token.secret not in row
    assert token.secret_sha256.hex() in row


# --- the check -----------------------------------------------------------------------------------


async def test_one_query_looks_for_all_who_ask_at_once(ledger: Ledger) -> None:
    tokens = [await ledger.issue() for _ in range(20)]
    asked = [*tokens, *(new_token() for _ in range(20))]
    found = await asyncio.gather(
        *(ledger.check(token.text) for token in asked), return_exceptions=True
    )
    assert sum(isinstance(one, Exception) for one in found) == 20
    uses = len(tokens)
    assert ledger.queries - uses <= 2
    await asyncio.gather(*(ledger.check(token.text) for token in tokens))
    assert ledger.queries - uses <= 2


async def test_a_revoked_token_is_refused_soon_where_it_was_just_taken(ledger: Ledger) -> None:
    token = await ledger.issue()
    await ledger.check(token.text)
    await credentials.revoke(ledger.connection, token.credential_id, "budi", NOON)
    async with asyncio.timeout(30):
        while not await refuses(ledger, token):
            await asyncio.sleep(0.05)


async def refuses(ledger: Ledger, token: Token) -> bool:
    found = await asyncio.gather(ledger.check(token.text), return_exceptions=True)
    return "revoked" in str(found[0])


async def test_a_new_token_is_taken_although_others_were_just_looked_for(ledger: Ledger) -> None:
    await ledger.check((await ledger.issue()).text)
    assert (await ledger.check((await ledger.issue()).text)).agency == "kemlu"


async def test_while_the_database_is_away_callers_are_told_to_come_back(ledger: Ledger) -> None:
    token = await ledger.issue()
    ledger.is_away = True
    answer = await ledger.ask(token.text)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "10.1.2.3" not in answer.text
    failures = await asyncio.gather(
        *(ledger.check(token.text) for _ in range(20)), return_exceptions=True
    )
    assert {type(failure) for failure in failures} == {Unreachable}
    assert ledger.queries == 2


async def test_when_a_credential_was_used_is_noted_once_a_minute(ledger: Ledger) -> None:
    token = await ledger.issue(expires_at=NOON + 24 * HOUR)

    async def noted() -> datetime | None:
        return (await ledger.listed())[token.credential_id].last_used_at

    assert await noted() is None
    await ledger.check(token.text)
    assert await noted() == NOON
    ledger.clock.now = NOON + timedelta(seconds=59)
    await ledger.check(token.text)
    assert await noted() == NOON
    ledger.clock.now = NOON + HOUR
    await ledger.check(token.text)
    assert await noted() == NOON + HOUR


# --- what credentials may be ---------------------------------------------------------------------


async def test_what_no_credential_may_be_is_refused(ledger: Ledger) -> None:
    usual = Grant("kemlu", "portal", frozenset({"READER"}), False, NOON + HOUR)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"roles": frozenset()}, "role"),
        ({"may_force": True}, "may-force"),
        ({"expires_at": NOON}, "expires"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"agency": "runut", "roles": frozenset({"EMITTER"})}, "role"),
    ]
    for change, thing in wrong:
        with pytest.raises(BadInput) as error:
            await credentials.issue(ledger.connection, usual._replace(**change), "siti", NOON)
        assert error.value.thing == thing
    with pytest.raises(NotFound, match="agency nobody"):
        await credentials.issue(ledger.connection, usual._replace(agency="nobody"), "siti", NOON)
    assert await ledger.listed() == {}


async def test_who_revoked_first_stays_on_record(ledger: Ledger) -> None:
    token = await ledger.issue()
    await credentials.revoke(ledger.connection, token.credential_id, "budi", NOON)
    again = await credentials.revoke(ledger.connection, token.credential_id, "sari", NOON + HOUR)
    assert (again.revoked_by, again.revoked_at, again.created_by) == ("budi", NOON, "siti")


# --- over HTTP -----------------------------------------------------------------------------------


async def test_nobody_lists_credentials_without_one(ledger: Ledger) -> None:
    assert "found none" in refused(await ledger.ask(None))


async def test_an_agency_sees_its_own_credentials_and_no_secret(ledger: Ledger) -> None:
    mine, other = await ledger.issue("kemlu"), await ledger.issue("kbri-kl")
    answer = await ledger.ask(mine.text)
    assert ids(answer) == {mine.credential_id}
    for token in (mine, other):
        assert token.secret not in answer.text
        assert token.secret_sha256.hex() not in answer.text
    assert answer.json()["credentials"][0]["state"] == "VALID"


@pytest.mark.parametrize("role", ["EMITTER", "READER", "AUDITOR"])
async def test_an_agency_does_not_see_another_s_credentials(ledger: Ledger, role: Role) -> None:
    await ledger.issue("kbri-kl")
    mine = await ledger.issue("kemlu", role)
    answer = await ledger.ask(mine.text, agency="kbri-kl")
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:runut:problem:forbidden"


async def test_an_operator_sees_all_credentials_or_those_of_one(ledger: Ledger) -> None:
    mine, other = await ledger.issue("runut", "OPERATOR"), await ledger.issue("kbri-kl")
    assert ids(await ledger.ask(mine.text)) == {mine.credential_id, other.credential_id}
    assert ids(await ledger.ask(mine.text, agency="kbri-kl")) == {other.credential_id}


# --- by commands ---------------------------------------------------------------------------------


async def test_a_credential_is_made_listed_and_revoked_by_commands(ledger: Ledger) -> None:
    new = ("credentials", "new", "kemlu", "--role", "emitter", "--may-force", "--expires", "30d")
    made = await runut(ledger.settings, *new, "--by", "siti")
    assert made.code == 0, made.err
    token = parse_token(made.out.strip())
    assert "shown only now" in made.err
    assert token.secret not in made.err
    found = (await ledger.listed())[token.credential_id]
    assert (found.agency, found.roles, found.may_force) == ("kemlu", ["EMITTER"], True)
    assert found.expires_at - found.created_at == timedelta(days=30)
    revoke = ("credentials", "revoke", token.credential_id, "--by", "budi")
    assert (await runut(ledger.settings, *revoke)).code == 0
    after = (await ledger.listed())[token.credential_id]
    assert (after.created_by, after.revoked_by) == ("siti", "budi")
    [shown] = (await runut(ledger.settings, "credentials", "list", "--json")).document
    assert (shown["state"], shown["credential_id"]) == ("REVOKED", token.credential_id)
    assert "secret_sha256" not in shown
