"""Credentials of agencies' systems: made, revoked, listed.

Owns what a credential may be. The secret leaves this module once, in the token of a new one; how
tokens are checked is `projections.credential_check`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from projections.queries import queries
from projections.reading import expecting_tables, load_directory
from runut.access import Principal, Role
from runut.adapters.postgres import Connection
from runut.errors import BadInput, NotFound
from runut.event import SYSTEM, AgencyCode
from runut.rfc3339 import format_time
from runut.tokens import Token, new_token

State = Literal["VALID", "EXPIRED", "REVOKED"]

LONGEST_NAME: Final = 80
_SQL: Final = queries("credentials")


class Grant(NamedTuple):
    """What a credential is to allow, to whom and until when."""

    agency: str
    name: str
    """Of the system that gets it, for people."""
    roles: frozenset[Role]
    may_force: bool
    expires_at: datetime


class Credential(msgspec.Struct, frozen=True):
    """A credential without its secret."""

    credential_id: str
    agency: AgencyCode
    name: str
    roles: Sequence[Role]
    may_force: bool
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None
    """To the minute."""

    def state(self, now: datetime) -> State:
        """What it is worth."""
        if self.revoked_at is not None:
            return "REVOKED"
        return "EXPIRED" if self.expires_at <= now else "VALID"

    @property
    def principal(self) -> Principal:
        """Who shows its token."""
        return Principal(
            name=f"credential/{self.credential_id}",
            agency=self.agency,
            roles=frozenset(self.roles),
            may_force=self.may_force,
        )


class Kept(NamedTuple):
    """A credential with what its secret is checked against."""

    credential: Credential
    secret_sha256: bytes


async def issue(connection: Connection, grant: Grant, by: str, now: datetime) -> Token:
    """Make a credential; its token is nowhere else.

    Raises:
        BadInput: it would allow what no credential may.
        NotFound: no agency has this code.
        PlatformError: the tables were never made.
    """
    _check(grant, now)
    with expecting_tables():
        directory = (await load_directory(connection)).latest
    if directory.agency(grant.agency) is None:
        raise NotFound(f"agency {grant.agency}", "expected a registered one, found none")
    token = new_token()
    given = {**grant._asdict(), "roles": sorted(grant.roles), "by": by, "now": now}
    secret = {"credential_id": token.credential_id, "secret_sha256": token.secret_sha256}
    await _rows(connection, "add", {**given, **secret})
    return token


async def revoke(connection: Connection, credential_id: str, by: str, now: datetime) -> Credential:
    """Have a credential refused from now on; one that is revoked already stays as it is.

    Raises:
        NotFound: there is none with this id.
        PlatformError: the tables were never made.
    """
    asked = {"credential_id": credential_id, "by": by, "now": now}
    rows = await _rows(connection, "revoke", asked)
    if not rows:
        raise NotFound(f"credential {credential_id}", "expected one with this id, found none")
    return Credential(*rows[0])


async def credentials(connection: Connection, agency: str | None = None) -> list[Credential]:
    """All credentials, or those of an agency, the newest first.

    Raises:
        PlatformError: the tables were never made.
    """
    return [Credential(*row) for row in await _rows(connection, "listed", {"agency": agency})]


async def kept(connection: Connection, credential_ids: Collection[str]) -> dict[str, Kept]:
    """Those of these credentials that there are, by id. Raises as `credentials`."""
    rows = await _rows(connection, "kept", {"credential_ids": list(credential_ids)})
    return {row[0]: Kept(Credential(*row[:-1]), row[-1]) for row in rows}


async def note_use(connection: Connection, credential_id: str, now: datetime) -> None:
    """Remember when a credential was used last."""
    await _rows(connection, "used", {"credential_id": credential_id, "now": now})


def shown(credential: Credential, now: datetime) -> dict[str, Any]:
    """A credential as a JSON object."""
    members = {name: _json(value) for name, value in msgspec.structs.asdict(credential).items()}
    return {**members, "state": credential.state(now)}


async def _rows(
    connection: Connection, query: str, asked: dict[str, Any]
) -> Sequence[tuple[Any, ...]]:
    with expecting_tables():
        cursor = await connection.execute(_SQL[query], asked)
        return await cursor.fetchall() if cursor.description else ()


def _json(value: object) -> object:
    return format_time(value) if isinstance(value, datetime) else value


def _check(grant: Grant, now: datetime) -> None:
    if not grant.roles:
        raise BadInput("role", "at least one", "none")
    if grant.agency == SYSTEM and "EMITTER" in grant.roles:
        raise BadInput("role", f"no emitter for {SYSTEM}: nobody speaks for the ledger", "EMITTER")
    if grant.may_force and "EMITTER" not in grant.roles:
        raise BadInput("may-force", "the role EMITTER beside it", sorted(grant.roles))
    if not 0 < len(grant.name) <= LONGEST_NAME or not grant.name.isprintable():
        raise BadInput("name", f"1 to {LONGEST_NAME} printable characters", grant.name)
    if grant.expires_at <= now:
        raise BadInput("expires", "a time to come", grant.expires_at.isoformat())
